"""Each practice server gets from the real probes what its part says, every time they come."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from services.imap_worker.probe import imap_probe
from services.pop3_worker.probe import pop3_probe
from services.standalone.practice.cast import CAST, PASSWORD, USER, Part
from services.standalone.practice.certificates import PracticeAuthority
from services.standalone.practice.serving import practice_servers
from shared.checks.outcome import Outcome
from shared.checks.target import CheckTarget
from shared.checks.vocabulary import IpFamily, LoginOutcome, MailProtocol, OutcomeKind, Security, WarningCode
from shared.probing.environment import ProbeEnvironment
from shared.probing.probe import ProbeRequest


class Troupe:
    """The running servers, and checks of them as workers make them."""

    def __init__(self, ports: Mapping[Part, int], environment: ProbeEnvironment) -> None:
        self.ports = ports
        self._environment = environment

    async def check(self, part: Part, *, password: str | None = None) -> Outcome:
        target = CheckTarget(
            protocol=part.protocol,
            hostname=part.hostname,
            port=self.ports[part],
            security=part.security,
            verify_certificate=part.verified,
            ip_family=IpFamily.V4,
            user=USER,
            timeout_ms=20_000,
            warning_ms=2_000,
        )
        probe = imap_probe if part.protocol is MailProtocol.IMAP else pop3_probe
        return await probe(ProbeRequest(target, (password or part.password).encode()), self._environment)


@pytest.fixture
async def troupe(tmp_path: Path) -> AsyncIterator[Troupe]:
    authority = PracticeAuthority()
    ca_file = tmp_path / "authority.pem"
    ca_file.write_bytes(authority.pem)
    environment = ProbeEnvironment.create(allowed_private_networks=["127.0.0.0/8"], ca_file=str(ca_file))
    async with practice_servers(CAST, authority) as ports:
        yield Troupe(ports, environment)
    await environment.close()


def the_part(label: str) -> Part:
    return next(part for part in CAST if part.label == label)


@pytest.mark.parametrize("part", CAST, ids=lambda part: part.label)
async def test_a_part_is_played_as_it_is_written(troupe: Troupe, part: Part) -> None:
    visits = part.kinds * 2 if len(part.kinds) > 1 else part.kinds
    for kind in visits:
        outcome = await troupe.check(part)
        assert outcome.kind is kind, outcome.message
        if outcome.passed:
            assert outcome.login is LoginOutcome.ACCEPTED
            # A busy machine may be slow by itself.
            wanted = {part.warning} - {None}
            said = {warning.code for warning in outcome.warnings}
            assert wanted <= said <= wanted | {WarningCode.SLOW}


async def test_who_hangs_up_during_login_never_judged_the_password(troupe: Troupe) -> None:
    # Else its tries would be rationed, and the demo would show it every six hours.
    assert (await troupe.check(the_part("drops"))).login is LoginOutcome.NOT_SENT


@pytest.mark.parametrize("label", ["imap-tls", "imap-starttls", "imap-plain", "pop3-tls", "pop3-starttls"])
async def test_sound_ones_know_a_wrong_password(troupe: Troupe, label: str) -> None:
    outcome = await troupe.check(the_part(label), password="guessed")
    assert (outcome.kind, outcome.login) == (OutcomeKind.AUTH_REJECTED, LoginOutcome.REFUSED)


async def test_the_one_that_refuses_recovers_with_the_right_password(troupe: Troupe) -> None:
    assert (await troupe.check(the_part("refused"), password=PASSWORD)).passed


async def test_a_second_demo_beside_the_first_finds_other_ports(troupe: Troupe) -> None:
    async with practice_servers(CAST, PracticeAuthority()) as ports:
        assert not set(ports.values()) & set(troupe.ports.values())


async def test_nobody_answers_once_the_block_has_ended(tmp_path: Path) -> None:
    part = replace(CAST[0], verified=False)
    environment = ProbeEnvironment.create(allowed_private_networks=["127.0.0.0/8"])
    async with practice_servers([part], PracticeAuthority()) as ports:
        troupe = Troupe(ports, environment)
        assert (await troupe.check(part)).passed
    assert (await troupe.check(part)).kind is OutcomeKind.CONNECT_REFUSED
    await environment.close()


def test_no_host_name_stands_for_two_parts() -> None:
    # Logins are rationed by host, and monitors are found again by it.
    assert len({part.hostname for part in CAST}) == len({part.name for part in CAST}) == len(CAST)


def test_all_that_was_promised_is_in_the_cast() -> None:
    kinds = {kind for part in CAST for kind in part.kinds}
    promised = {OutcomeKind.OK, OutcomeKind.AUTH_REJECTED, OutcomeKind.TLS_EXPIRED, OutcomeKind.CONNECTION_LOST}
    assert promised <= kinds
    assert any(len(part.kinds) > 1 for part in CAST), "one flaps"
    assert {(part.protocol, part.security) for part in CAST if part.kinds == (OutcomeKind.OK,)} >= {
        (protocol, security) for protocol in MailProtocol for security in (Security.TLS, Security.STARTTLS)
    }
    assert {part.warning for part in CAST} >= {WarningCode.SLOW, WarningCode.CERTIFICATE_EXPIRING}
