"""Everything in one process, and that process begins again: jobs under way are told as lost, and checked at once."""

from services.scheduler.restart import end_lost_jobs
from shared.checks.messages import MissedSlots
from shared.checks.vocabulary import CheckKind, LoginOutcome
from tests.integration.scheduler.world import HOUR, MINUTE, SECOND, START_MS, World
from tests.support.conservation import assert_conserved


async def test_lost_slots_are_missed_for_the_restart_and_checked_at_once(world: World) -> None:
    for _ in range(5):
        await world.add_monitor(interval_ms=MINUTE)
    await world.reconcile()
    await world.run_until(START_MS + MINUTE)
    answered = len(world.broker.jobs)
    await world.run_until(START_MS + 2 * MINUTE, answering=False)
    lost = len(world.broker.jobs) - answered
    world.new_jobs()
    world.unanswered.clear()
    await world.fall()
    await world.take_over()
    await world.open_queues()
    await end_lost_jobs(world.term)
    await world.record_reports()
    assert lost == 5
    assert await world.missed() == [("restart", 5)]
    waiting = await world.waiting()
    assert [row["kind"] for row in waiting] == ["first"] * 5
    assert max(row["start_at"] for row in waiting) <= world.now + 30 * SECOND
    await world.run_until(world.now + 5 * MINUTE, step=5 * SECOND)
    kept = await assert_conserved(world.pool)
    assert kept.missed == 5


async def test_a_login_under_way_counts_as_unknown_and_its_account_is_free_when_that_is_recorded(world: World) -> None:
    monitor = await world.add_monitor(interval_ms=24 * HOUR, user="anna")
    await world.reconcile()
    await world.ask(CheckKind.TRIGGER, monitor)
    await world.set_clock(world.now + SECOND)
    await world.tick()
    assert len(world.new_jobs()) == 1
    world.unanswered.clear()
    await world.fall()
    await world.take_over()
    await end_lost_jobs(world.term)
    (report,) = world.broker.reports
    assert isinstance(report, MissedSlots)
    assert report.login_attempt is not None
    assert report.login_attempt.outcome is LoginOutcome.UNKNOWN
    await world.record_reports()
    await world.run_until(world.now + 10 * MINUTE, step=20 * SECOND)
    assert await world.pool.fetchval("SELECT count(*) FROM check_requests WHERE state = 'published'") == 0
    await assert_conserved(world.pool)
