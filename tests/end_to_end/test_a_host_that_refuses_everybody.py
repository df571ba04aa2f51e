"""Thirty mailboxes that worked, refused by their host for two hours: tried rarely, and well again together.

The clock is moved from one event to the next; scheduler and recorder are the real ones.
"""

from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from shared.checks.logins import HOUR_MS, MOST_PER_DAY, MOST_PER_HOUR
from shared.checks.messages import CheckJob
from shared.checks.vocabulary import CheckKind, Health, LoginOutcome, LoginPermission
from tests.integration.scheduler.world import HOUR, MINUTE, SECOND, World
from tests.support.conservation import assert_conserved

ACCOUNTS = 30
INTERVAL = 30 * MINUTE
# Where nothing is to come for so long, somebody looks all the same.
_LONGEST_STEP = 10 * MINUTE


class Host:
    """A mail server that lets everybody in, or nobody; and the world that checks it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.refuses = False
        self.refused: dict[str, list[int]] = {}
        self.let_in: list[int] = []

    async def run_until(self, at_ms: int) -> None:
        while self.world.now < at_ms:
            await self.world.set_clock(min(at_ms, max(await self._next_event(), self.world.now + SECOND)))
            await self.world.tick()
            for job in self.world.new_jobs():
                await self.world.record([self.world.result_of(job, self._answer(job))])
            self.world.unanswered.clear()
            await self.world.record_reports()

    async def _next_event(self) -> int:
        at: int | None = await self.world.pool.fetchval(
            "SELECT least((SELECT min(last_slot + interval_ms) FROM schedule WHERE active),"
            " (SELECT min(start_at) FROM check_requests WHERE state = 'waiting'))"
        )
        return min(at or self.world.now + _LONGEST_STEP, self.world.now + _LONGEST_STEP)

    def _answer(self, job: CheckJob) -> LoginOutcome:
        if job.login is LoginPermission.WITHHELD:
            return LoginOutcome.ACCEPTED
        if self.refuses:
            self.refused.setdefault(job.target.user or "", []).append(self.world.now)
            return LoginOutcome.REFUSED
        self.let_in.append(self.world.now)
        return LoginOutcome.ACCEPTED

    async def healths(self) -> set[str]:
        return {row["health"] for row in await self.world.pool.fetch("SELECT health FROM monitor_health")}

    async def until_all_are(self, health: Health, *, within_ms: int) -> None:
        began = self.world.now
        while await self.healths() != {health}:
            await self.run_until(self.world.now + MINUTE)
            assert self.world.now <= began + within_ms, f"not all {health} in time"


@pytest.fixture
async def host(database_dsn: str) -> AsyncIterator[Host]:
    async with World.opened(database_dsn, per_second=5, in_flight=10) as world:
        for number in range(ACCOUNTS):
            await world.add_monitor(user=f"user{number}", interval_ms=INTERVAL, checked_before=False)
        await world.reconcile()
        host = Host(world)
        await host.until_all_are(Health.UP, within_ms=2 * INTERVAL)
        yield host


async def refused_for_two_hours(host: Host) -> int:
    """Everybody is refused from now on, and let in again from the time that is answered with."""
    host.refuses = True
    began = host.world.now
    await host.run_until(began + 2 * HOUR)
    assert await host.healths() == {Health.DOWN}
    host.refuses = False
    host.let_in.clear()
    return host.world.now


def assert_tried_rarely(host: Host) -> None:
    assert len(host.refused) == ACCOUNTS
    assert sum(map(len, host.refused.values())) <= ACCOUNTS + 3 * 3
    assert sorted(len(times) for times in host.refused.values())[:-3] == [1] * (ACCOUNTS - 3)
    for times in host.refused.values():
        assert len(times) <= MOST_PER_DAY
        assert all(b - a >= HOUR_MS for a, b in zip(times, times[MOST_PER_HOUR:], strict=False))


@pytest.mark.timeout(900)
async def test_it_is_tried_rarely_and_all_are_well_within_minutes_of_the_first(host: Host) -> None:
    restored = await refused_for_two_hours(host)
    assert_tried_rarely(host)
    while not host.let_in:
        await host.run_until(host.world.now + MINUTE)
        assert host.world.now <= restored + 6 * HOUR + 5 * MINUTE, "nobody was tried again"
    await host.until_all_are(Health.UP, within_ms=3 * MINUTE)
    assert_tried_rarely(host)
    assert await host.world.pool.fetchval("SELECT ended_at FROM host_login_outages") == host.let_in[0]
    await assert_conserved(host.world.pool)


@pytest.mark.timeout(900)
async def test_whoever_presses_the_button_finds_it_well_for_all(host: Host) -> None:
    await refused_for_two_hours(host)
    monitor: int = await host.world.pool.fetchval("SELECT max(id) FROM monitors")
    await host.world.ask(CheckKind.TRIGGER, monitor)
    await host.run_until(host.world.now + 5 * SECOND)
    assert len(host.let_in) >= 1
    await host.until_all_are(Health.UP, within_ms=3 * MINUTE)
    assert_tried_rarely(host)
    tries = sorted(host.let_in)
    assert all(later - earlier <= MINUTE for earlier, later in pairwise(tries)), "one after the other, and soon"
    await assert_conserved(host.world.pool)
