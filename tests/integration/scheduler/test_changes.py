"""Monitors that change, pause, go or come, locations that are or are not theirs, and a clock that jumps."""

import asyncio
import time
from itertools import pairwise

import pytest

from services.scheduler import lease_store
from services.scheduler.dispatcher import CLOCK_STEP_MS, _ClockReading
from services.scheduler.lease_store import LeadershipLost, fenced, open_session
from shared.broker.seam import BrokerUnavailable
from tests.integration.scheduler.world import HOUR, MINUTE, SECOND, START_MS, World
from tests.support.conservation import assert_conserved
from tests.support.waiting import until


async def pause(world: World, monitor: int) -> None:
    await world.change_monitor(monitor, status="disabled")
    await world.reconcile()


async def settle(world: World) -> None:
    async with world.acting_as_gateway() as gateway:
        await gateway.execute("UPDATE monitors SET status = 'disabled', revision = revision + 1")
    await world.reconcile()
    await world.run_until(world.now + 3 * MINUTE, step=30 * SECOND)


async def test_a_changed_interval_starts_from_now(world: World) -> None:
    monitor = await world.add_monitor(interval_ms=HOUR)
    await world.reconcile()
    await world.run_until(START_MS + MINUTE, step=5 * SECOND)
    await world.change_monitor(monitor, interval_ms=30_000)
    await world.reconcile()
    await world.run_until(START_MS + 3 * MINUTE, step=2 * SECOND)
    recent = [job for job in world.broker.jobs if job.slot_at > START_MS + MINUTE]
    assert len(recent) == 4
    assert {job.interval_ms for job in recent} == {30_000}
    await settle(world)
    assert (await assert_conserved(world.pool, settled=True)).missed == 0


async def test_no_slot_is_claimed_twice_over_a_change_of_interval(world: World) -> None:
    # Halved and doubled intervals have slots in common; those just claimed ahead must not come again.
    monitor = await world.add_monitor(interval_ms=MINUTE)
    await world.reconcile()
    for interval in (30_000, 60_000) * 5:
        await world.run_until(world.now + 31 * SECOND)
        await world.change_monitor(monitor, interval_ms=interval)
        await world.reconcile()
    slots = [job.slot_at for job in world.broker.jobs]
    assert len(slots) == len(set(slots)) > 3
    await settle(world)
    await assert_conserved(world.pool, settled=True)


async def test_slots_in_flight_when_the_interval_changes_are_still_accounted_for(world: World) -> None:
    monitor = await world.add_monitor(interval_ms=30_000)
    await world.reconcile()
    await world.run_until(START_MS + 2 * MINUTE, answering=False)
    await world.change_monitor(monitor, interval_ms=5 * MINUTE)
    await world.reconcile()
    lost = len(world.new_jobs())
    world.unanswered.clear()
    await world.run_until(world.now + 3 * MINUTE, step=10 * SECOND)
    await settle(world)
    await assert_conserved(world.pool, settled=True)
    assert sum(count for _, count in await world.missed()) == lost == 4


async def test_paused_monitors_rest_and_resume_from_now(world: World) -> None:
    monitor = await world.add_monitor(interval_ms=30_000)
    await world.reconcile()
    await world.run_until(START_MS + MINUTE)
    await pause(world, monitor)
    at_pause = len(world.broker.jobs)
    await world.run_until(START_MS + HOUR, step=5 * MINUTE)
    assert len(world.broker.jobs) == at_pause
    await world.change_monitor(monitor, status="active")
    await world.reconcile()
    await world.run_until(world.now + 2 * MINUTE)
    assert len(world.broker.jobs) == at_pause + 4
    await settle(world)
    kept = await assert_conserved(world.pool, settled=True)
    assert kept.missed == 0


async def test_a_monitor_deleted_in_flight_leaves_nothing_open(world: World) -> None:
    monitor = await world.add_monitor(interval_ms=30_000)
    await world.reconcile()
    await world.run_until(START_MS + MINUTE, answering=False)
    await world.delete_monitor(monitor)
    await world.reconcile()
    await world.run_until(world.now + 4 * MINUTE, step=20 * SECOND, answering=False)
    await assert_conserved(world.pool, settled=True)
    assert await world.missed() == [("deleted", 2)]
    assert await world.pool.fetchval("SELECT count(*) FROM schedule_retired") == 0


async def test_a_monitor_deleted_and_not_yet_noticed_is_not_claimed(world: World) -> None:
    monitor = await world.add_monitor(interval_ms=30_000)
    await world.reconcile()
    await world.delete_monitor(monitor)
    await world.run_until(START_MS + MINUTE, step=2 * SECOND)
    assert world.broker.jobs == []


async def test_a_changed_hostname_is_in_the_next_job(world: World) -> None:
    monitor = await world.add_monitor(interval_ms=30_000)
    await world.reconcile()
    await world.change_monitor(monitor, hostname="other.example.com")
    await world.run_until(START_MS + 31 * SECOND, step=2 * SECOND)
    assert {(job.target.hostname, job.revision) for job in world.broker.jobs} == {("other.example.com", 2)}


async def test_another_protocol_moves_to_the_other_queue(world: World) -> None:
    await world.pool.execute("INSERT INTO location_workers VALUES (0, 'pop3', 'worker', 100, 0, $1)", world.now)
    monitor = await world.add_monitor(interval_ms=30_000)
    await world.reconcile()
    await world.run_until(START_MS + MINUTE)
    await world.change_monitor(monitor, protocol="pop3", config={"protocol": "pop3", "security": "tls"})
    await world.reconcile()
    await world.run_until(START_MS + 2 * MINUTE)
    assert set(world.broker.keys) == {"imap.here.due", "pop3.here.due"}
    assert len(world.broker.jobs) == 4
    await settle(world)
    await assert_conserved(world.pool, settled=True)


async def test_countries_decide_where_a_monitor_is_checked(world: World) -> None:
    germany = await world.add_location("fra", country="DE")
    austria = await world.add_location("vie", country="AT")
    anywhere = await world.add_monitor()
    german = await world.add_monitor(countries=["DE"])
    await world.reconcile()

    async def places(monitor: int) -> set[int]:
        rows = await world.pool.fetch("SELECT location_id FROM schedule WHERE active AND monitor_id = $1", monitor)
        return {row["location_id"] for row in rows}

    assert await places(anywhere) == {0, germany, austria}
    assert await places(german) == {germany}
    async with world.acting_as_gateway() as gateway:
        await gateway.execute("UPDATE customers SET allowed_check_country_codes = '{AT}' WHERE id = 10")
    await world.reconcile()
    assert await places(anywhere) == {austria}
    assert await places(german) == {germany}


async def test_a_location_without_workers_of_the_protocol_gets_no_slots(world: World) -> None:
    await world.add_location("pop-only", protocols=["pop3"])
    monitor = await world.add_monitor()
    await world.reconcile()
    rows = await world.pool.fetch("SELECT location_id FROM schedule WHERE monitor_id = $1", monitor)
    assert [row["location_id"] for row in rows] == [0]


async def test_locations_take_turns(world: World) -> None:
    await world.add_location("second")
    await world.add_monitor(interval_ms=MINUTE)
    await world.reconcile()
    await world.run_until(START_MS + 3 * MINUTE)
    slots = sorted(job.slot_at for job in world.broker.jobs)
    assert {later - earlier for earlier, later in pairwise(slots)} == {30_000}


def as_if_a_second_ago(world: World, now: int) -> None:
    """The scheduler has read the clock, a moment ago, at this time."""
    for dispatcher in world.dispatchers.values():
        dispatcher._read = _ClockReading(now, time.monotonic())


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
async def test_a_jump_of_the_clock_neither_loses_nor_repeats(world: World, jump: int) -> None:
    await world.set_clock(START_MS + 2 * HOUR)
    await world.pool.execute("UPDATE shard_leases SET audited_until = $1", world.now)
    for interval in (30_000, 60_000, 4 * HOUR):
        await world.add_monitor(interval_ms=interval)
    await world.reconcile()
    await world.run_until(world.now + 3 * MINUTE)
    before = len(world.broker.jobs)
    jumped_to = world.now + jump
    as_if_a_second_ago(world, world.now)
    await world.set_clock(jumped_to)
    for dispatcher in world.dispatchers.values():
        await dispatcher.tick()
    await world.answer()
    await world.run_until(world.now + 3 * MINUTE)
    # Checks go on at once, at their pace, in either direction.
    after = [job for job in world.broker.jobs[before:] if job.slot_at > jumped_to and job.interval_ms == 30_000]
    assert len(after) >= 5
    await assert_conserved(world.pool)
    await world.run_until(world.now + abs(jump) + 5 * MINUTE, step=20 * SECOND)
    await settle(world)
    await assert_conserved(world.pool, settled=True)


async def test_a_login_whose_answer_was_lost_holds_up_nobody_for_an_hour_when_the_clock_goes_back(world: World) -> None:
    await world.pool.execute("INSERT INTO location_workers VALUES (0, 'pop3', 'worker', 100, 0, $1)", world.now)
    await world.add_monitor(interval_ms=30_000, protocol="pop3", user="anna")
    await world.reconcile()
    await world.run_until(world.now + MINUTE)  # its password is known to be good
    before = len(world.broker.jobs)
    while len(world.broker.jobs) == before:
        await world.set_clock(world.now + SECOND)
        await world.tick()
    world.new_jobs()
    world.unanswered.clear()  # lost, with the account's one login granted to it
    as_if_a_second_ago(world, world.now)
    await world.set_clock(world.now - HOUR)
    for dispatcher in world.dispatchers.values():
        await dispatcher.tick()
    await world.run_until(world.now + 6 * MINUTE)
    assert len([job for job in world.broker.jobs if job.slot_at < world.now]) > 2


async def test_a_step_smaller_than_the_limit_is_no_jump(world: World) -> None:
    await world.add_monitor(interval_ms=30_000)
    await world.reconcile()
    await world.run_until(START_MS + MINUTE)
    as_if_a_second_ago(world, world.now)
    (dispatcher,) = world.dispatchers.values()
    assert not dispatcher._clock_jumped(world.now + CLOCK_STEP_MS - 1_000)
    assert dispatcher._clock_jumped(world.now - CLOCK_STEP_MS - 1_000)


async def test_who_has_lost_the_lead_cannot_claim(world: World) -> None:
    await world.add_monitor(interval_ms=30_000)
    await world.reconcile()
    await world.tick()
    other = await open_session(world.dsn, application_name="another scheduler")
    try:
        await lease_store.raise_epoch(other, "another")
        await world.set_clock(world.now + MINUTE)
        (dispatcher,) = world.dispatchers.values()
        with pytest.raises(LeadershipLost):
            await dispatcher.tick()
        with pytest.raises(LeadershipLost):
            await world.audit.look()
        with pytest.raises(LeadershipLost):
            await world.ends.look()
    finally:
        other.terminate()
    assert world.broker.jobs == []


async def test_a_new_epoch_waits_for_claims_of_the_old_one(world: World) -> None:
    claiming = await open_session(world.dsn, application_name="claiming")
    other = await open_session(world.dsn, application_name="another scheduler")
    try:
        async with fenced(claiming, world.term.epoch):
            taking_over = asyncio.ensure_future(lease_store.raise_epoch(other, "another"))
            done, _ = await asyncio.wait({taking_over}, timeout=0.5)
            assert not done
        assert await taking_over == world.term.epoch + 1
    finally:
        claiming.terminate()
        other.terminate()


async def test_the_audit_moves_on_while_a_claim_waits_for_the_broker(world: World) -> None:
    claiming = await open_session(world.dsn, application_name="claiming")
    try:
        async with fenced(claiming, world.term.epoch):
            await world.set_clock(world.now + HOUR)
            await world.audit.look()
        assert await world.pool.fetchval("SELECT audited_until FROM shard_leases") > START_MS + HOUR // 2
    finally:
        claiming.terminate()


async def test_only_one_session_holds_the_lock(world: World) -> None:
    other = await open_session(world.dsn, application_name="standing by")
    try:
        assert not await lease_store.try_lock(other)
        world._lock.terminate()
        await until("the lock is gone with its connection", lambda: lease_store.try_lock(other))
    finally:
        other.terminate()


async def test_a_monitor_that_does_not_read_as_one_stops_no_other(world: World) -> None:
    good = await world.add_monitor(interval_ms=30_000)
    for config in ({"protocol": "pop3"}, {"protocol": "imap", "security": "nonsense"}, {"certificateWarningDays": "x"}):
        await world.change_monitor(await world.add_monitor(interval_ms=30_000), config=config)
    await world.reconcile()
    await world.run_until(START_MS + MINUTE)
    assert {job.monitor_id for job in world.broker.jobs} == {good}
    await settle(world)
    await assert_conserved(world.pool, settled=True)


async def test_slots_published_as_the_clock_goes_back_are_claimed_although_that_claim_fails(world: World) -> None:
    for _ in range(40):
        await world.add_monitor(interval_ms=30_000)
    await world.reconcile()
    await world.run_until(START_MS + 2 * MINUTE, step=2 * SECOND)
    (dispatcher,) = world.dispatchers.values()
    as_if_a_second_ago(world, world.now)
    await world.set_clock(world.now - 5 * MINUTE)
    world.broker.loses_answers = True
    with pytest.raises(BrokerUnavailable):
        await dispatcher.tick()
    world.broker.loses_answers = False
    await world.set_clock(world.now + 3 * SECOND)
    await dispatcher.tick()
    await world.answer()
    await world.run_until(world.now + 20 * SECOND, step=2 * SECOND)
    await assert_conserved(world.pool)
