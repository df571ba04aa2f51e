"""A day of a wrong password: three locations, an IMAP and a POP3 monitor on one account, people who press the button.

The clock is moved from one event to the next; scheduler, probes and recorder are the real ones, and a real Dovecot
counts what it had to refuse.
"""

from collections.abc import AsyncIterator

import pytest

from services.imap_worker.probe import imap_probe
from services.pop3_worker.probe import pop3_probe
from shared.checks.messages import CheckJob
from shared.checks.vocabulary import CheckKind, Health, MailProtocol
from shared.probing.environment import ProbeEnvironment
from shared.probing.job_handling.answering import Circumstances, result_of
from shared.probing.probe import ProbeRequest
from tests.integration.scheduler.world import HOUR, MINUTE, SECOND, World
from tests.support.conservation import assert_conserved
from tests.support.servers.dovecot import DovecotServer

LOCATIONS = ("here", "there", "elsewhere")
PASSWORD = b"what it was before"
# Where nothing is to come for so long, somebody looks all the same.
_LONGEST_STEP = 10 * MINUTE


class Day:
    """The world's clock, moved; jobs made into results by the real probes."""

    def __init__(self, world: World, environment: ProbeEnvironment) -> None:
        self.world = world
        self.environment = environment
        self.loses_next_login = False

    async def run_until(self, at_ms: int) -> None:
        """From event to event: a slot, or a request whose time has come."""
        while self.world.now < at_ms:
            await self.world.set_clock(min(at_ms, max(await self._next_event(), self.world.now + SECOND)))
            await self.world.tick()
            for job in self.world.new_jobs():
                await self._work(job)
            self.world.unanswered.clear()
            await self.world.record_reports()

    async def _next_event(self) -> int:
        at: int | None = await self.world.pool.fetchval(
            "SELECT least((SELECT min(last_slot + interval_ms) FROM schedule WHERE active),"
            " (SELECT min(start_at) FROM check_requests WHERE state = 'waiting'))"
        )
        return min(at or self.world.now + _LONGEST_STEP, self.world.now + _LONGEST_STEP)

    async def _work(self, job: CheckJob) -> None:
        probe = imap_probe if job.target.protocol is MailProtocol.IMAP else pop3_probe
        outcome = await probe(ProbeRequest(job.target, PASSWORD, job.login), self.environment)
        if self.loses_next_login and outcome.login != "not_sent":
            self.loses_next_login = False  # the worker died before it could say so
            return
        at = max(self.world.now, job.start_at)
        circumstances = Circumstances(started_at=at, ended_at=at, worker="worker", loop_lag_ms=0)
        await self.world.record([result_of(job, outcome, circumstances)])

    async def healths(self) -> set[str]:
        return {row["health"] for row in await self.world.pool.fetch("SELECT health FROM monitor_health")}


@pytest.fixture
async def day(database_dsn: str) -> AsyncIterator[Day]:
    environment = ProbeEnvironment.create(allowed_private_networks=["127.0.0.0/8"])
    async with World.opened(database_dsn) as world:
        for code in LOCATIONS[1:]:
            await world.add_location(code, protocols=("imap", "pop3"))
        await world.pool.execute("INSERT INTO location_workers VALUES (0, 'pop3', 'worker', 100, 0, $1)", world.now)
        yield Day(world, environment)
    await environment.close()


async def watched(day: Day, dovecot: DovecotServer, protocol: str) -> int:
    monitor_id = await day.world.add_monitor(
        protocol=protocol, hostname="127.0.0.1", user="anna", interval_ms=30 * MINUTE, checked_before=False
    )
    port = dovecot.imap_port if protocol == "imap" else dovecot.pop3_port
    config = {"protocol": protocol, "security": "none", "user": "anna"}
    await day.world.change_monitor(monitor_id, port=port, config=config)
    return monitor_id


async def press_the_button(day: Day, monitors: list[int]) -> None:
    for monitor_id in monitors:
        for location_id in range(len(LOCATIONS)):
            await day.world.ask(CheckKind.TRIGGER, monitor_id, location_id=location_id)


@pytest.mark.timeout(900)
async def test_a_wrong_password_is_tried_eight_times_a_day_and_found_right_within_six_hours(
    day: Day, dovecot: DovecotServer
) -> None:
    monitors = [await watched(day, dovecot, protocol) for protocol in ("imap", "pop3")]
    await day.world.reconcile()
    began = day.world.now
    await day.run_until(began + 10 * MINUTE)
    for hour in range(24):
        await press_the_button(day, monitors)
        day.loses_next_login = day.loses_next_login or hour == 1
        await day.run_until(began + (hour + 1) * HOUR)
        assert await day.healths() == {Health.DOWN}, f"after {hour} hours"
    assert 4 <= dovecot.rejected_logins() <= 8
    assert not day.loses_next_login

    await dovecot.set_password("anna", PASSWORD.decode())
    repaired = day.world.now
    while await day.healths() != {Health.UP}:
        await day.run_until(day.world.now + 5 * MINUTE)
        assert day.world.now <= repaired + 6 * HOUR + 5 * MINUTE, "not found right by itself"
    await day.run_until(day.world.now + 10 * MINUTE)
    await assert_conserved(day.world.pool)
    assert dovecot.rejected_logins() <= 8
