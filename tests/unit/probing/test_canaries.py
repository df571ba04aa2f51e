"""Whose fault a dead network is: canaries that can be reached blame the server, canaries that can't blame us."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from services.imap_worker.probe import imap_probe
from shared.checks.outcome import Outcome
from shared.checks.target import CheckTarget
from shared.checks.vocabulary import OutcomeKind
from shared.probing.address_policy import LOOPBACK_NETWORKS
from shared.probing.canaries import Canaries
from shared.probing.limits import Limits
from shared.probing.probe import ProbeEnvironment, ProbeRequest
from tests.support.mail_servers import serving, sound_imap
from tests.support.name_server import SERVFAIL, name_server


@asynccontextmanager
async def black_hole() -> AsyncIterator[int]:
    """A port of loopback that neither takes a connection nor refuses it: its queue is full."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        port = listening.getsockname()[1]
        filling = []
        for _ in range(4):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
            filling.append(client)
        await asyncio.sleep(0.05)
        try:
            yield port
        finally:
            for client in filling:
                client.close()


def refused() -> int:
    """A port nobody listens on."""
    with socket.socket() as asking:
        asking.bind(("127.0.0.1", 0))
        port: int = asking.getsockname()[1]
        return port


async def check(hostname: str, port: int, *canaries: str, dns_servers: tuple[str, ...] = ()) -> Outcome:
    environment = ProbeEnvironment.create(
        allowed_private_networks=LOOPBACK_NETWORKS,
        canary_targets=canaries,
        dns_servers=dns_servers,
        limits=Limits(connect_seconds=3.0),
    )
    target = CheckTarget(protocol="imap", hostname=hostname, port=port, timeout_ms=60_000)
    try:
        return await imap_probe(ProbeRequest(target), environment)
    finally:
        await environment.close()


async def test_without_canaries_the_server_is_blamed() -> None:
    async with black_hole() as port:
        assert (await check("127.0.0.1", port)).kind is OutcomeKind.CONNECT_TIMEOUT


async def test_with_all_canaries_out_of_reach_the_fault_is_ours() -> None:
    async with black_hole() as port:
        outcome = await check("127.0.0.1", port, f"127.0.0.1:{refused()}", f"127.0.0.1:{port}", "no.such.test:1")
    assert outcome.kind is OutcomeKind.INTERNAL
    assert "MAILPROBE_CANARY_TARGETS" in (outcome.hint or "")


async def test_with_one_canary_alive_the_server_is_blamed() -> None:
    async with black_hole() as port, serving(sound_imap()) as alive:
        canaries = (f"127.0.0.1:{refused()}", f"127.0.0.1:{alive.port}")
        assert (await check("127.0.0.1", port, *canaries)).kind is OutcomeKind.CONNECT_TIMEOUT


async def test_a_name_that_fails_is_ours_only_with_the_canaries() -> None:
    async with name_server({"broken.test": SERVFAIL}) as names, serving(sound_imap()) as alive:
        servers = (names.address,)
        theirs = await check("broken.test", 1, f"127.0.0.1:{alive.port}", dns_servers=servers)
        ours = await check("broken.test", 1, f"127.0.0.1:{refused()}", dns_servers=servers)
    assert (theirs.kind, ours.kind) == (OutcomeKind.DNS_FAILURE, OutcomeKind.INTERNAL)


async def test_what_came_back_over_the_network_is_never_ours() -> None:
    assert (await check("127.0.0.1", refused(), f"127.0.0.1:{refused()}")).kind is OutcomeKind.CONNECT_REFUSED


async def test_many_who_want_to_know_ask_once() -> None:
    resolved = []

    async def resolve(host: str) -> tuple[str, ...]:
        resolved.append(host)
        await asyncio.sleep(0)
        return ("127.0.0.1",)

    canaries = Canaries([f"canary.test:{refused()}"], resolve)
    soon = asyncio.get_running_loop().time() + 60
    answers = await asyncio.gather(*(canaries.all_out_of_reach(deadline_at=soon) for _ in range(50)))
    assert answers == [True] * 50
    assert await canaries.all_out_of_reach(deadline_at=soon)
    assert resolved == ["canary.test"]
    await canaries.close()


@pytest.mark.parametrize("targets", [(), ("127.0.0.1:1",)])
async def test_closing_leaves_nothing_behind(targets: tuple[str, ...]) -> None:
    await Canaries(targets, lambda host: asyncio.sleep(0, (host,))).close()
