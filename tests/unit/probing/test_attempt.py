"""What an attempt promises beside the kinds: where it connects, what it keeps, and how it leaves."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.imap_worker.probe import imap_probe
from services.pop3_worker.probe import pop3_probe
from shared.checks.outcome import Outcome
from shared.checks.target import CheckTarget
from shared.checks.vocabulary import LoginOutcome, OutcomeKind, Phase, WarningCode
from shared.probing.address_policy import LOOPBACK_NETWORKS
from shared.probing.limits import Limits
from shared.probing.probe import Probe, ProbeEnvironment, ProbeRequest
from tests.support.loop_lag import asked_until_the_loop_kept_up
from tests.support.mail_servers import (
    Account,
    CertificateHouse,
    Listener,
    Manners,
    Peer,
    serving,
    sound_imap,
    sound_pop3,
)
from tests.support.name_server import NXDOMAIN, name_server
from tests.support.waiting import until

USER, PASSWORD = Account().user.decode(), Account().password
PROBES: dict[str, Probe] = {"imap": imap_probe, "pop3": pop3_probe}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> CertificateHouse:
    return CertificateHouse(Path(tmp_path_factory.mktemp("house")))


@pytest.fixture
async def environment(house: CertificateHouse) -> AsyncIterator[ProbeEnvironment]:
    made = ProbeEnvironment.create(allowed_private_networks=LOOPBACK_NETWORKS, ca_file=str(house.ca_file))
    yield made
    await made.close()


def target(port: int, protocol: str = "imap", **more: object) -> CheckTarget:
    given = {"hostname": "127.0.0.1", "user": USER, "timeout_ms": 30_000, **more}
    return CheckTarget.model_validate({"protocol": protocol, "port": port, **given})


async def check(environment: ProbeEnvironment, asked: CheckTarget, password: bytes = PASSWORD) -> Outcome:
    return await PROBES[asked.protocol](ProbeRequest(asked, password), environment)


async def closed_port() -> int:
    async with serving(sound_imap()) as listener:
        return listener.port


async def test_a_blocked_target_is_never_connected_to_and_names_the_way_out(house: CertificateHouse) -> None:
    strict = ProbeEnvironment.create()
    async with serving(sound_imap()) as listener:
        outcome = await check(strict, target(listener.port))
        assert (outcome.kind, outcome.phase) == (OutcomeKind.BLOCKED_TARGET, Phase.DNS)
        assert "127.0.0.1/32" in (outcome.hint or "")
        assert outcome.server_words is None
        assert listener.peers == []
    await strict.close()


async def test_one_private_address_refuses_a_name(environment: ProbeEnvironment) -> None:
    async with name_server({"two.test": ["8.8.8.8", "10.0.0.1"]}) as dns:
        strict = ProbeEnvironment.create(dns_servers=[dns.address])
        outcome = await check(strict, target(143, hostname="two.test"))
        assert outcome.kind is OutcomeKind.BLOCKED_TARGET
        await strict.close()


async def test_the_next_address_is_tried_where_the_first_refuses(environment: ProbeEnvironment) -> None:
    async with serving(sound_imap()) as listener:
        zone = {"some.test": ["127.0.0.2", "127.0.0.3", "127.0.0.1", "::1"]}
        async with name_server(zone, NXDOMAIN) as dns:
            patient = ProbeEnvironment.create(allowed_private_networks=LOOPBACK_NETWORKS, dns_servers=[dns.address])
            outcome = await check(patient, target(listener.port, hostname="some.test"))
            await patient.close()
    assert (outcome.kind, outcome.address) == (OutcomeKind.OK, "127.0.0.1")


async def test_nobody_listening_is_refused(environment: ProbeEnvironment) -> None:
    outcome = await check(environment, target(await closed_port(), hostname="localhost"))
    assert (outcome.kind, outcome.phase) == (OutcomeKind.CONNECT_REFUSED, Phase.CONNECT)


async def test_phases_are_told_as_they_complete(environment: ProbeEnvironment, house: CertificateHouse) -> None:
    seen: list[Phase] = []
    async with serving(sound_imap(), tls=house.context("good")) as listener:
        asked = target(listener.port, security="tls")
        request = ProbeRequest(asked, PASSWORD)
        outcome = await imap_probe(request, environment, on_phase=lambda phase, _: seen.append(phase))
    assert seen == list(Phase) == list(outcome.phases_ms)
    assert outcome.total_ms == pytest.approx(sum(outcome.phases_ms.values()), abs=0.01)


async def test_without_a_password_the_check_ends_after_the_capabilities(environment: ProbeEnvironment) -> None:
    async with serving(sound_imap()) as listener:
        outcome = await imap_probe(ProbeRequest(target(listener.port)), environment)
        assert [line.split()[1] for line in listener.heard] == [b"CAPABILITY", b"ID", b"LOGOUT"]
    assert (outcome.kind, outcome.login) == (OutcomeKind.OK, LoginOutcome.NOT_SENT)


@pytest.mark.parametrize("echo", ["%s", "you said %s", '"%s"'])
async def test_a_password_the_server_says_back_is_masked(environment: ProbeEnvironment, echo: str) -> None:
    words = (echo % PASSWORD.decode()).encode()
    manners = Manners(instead={"AUTHENTICATE": b"{tag} NO " + words + b"\r\n"})
    async with serving(sound_imap(manners)) as listener:
        outcome = await check(environment, target(listener.port))
    assert outcome.kind is OutcomeKind.AUTH_REJECTED
    assert PASSWORD.decode() not in outcome.model_dump_json()
    assert "********" in (outcome.server_words or "")


async def test_a_base64_echo_is_masked_too(environment: ProbeEnvironment) -> None:
    async def echo(peer: Peer, tag: bytes) -> None:
        await peer.say(tag + b" NO " + peer.heard[-1].split()[-1] + b"\r\n")

    async with serving(sound_imap(Manners(instead={"AUTHENTICATE": echo}))) as listener:
        outcome = await check(environment, target(listener.port))
        blob = listener.heard[-2].split()[-1].decode()
    assert blob[-10:] not in json.dumps(outcome.model_dump(mode="json"))


async def test_pop3_is_told_quit_when_a_check_runs_out_of_time_after_its_login(
    environment: ProbeEnvironment, house: CertificateHouse
) -> None:
    async def ignore(peer: Peer, tag: bytes) -> None:
        return

    manners = Manners(capabilities="SASL PLAIN|USER", instead={"STAT": ignore})
    for tls in (None, house.context("good")):
        async with serving(sound_pop3(manners), tls=tls) as listener:
            asked = target(
                listener.port, "pop3", timeout_ms=2000, hostname="localhost", security="tls" if tls else "none"
            )
            outcome = await asked_until_the_loop_kept_up(
                lambda asked=asked: check(environment, asked),  # type: ignore[misc]
                lambda outcome: outcome.kind is OutcomeKind.COMMAND_TIMEOUT,
            )
            await until("it is told", lambda listener=listener: _last_heard(listener, b"QUIT"))  # type: ignore[misc]
        assert outcome.kind is OutcomeKind.COMMAND_TIMEOUT
        assert outcome.login is LoginOutcome.ACCEPTED


async def test_a_server_that_said_it_leaves_is_not_waited_for(house: CertificateHouse) -> None:
    async def leave(peer: Peer, tag: bytes) -> None:
        await peer.say(b"* BYE down for maintenance\r\n")

    environment = ProbeEnvironment.create(
        allowed_private_networks=LOOPBACK_NETWORKS,
        ca_file=str(house.ca_file),
        limits=Limits(login_seconds=600, goodbye_seconds=0.1),
    )
    async with serving(sound_imap(Manners(instead={"LOGIN": leave, "AUTHENTICATE": leave}))) as listener:
        async with asyncio.timeout(30):
            outcome = await check(environment, target(listener.port, timeout_ms=60_000))
    await environment.close()
    assert (outcome.kind, outcome.phase) == (OutcomeKind.CONNECTION_LOST, Phase.AUTH)
    assert outcome.server_words == "down for maintenance"


async def test_a_cancelled_check_says_goodbye(environment: ProbeEnvironment) -> None:
    waiting = asyncio.Event()

    async def hang(peer: Peer, tag: bytes) -> None:
        waiting.set()

    manners = Manners(capabilities="SASL PLAIN|USER", instead={"STAT": hang})
    async with serving(sound_pop3(manners)) as listener:
        checking = asyncio.create_task(check(environment, target(listener.port, "pop3")))
        async with asyncio.timeout(30):
            await waiting.wait()
        checking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await checking
        await until("it is told", lambda: _last_heard(listener, b"QUIT"))


async def _last_heard(listener: Listener, line: bytes) -> bool:
    return listener.heard[-1] == line


async def test_an_expiring_certificate_is_a_warning(environment: ProbeEnvironment, house: CertificateHouse) -> None:
    async with serving(sound_imap(), tls=house.context("expiring")) as listener:
        outcome = await check(environment, target(listener.port, security="tls"))
    assert outcome.kind is OutcomeKind.OK
    assert {warning.code for warning in outcome.warnings} == {WarningCode.CERTIFICATE_EXPIRING}
    assert outcome.certificate is not None
    assert outcome.certificate.days_left == 5


async def test_slower_than_wished_is_a_warning(environment: ProbeEnvironment) -> None:
    async def slowly(peer: Peer, tag: bytes) -> None:
        await asyncio.sleep(0.2)
        await peer.say(tag + b" OK in\r\n")

    async with serving(sound_imap(Manners(instead={"AUTHENTICATE": slowly}))) as listener:
        outcome = await check(environment, target(listener.port, warning_ms=100))
    assert WarningCode.SLOW in {warning.code for warning in outcome.warnings}


async def test_a_password_that_cannot_be_sent_is_our_fault_and_a_fault_is_an_answer(
    environment: ProbeEnvironment,
) -> None:
    async with serving(sound_pop3(Manners(capabilities="USER"))) as listener:
        outcome = await check(environment, target(listener.port, "pop3"), b"a\r\nDELE 1")
        assert not any(b"DELE" in line for line in listener.heard)
    assert outcome.kind is OutcomeKind.INTERNAL


async def test_literals_carry_what_quotes_cannot(environment: ProbeEnvironment) -> None:
    account = Account(user="jürgen".encode(), password=b'\xff"\\{3} %')
    for capabilities in ("IMAP4rev1", "IMAP4rev1 LITERAL+"):
        manners = Manners(account=account, capabilities=capabilities)
        async with serving(sound_imap(manners)) as listener:
            asked = target(listener.port, user="jürgen", auth="login")
            outcome = await check(environment, asked, account.password)
        assert outcome.kind is OutcomeKind.OK, outcome


async def test_a_server_may_speak_between_a_literal_and_its_go_ahead(environment: ProbeEnvironment) -> None:
    async def slow(peer: Peer, tag: bytes) -> None:
        await peer.say(b"* OK one moment\r\n+ go on\r\n")
        await peer.hear()
        await peer.say(tag + b" OK in\r\n")

    manners = Manners(capabilities="IMAP4rev1", instead={"LOGIN": slow})
    async with serving(sound_imap(manners)) as listener:
        outcome = await check(environment, target(listener.port), b"\xff")
    assert outcome.kind is OutcomeKind.OK, outcome


@pytest.mark.parametrize(
    ("protocol", "offers"), [("imap", "IMAP4rev1 LOGINDISABLED AUTH=NTLM AUTH=GSSAPI"), ("pop3", "SASL NTLM GSSAPI")]
)
async def test_where_no_login_will_do_it_is_told_which_are_offered(
    environment: ProbeEnvironment, protocol: str, offers: str
) -> None:
    manners = Manners(capabilities=offers)
    async with serving(sound_imap(manners) if protocol == "imap" else sound_pop3(manners)) as listener:
        outcome = await check(environment, target(listener.port, protocol))
    assert (outcome.kind, outcome.login) == (OutcomeKind.AUTH_UNSUPPORTED, LoginOutcome.NOT_SENT)
    assert outcome.server_words == "GSSAPI NTLM"


async def test_an_authorization_id_goes_along(environment: ProbeEnvironment) -> None:
    account = Account(authorization_id=b"boss")
    async with serving(sound_imap(Manners(account=account))) as listener:
        asked = target(listener.port, authorization_id="boss")
        assert (await check(environment, asked)).kind is OutcomeKind.OK
