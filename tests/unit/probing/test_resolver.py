import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from shared.checks.vocabulary import IpFamily, OutcomeKind
from shared.probing.dns_channel import FRESH_SECONDS
from shared.probing.resolver import Resolver
from shared.probing.steps import CheckFailed
from tests.support.name_server import GARBLED, HANGS, NODATA, NXDOMAIN, SERVFAIL, name_server

ZONE = {
    "both.test": ["192.0.2.1", "192.0.2.2", "2001:db8::1"],
    "four.test": ["192.0.2.9"],
    "gone.test": NXDOMAIN,
    "empty.test": NODATA,
    "broken.test": SERVFAIL,
    "hangs.test": HANGS,
}


@asynccontextmanager
async def resolver(
    zone: dict[str, str | list[str]] | None = None, otherwise: str = NXDOMAIN, seconds: float = 30.0
) -> AsyncIterator[Resolver]:
    async with name_server(ZONE if zone is None else zone, otherwise) as server:
        made = Resolver(servers=[server.address], deadline_seconds=seconds)
        try:
            yield made
        finally:
            await made.close()


async def failure(made: Resolver, name: str, family: IpFamily = IpFamily.ANY) -> CheckFailed:
    with pytest.raises(CheckFailed) as failed:
        await made.resolve(name, family)
    return failed.value


async def test_families_take_turns_and_can_be_chosen() -> None:
    async with resolver() as made:
        mixed = await made.resolve("both.test", IpFamily.ANY)
        assert mixed[:2] == ("2001:db8::1", mixed[1])
        assert sorted(mixed) == ["192.0.2.1", "192.0.2.2", "2001:db8::1"]
        assert await made.resolve("both.test.", IpFamily.V6) == ("2001:db8::1",)
        assert set(await made.resolve("both.test", IpFamily.V4)) == {"192.0.2.1", "192.0.2.2"}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("gone.test", OutcomeKind.DNS_NXDOMAIN),
        ("empty.test", OutcomeKind.DNS_FAILURE),
        ("broken.test", OutcomeKind.DNS_FAILURE),
    ],
)
async def test_names_that_do_not_resolve(name: str, kind: OutcomeKind) -> None:
    async with resolver() as made:
        assert (await failure(made, name)).kind is kind


async def test_a_name_without_the_wanted_family_says_so() -> None:
    async with resolver() as made:
        failed = await failure(made, "four.test", IpFamily.V6)
        assert (failed.kind, failed.variant) == (OutcomeKind.DNS_FAILURE, "no_ipv6")


async def test_dead_names_hold_up_nobody_and_are_not_our_fault() -> None:
    zone = ZONE | {f"dead{number}.test": HANGS for number in range(50)}
    async with resolver(zone, seconds=4.0) as made:
        dead = [asyncio.create_task(failure(made, f"dead{number}.test")) for number in range(50)]
        await asyncio.sleep(0)
        assert await made.resolve("four.test", IpFamily.ANY) == ("192.0.2.9",)
        assert not any(task.done() for task in dead)
        assert {task.kind for task in await asyncio.gather(*dead)} == {OutcomeKind.DNS_FAILURE}


async def test_name_servers_that_answer_nothing_at_all_are_our_own_trouble() -> None:
    async with resolver({}, otherwise=HANGS, seconds=0.3) as made:
        failed = await failure(made, "mail.test")
        assert (failed.kind, failed.variant) == (OutcomeKind.INTERNAL, "resolver")


async def test_name_servers_that_can_look_nothing_up_are_our_own_trouble() -> None:
    async with resolver({}, otherwise=SERVFAIL) as made:
        failed = await failure(made, "mail.test")
        assert (failed.kind, failed.variant) == (OutcomeKind.INTERNAL, "resolver_helpless")


async def test_a_name_that_was_broken_or_repaired_is_seen_however_long_its_answers_may_be_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    zone = {"moves.test": ["192.0.2.1"], "breaks.test": ["192.0.2.2"], "heals.test": SERVFAIL}
    async with name_server(zone, ttl_seconds=3600) as server:
        made = Resolver(servers=[server.address], deadline_seconds=30.0)
        # Time passes only where the test says so.
        clock = [time.monotonic()]
        monkeypatch.setattr("shared.probing.dns_channel.time", SimpleNamespace(monotonic=lambda: clock[0]))
        try:
            assert await made.resolve("moves.test", IpFamily.ANY) == ("192.0.2.1",)
            assert await made.resolve("breaks.test", IpFamily.ANY) == ("192.0.2.2",)
            assert (await failure(made, "heals.test")).kind is OutcomeKind.DNS_FAILURE
            zone.update({"moves.test": ["192.0.2.9"], "breaks.test": NXDOMAIN, "heals.test": ["192.0.2.3"]})
            # Within the while an answer is kept, nobody is asked again.
            assert await made.resolve("moves.test", IpFamily.ANY) == ("192.0.2.1",)
            clock[0] += FRESH_SECONDS
            assert await made.resolve("moves.test", IpFamily.ANY) == ("192.0.2.9",)
            assert await made.resolve("heals.test", IpFamily.ANY) == ("192.0.2.3",)
            assert (await failure(made, "breaks.test")).kind is OutcomeKind.DNS_NXDOMAIN
        finally:
            await made.close()


def test_answers_are_kept_for_less_than_a_minute() -> None:
    assert FRESH_SECONDS < 60


async def test_a_question_outlives_the_renewal_of_its_channel() -> None:
    zone = {"slow.test": HANGS, "four.test": ["192.0.2.9"]}
    async with name_server(zone) as server:
        made = Resolver(servers=[server.address], deadline_seconds=10.0, fresh_seconds=0.05)
        try:
            slow = asyncio.create_task(made.resolve("slow.test", IpFamily.ANY))
            await asyncio.sleep(0.1)
            assert await made.resolve("four.test", IpFamily.ANY) == ("192.0.2.9",)
            assert not slow.done()
            # Answered when its first packet is sent again.
            zone["slow.test"] = ["192.0.2.8"]
            assert await slow == ("192.0.2.8",)
        finally:
            await made.close()


async def test_one_garbled_reply_spoils_nobody_elses_lookup() -> None:
    zone = {"slow.test": HANGS, "garbled.test": GARBLED}
    async with name_server(zone) as server:
        made = Resolver(servers=[server.address], deadline_seconds=20.0)
        try:
            slow = asyncio.create_task(made.resolve("slow.test", IpFamily.ANY))
            assert (await failure(made, "garbled.test")).kind is OutcomeKind.DNS_FAILURE
            # Answered when it is asked by itself, at the latest when its packet is sent again.
            zone["slow.test"] = ["192.0.2.8"]
            assert await slow == ("192.0.2.8",)
        finally:
            await made.close()


@pytest.mark.parametrize("literal", ["127.0.0.1", "::1", "[::1]"])
async def test_an_address_is_its_own_answer(literal: str) -> None:
    async with resolver() as made:
        assert await made.resolve(literal, IpFamily.ANY) == (literal.strip("[]"),)


@pytest.mark.parametrize(
    "name", ["127.0.0.1\0.example.com", "ⓛocalhost", "a b", "-a.test", "x" * 64 + ".test", "", "a..b"]
)
async def test_malformed_names_never_reach_the_resolver(name: str) -> None:
    async with resolver() as made:
        failed = await failure(made, name)
        assert (failed.kind, failed.variant) == (OutcomeKind.DNS_NXDOMAIN, "malformed")


async def test_the_hosts_file_is_known() -> None:
    async with resolver() as made:
        assert "127.0.0.1" in await made.resolve("localhost", IpFamily.ANY)
