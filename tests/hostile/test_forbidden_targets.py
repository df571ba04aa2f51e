"""A worker connects to no address that its policy forbids, however it is spelled and whatever a name server says."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from services.imap_worker.probe import imap_probe
from services.pop3_worker.probe import pop3_probe
from shared.checks.outcome import Outcome
from shared.checks.target import CheckTarget
from shared.checks.vocabulary import OutcomeKind
from shared.probing import attempt
from shared.probing.probe import ProbeEnvironment, ProbeRequest
from tests.support.forbidden_targets import ADDRESSES, OWN_NAMES, SPELLINGS
from tests.support.mail_servers import serving, sound_imap
from tests.support.name_server import HANGS, name_server

PUBLIC = "93.184.215.14"
NEVER_AN_ADDRESS = {OutcomeKind.BLOCKED_TARGET, OutcomeKind.DNS_NXDOMAIN, OutcomeKind.DNS_FAILURE}


class Connected(Exception):
    """Somebody was about to be connected to."""


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Whom the worker would have connected to; nothing leaves this machine."""
    begun: list[tuple[str, ...]] = []

    async def refuse(_connection: Any, addresses: tuple[str, ...], *_more: Any, **_named: Any) -> str:
        begun.append(tuple(addresses))
        raise Connected

    monkeypatch.setattr(attempt, "connect", refuse)
    return begun


def target(hostname: str, port: int = 143, **more: Any) -> CheckTarget:
    given = {"protocol": "imap", "hostname": hostname, "port": port, "timeout_ms": 30_000, **more}
    return CheckTarget.model_validate(given)


async def check(environment: ProbeEnvironment, asked: CheckTarget) -> Outcome:
    probe = imap_probe if asked.protocol == "imap" else pop3_probe
    return await probe(ProbeRequest(asked), environment)


@pytest.fixture
async def strict() -> AsyncIterator[ProbeEnvironment]:
    """A worker that is allowed nothing beside what is public, and whose name server knows no name."""
    async with name_server({}) as dns:
        made = ProbeEnvironment.create(dns_servers=[dns.address])
        yield made
        await made.close()


async def test_no_forbidden_address_is_connected_to_however_it_is_told(
    strict: ProbeEnvironment, connections: list[tuple[str, ...]], figures: Callable[[str], None]
) -> None:
    assert len({*ADDRESSES, *SPELLINGS}) == len(ADDRESSES) + len(SPELLINGS) >= 120
    for address in (*ADDRESSES, *OWN_NAMES[:1]):
        for protocol in ("imap", "pop3"):
            outcome = await check(strict, target(address, protocol=protocol))
            expected = {OutcomeKind.BLOCKED_TARGET} if address in ADDRESSES else NEVER_AN_ADDRESS
            assert outcome.kind in expected, address
    for spelling in SPELLINGS:
        outcome = await check(strict, target(spelling))
        assert outcome.kind in NEVER_AN_ADDRESS, (spelling, outcome.kind)
    assert connections == []
    figures(f"forbidden targets: {len(ADDRESSES)} addresses and {len(SPELLINGS)} spellings, none connected to")


async def test_no_answer_of_a_name_server_leads_to_a_forbidden_address(connections: list[tuple[str, ...]]) -> None:
    zone: dict[str, str | list[str]] = {}
    for number, address in enumerate(ADDRESSES):
        zone[f"alone{number}.test"] = [address]
        zone[f"beside{number}.test"] = [PUBLIC, address]
    async with name_server(zone) as dns:
        strict = ProbeEnvironment.create(dns_servers=[dns.address])
        for name in zone:
            outcome = await check(strict, target(name))
            assert outcome.kind is OutcomeKind.BLOCKED_TARGET, (name, zone[name], outcome.kind)
        await strict.close()
    assert connections == []


async def test_a_public_address_is_connected_to(strict: ProbeEnvironment, connections: list[tuple[str, ...]]) -> None:
    """Or the tests above would pass of a worker that connects to nobody."""
    assert (await check(strict, target(PUBLIC))).kind is OutcomeKind.INTERNAL
    assert connections == [(PUBLIC,)]


class Turning(dict[str, Any]):
    """A zone whose name means something else each time it is asked about (once by IPv4, once by IPv6)."""

    def __init__(self, *answers: list[str]) -> None:
        super().__init__()
        self._answers = answers
        self.rounds = 0.0

    def get(self, _name: str, _otherwise: Any = None) -> Any:
        turn = min(int(self.rounds), len(self._answers) - 1)
        self.rounds += 0.5
        return self._answers[turn]


async def test_a_name_that_turns_to_loopback_is_followed_only_as_far_as_it_was_judged(
    connections: list[tuple[str, ...]],
) -> None:
    zone = Turning([PUBLIC], ["127.0.0.1"])
    async with name_server(zone, HANGS, ttl_seconds=0) as dns:
        strict = ProbeEnvironment.create(dns_servers=[dns.address])
        first = await check(strict, target("turning.test"))
        assert zone.rounds == 1, "a check asks once, and connects to what it judged"
        assert connections == [(PUBLIC,)]
        second = await check(strict, target("turning.test"))
        await strict.close()
    assert (first.kind, second.kind) == (OutcomeKind.INTERNAL, OutcomeKind.BLOCKED_TARGET)
    assert connections == [(PUBLIC,)]


async def test_over_real_sockets_the_forbidden_server_never_hears_of_it() -> None:
    """127.0.0.2 plays the public server; what listens at 127.0.0.1 is what the attacker wants to reach."""
    async with serving(sound_imap()) as wanted:
        zone = Turning(["127.0.0.2"], ["127.0.0.1"], ["127.0.0.2", "127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"])
        async with name_server(zone, HANGS, ttl_seconds=0) as dns:
            worker = ProbeEnvironment.create(allowed_private_networks=["127.0.0.2/32"], dns_servers=[dns.address])
            kinds = [(await check(worker, target("turning.test", wanted.port))).kind for _ in range(5)]
            await worker.close()
        assert wanted.peers == []
    assert kinds[0] is OutcomeKind.CONNECT_REFUSED, "nobody listens at the public one"
    assert kinds[1:] == [OutcomeKind.BLOCKED_TARGET] * 4
