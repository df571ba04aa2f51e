"""A job that went out in a transaction that was lost: its check is not asked for again once it has ended."""

import contextlib
from uuid import UUID

from shared.broker.seam import BrokerUnavailable
from shared.checks.messages import CheckJob, MissedSlots
from shared.checks.vocabulary import CheckKind, MissedReason
from tests.integration.scheduler.test_claiming import settle
from tests.integration.scheduler.world import HOUR, SECOND, World
from tests.support.conservation import assert_conserved


async def tick_in_vain(world: World) -> list[CheckJob]:
    """A second later: what is near goes out, and nobody here learns of it."""
    await world.set_clock(world.now + SECOND)
    world.broker.loses_answers = True
    with contextlib.suppress(BrokerUnavailable):
        await world.tick()
    world.broker.loses_answers = False
    return world.new_jobs()


async def ticks(world: World, seconds: int) -> None:
    for _ in range(seconds):
        await world.set_clock(world.now + SECOND)
        await world.tick()
        await world.record_reports()


async def test_a_slot_whose_answer_came_before_its_claim_is_not_sent_out_again(world: World) -> None:
    await world.pool.execute("INSERT INTO location_workers VALUES (0, 'pop3', 'worker', 100, 0, $1)", world.now)
    slotted = await world.add_monitor(interval_ms=30_000, protocol="pop3", user="anna")
    await world.reconcile()
    while not (jobs := await tick_in_vain(world)):
        pass
    (job,) = jobs
    await world.record([world.result_of(job)])
    world.unanswered.clear()
    # Another check of the same mailbox: where the first one's login were granted anew, it would be free at once.
    other = await world.add_monitor(interval_ms=HOUR, protocol="pop3", user="anna")
    asked = await world.ask(CheckKind.TRIGGER, other)
    await ticks(world, 6)
    assert [each.check_id for each in world.new_jobs()] == [asked]
    assert await state_of(world, job.check_id) == "finished"
    assert await claimed(world, slotted) == 1
    await world.answer()
    await settle(world)
    await assert_conserved(world.pool, settled=True)


async def test_a_slot_whose_login_is_still_under_way_is_not_sent_out_again(world: World) -> None:
    await world.pool.execute("INSERT INTO location_workers VALUES (0, 'pop3', 'worker', 100, 0, $1)", world.now)
    await world.add_monitor(interval_ms=30_000, protocol="pop3", user="anna")
    await world.reconcile()
    while not (jobs := await tick_in_vain(world)):
        pass
    (job,) = jobs
    await ticks(world, 6)
    assert world.new_jobs() == []
    assert await state_of(world, job.check_id) == "waiting"
    await world.record([world.result_of(job)])
    world.unanswered.clear()
    await ticks(world, 4)
    assert await state_of(world, job.check_id) == "finished"
    assert job.check_id not in {each.check_id for each in world.new_jobs()}


async def test_a_login_whose_answer_was_lost_is_not_tried_again_by_the_same_check(world: World) -> None:
    monitor = await world.add_monitor(interval_ms=HOUR, user="anna")
    await world.reconcile()
    asked = await world.ask(CheckKind.TRIGGER, monitor, give_up_in=HOUR)
    (job,) = await tick_in_vain(world)
    assert job.check_id == asked
    await world.set_clock(job.not_after + job.target.timeout_ms + 10 * SECOND)
    await ticks(world, 6)
    assert asked not in {each.check_id for each in world.new_jobs()}


async def test_a_login_that_may_be_under_way_is_kept_though_its_check_is_given_up(world: World) -> None:
    first = await world.add_monitor(interval_ms=HOUR, user="anna")
    second = await world.add_monitor(interval_ms=HOUR, user="anna")
    await world.reconcile()
    given_up = await world.ask(CheckKind.TRIGGER, first, give_up_in=5 * SECOND)
    (job,) = await tick_in_vain(world)
    await ticks(world, 8)
    assert await state_of(world, given_up) == "finished"
    other = await world.ask(CheckKind.TRIGGER, second, give_up_in=HOUR)
    await ticks(world, 4)
    assert world.new_jobs() == []
    await world.record([world.result_of(job)])
    await ticks(world, 4)
    assert [each.check_id for each in world.new_jobs()] == [other]


async def test_a_request_that_was_missed_meanwhile_is_not_sent_out_again(world: World) -> None:
    monitor = await world.add_monitor(interval_ms=HOUR, user="anna")
    await world.reconcile()
    asked = await world.ask(CheckKind.TRIGGER, monitor)
    (job,) = await tick_in_vain(world)
    assert job.check_id == asked
    await world.record([told_missed(job)])
    await ticks(world, 6)
    assert world.new_jobs() == []
    assert await state_of(world, asked) == "finished"
    assert await world.missed() == [("stale", 1)]


async def state_of(world: World, check_id: UUID) -> str | None:
    state: str | None = await world.pool.fetchval("SELECT state FROM check_requests WHERE check_id = $1", check_id)
    return state


async def claimed(world: World, monitor_id: int) -> int:
    return int(await world.pool.fetchval("SELECT slots_claimed FROM schedule WHERE monitor_id = $1", monitor_id))


def told_missed(job: CheckJob) -> MissedSlots:
    return MissedSlots(
        kind=job.kind,
        organization_id=job.organization_id,
        monitor_id=job.monitor_id,
        monitor_public_id=job.monitor_public_id,
        revision=job.revision,
        location=job.location,
        first_slot=job.slot_at,
        last_slot=job.slot_at,
        interval_ms=job.interval_ms,
        reason=MissedReason.STALE,
        check_id=job.check_id,
    )
