"""No slot twice, none lost, and one catch-up after an outage."""

import contextlib
import logging
from collections import Counter
from itertools import pairwise

import structlog
from structlog.testing import capture_logs

from shared.broker.seam import BrokerUnavailable, PublishOutcome
from tests.integration.scheduler.world import HOUR, MINUTE, SECOND, START_MS, World
from tests.support.conservation import assert_conserved
from tests.support.waiting import until


async def settle(world: World) -> None:
    """Stop claiming, and let the audit's time pass."""
    async with world.acting_as_gateway() as gateway:
        await gateway.execute("UPDATE monitors SET status = 'disabled', revision = revision + 1")
    await world.reconcile()
    await world.run_until(world.now + 3 * MINUTE, step=30 * SECOND)


async def test_every_slot_is_published_once_and_before_it_is_late(world: World) -> None:
    monitors = [await world.add_monitor(interval_ms=interval) for interval in (30_000, 60_000, 300_000) * 5]
    await world.reconcile()
    lateness = []
    for _ in range(5 * 30):
        await world.set_clock(world.now + 2 * SECOND)
        await world.tick()
        lateness += [world.now - job.slot_at for job in world.new_jobs()]
        await world.answer()
    slots = Counter((job.monitor_id, job.slot_at) for job in world.broker.jobs)
    assert set(slots.values()) == {1}
    by_monitor = Counter(job.monitor_id for job in world.broker.jobs)
    assert [by_monitor[monitor] for monitor in monitors] == [10, 5, 1] * 5
    assert max(lateness) <= 0
    await settle(world)
    kept = await assert_conserved(world.pool, settled=True)
    assert kept.missed == 0


async def test_each_job_that_goes_out_is_a_line_of_the_log_that_names_its_check(world: World) -> None:
    for _ in range(3):
        await world.add_monitor(interval_ms=30_000)
    await world.reconcile()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    with capture_logs() as lines:
        await world.run_until(START_MS + MINUTE)
    said = [each for line in lines if line["event"] == "check_dispatched" for each in line["each"]]
    assert world.broker.jobs
    assert [(line["check_id"], line["monitor_id"], line["slot_at"]) for line in said] == [
        (str(job.check_id), job.monitor_id, job.slot_at) for job in world.broker.jobs
    ]


async def test_each_check_that_is_not_made_is_a_line_of_the_log_that_says_why(world: World) -> None:
    monitor = await world.add_monitor(interval_ms=30_000)
    await world.reconcile()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    world.broker.behaviour["imap.here.due"] = PublishOutcome.REFUSED
    with capture_logs() as lines:
        await world.run_until(START_MS + MINUTE)
    said = [each for line in lines if line["event"] == "check_missed" for each in line["each"]]
    assert {(line["monitor_id"], line["reason"]) for line in said} == {(monitor, "queue_full")}
    assert all(line["check_id"] for line in said)


async def test_slots_keep_to_their_phase(world: World) -> None:
    monitor = await world.add_monitor(interval_ms=90_000)
    await world.reconcile()
    await world.run_until(START_MS + 10 * MINUTE, step=4 * SECOND)
    slots = [job.slot_at for job in world.broker.jobs if job.monitor_id == monitor]
    assert {later - earlier for earlier, later in pairwise(slots)} == {90_000}


async def test_an_outage_ends_in_one_catch_up_and_the_rest_is_reported(world: World) -> None:
    await world.add_monitor(interval_ms=MINUTE)
    await world.add_monitor(interval_ms=HOUR)
    await world.reconcile()
    await world.run_until(START_MS + 2 * MINUTE)
    before = len(world.broker.jobs)
    await world.fall()
    await world.set_clock(world.now + 20 * MINUTE + 17 * SECOND)
    await world.take_over()
    await world.reconcile()
    await world.tick()
    parked = await world.waiting()
    due = [job for job in world.new_jobs() if job.slot_at >= world.now - 5 * SECOND][before:]
    assert len([row for row in parked if row["kind"] == "scheduled"]) + len(due) >= 1
    for row in parked:
        assert world.now <= row["start_at"] <= world.now + 30 * SECOND
        assert row["waits_for"] == "outage"
    await world.run_until(world.now + 2 * MINUTE)
    late = Counter(job.monitor_id for job in world.broker.jobs[before:] if job.start_at > job.slot_at)
    assert set(late.values()) <= {1}
    await settle(world)
    await assert_conserved(world.pool, settled=True)
    assert dict(await world.missed()).keys() == {"outage"}


async def test_catch_ups_of_many_monitors_are_spread(world: World) -> None:
    for _ in range(60):
        await world.add_monitor(interval_ms=10 * MINUTE)
    await world.reconcile()
    await world.run_until(START_MS + 11 * MINUTE, step=2 * SECOND)
    await world.fall()
    await world.set_clock(world.now + HOUR)
    await world.take_over()
    await world.tick()
    starts = [row["start_at"] - world.now for row in await world.waiting()]
    assert len(starts) >= 55
    assert max(starts) > 4 * MINUTE
    assert max(Counter(start // (30 * SECOND) for start in starts).values()) <= 8


async def test_a_crash_before_the_commit_repeats_the_same_checks(world: World) -> None:
    await world.add_monitor(interval_ms=30_000)
    await world.reconcile()
    world.broker.loses_answers = True
    failed = 0
    while world.now < START_MS + 40 * SECOND:
        await world.set_clock(world.now + SECOND)
        await world.see()
        for dispatcher in world.dispatchers.values():
            with contextlib.suppress(BrokerUnavailable):
                await dispatcher.tick()
                continue
            failed += 1
    assert failed
    world.broker.loses_answers = False
    lost = {job.check_id for job in world.broker.jobs}
    await world.run_until(world.now + MINUTE)
    assert lost <= {job.check_id for job in world.broker.jobs[failed:]}
    await settle(world)
    await assert_conserved(world.pool, settled=True)


async def test_a_full_queue_commits_as_missed(world: World) -> None:
    await world.add_monitor(interval_ms=30_000)
    await world.reconcile()
    world.broker.behaviour["imap.here.due"] = PublishOutcome.REFUSED
    await world.run_until(START_MS + 2 * MINUTE)
    assert world.broker.jobs == []
    await settle(world)
    await assert_conserved(world.pool, settled=True)
    assert await world.missed() == [("queue_full", 4)]


async def test_jobs_that_come_back_are_missed_and_the_queue_is_declared_again(world: World) -> None:
    await world.add_monitor(interval_ms=30_000)
    await world.reconcile()
    world.broker.behaviour["imap.here.due"] = PublishOutcome.UNROUTABLE
    await world.run_until(START_MS + MINUTE)
    assert len(world.broker.declared) >= 2
    world.broker.behaviour.clear()
    await world.run_until(START_MS + 2 * MINUTE)
    assert len(world.broker.jobs) == 2
    await settle(world)
    await assert_conserved(world.pool, settled=True)
    assert await world.missed() == [("no_worker", 2)]


async def test_a_silent_location_is_claimed_and_not_published_to(world: World) -> None:
    await world.add_monitor(interval_ms=30_000)
    await world.reconcile()
    for _ in range(5 * 30):
        await world.set_clock(world.now + 2 * SECOND)
        await world.tick(seen=False)
        await world.answer()
    assert max(job.slot_at for job in world.broker.jobs) <= START_MS + 2 * MINUTE + 2 * SECOND
    await settle(world)
    await assert_conserved(world.pool, settled=True)
    assert dict(await world.missed())["no_worker"] >= 5


async def test_an_unanswered_slot_is_noticed_and_reported_once(world: World) -> None:
    await world.add_monitor(interval_ms=MINUTE)
    await world.reconcile()
    await world.run_until(START_MS + 5 * MINUTE, step=2 * SECOND, answering=False)
    await world.run_until(START_MS + 8 * MINUTE, step=10 * SECOND, answering=False)
    ((reason, count),) = await world.missed()
    assert reason == "unanswered"
    assert count >= 5
    kept = await assert_conserved(world.pool)
    assert (kept.results, kept.missed) == (0, count)


async def test_the_audit_catches_up_over_a_long_outage(world: World) -> None:
    for _ in range(20):
        await world.add_monitor(interval_ms=30_000)
    await world.reconcile()
    await world.run_until(START_MS + 2 * MINUTE, answering=False)
    await world.fall()
    await world.set_clock(world.now + 5 * HOUR)
    await world.take_over()
    await world.tick()
    await world.record_reports()
    await world.run_until(world.now + 2 * MINUTE, answering=True)
    world.unanswered.clear()
    await settle(world)
    await assert_conserved(world.pool, settled=True)


async def test_claims_are_heap_only_updates(world: World) -> None:
    for _ in range(300):
        await world.add_monitor(interval_ms=30_000)
    await world.reconcile()
    await world.run_until(START_MS + 95 * SECOND)
    await world.fall()

    async def counted() -> dict[str, int] | None:
        row = await world.owner.fetchrow(
            "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'schedule'"
        )
        return dict(row) if row["n_tup_upd"] >= 900 else None

    # Postgres counts what a session did once its backend has seen that nobody is there any more.
    counts = await until("900 updates counted", counted)
    assert counts["n_tup_hot_upd"] == counts["n_tup_upd"]


async def test_many_jobs_travel_in_few_messages_and_few_alone(world: World) -> None:
    for _ in range(400):
        await world.add_monitor(interval_ms=30_000)
    await world.reconcile()
    await world.run_until(START_MS + 30 * SECOND, step=5 * SECOND)
    assert len(world.broker.jobs) >= 400
    assert max(world.broker.batches) >= 4
    # Second by second, each tick has few.
    world.broker.batches.clear()
    await world.run_until(START_MS + 35 * SECOND)
    assert max(world.broker.batches) <= 2
