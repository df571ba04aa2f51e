"""Every slot ends in exactly one of a result and a missed slot, in whatever order they are told."""

import asyncio
import random
from uuid import uuid4

from services.result_recorder.recording import record
from shared.checks.messages import CheckResult
from shared.checks.vocabulary import CheckKind, LoginOutcome, MissedReason
from tests.support.answers import answer, login_attempt, missed, slot
from tests.support.recorder_desk import RecorderDesk


async def test_a_range_told_again_or_overlapping_is_counted_once(desk: RecorderDesk) -> None:
    first = await record(desk.pool, [missed(slot(0), 10)])
    again = await record(desk.pool, [missed(slot(0), 10), missed(slot(5), 10), missed(slot(12), 5)])
    assert first.missed == {"outage": 10}
    assert again.missed == {"outage": 7}
    assert await desk.missed_slots() == [slot(n) for n in range(17)]


async def test_slots_that_have_a_result_are_not_missed(desk: RecorderDesk) -> None:
    await record(desk.pool, [answer(slot(3)), missed(slot(0), 5)])
    assert await desk.missed_slots() == [slot(n) for n in (0, 1, 2, 4)]


async def test_a_late_result_splits_the_range_it_falls_in(desk: RecorderDesk) -> None:
    await record(desk.pool, [missed(slot(0), 9, reason=MissedReason.NO_WORKER)])
    await record(desk.pool, [answer(slot(4)), answer(slot(0)), answer(slot(8))])
    assert await desk.missed_slots() == [slot(n) for n in (1, 2, 3, 5, 6, 7)]
    rows = await desk.rows("SELECT reason, count FROM missed ORDER BY first_slot")
    assert rows == [{"reason": "no_worker", "count": 3}] * 2


async def test_a_missed_range_of_a_deleted_monitor_is_exact_too(desk: RecorderDesk) -> None:
    await record(desk.pool, [missed(slot(0), 4, monitor_id=50), answer(slot(1), monitor_id=50)])
    await record(desk.pool, [missed(slot(2), 4, monitor_id=50)])
    assert await desk.missed_slots(50) == [slot(n) for n in (0, 2, 3, 4, 5)]


async def test_a_missed_request_is_kept_once_and_goes_when_its_result_comes(desk: RecorderDesk) -> None:
    check_id = uuid4()
    asked = missed(slot(1) + 5, kind=CheckKind.TRIGGER, check_id=check_id, reason=MissedReason.UNANSWERED)
    first = await record(desk.pool, [asked, asked])
    assert first.missed == {"unanswered": 1}
    assert (await record(desk.pool, [asked])).missed == {}
    await record(desk.pool, [answer(slot(1) + 5, check_kind=CheckKind.TRIGGER, check_id=check_id)])
    assert await desk.value("SELECT count(*) FROM missed") == 0
    assert (await record(desk.pool, [asked])).missed == {}


async def test_an_unrecorded_or_test_miss_leaves_only_its_login(desk: RecorderDesk) -> None:
    check_id = uuid4()
    attempt = login_attempt(LoginOutcome.UNKNOWN, slot(1), check_id=check_id)
    miss = missed(slot(1), kind=CheckKind.TEST, monitor_id=0, check_id=check_id, login_attempt=attempt)
    await record(desk.pool, [miss, missed(slot(2), record=False)])
    assert await desk.value("SELECT count(*) FROM missed") == 0
    assert await desk.value("SELECT outcome FROM login_history WHERE check_id = $1", check_id) == "unknown"


async def test_slots_are_conserved_through_any_order_by_recorders_side_by_side(desk: RecorderDesk) -> None:
    chance = random.Random(41)
    for monitor_id in range(2, 10):
        await desk.add_monitor(monitor_id, credential_id=None)
    told: list[object] = []
    accounted: dict[int, set[int]] = {}
    results: dict[int, set[int]] = {}
    for monitor_id in range(1, 12):  # 10 and 11 do not exist
        answered = set(chance.sample(range(40), 15))
        ranges = [(begin, chance.randint(1, 40 - begin)) for begin in chance.sample(range(40), 6)]
        told += [answer(slot(n), monitor_id=monitor_id) for n in answered]
        told += [missed(slot(begin), count, monitor_id=monitor_id) for begin, count in ranges]
        covered = {n for begin, count in ranges for n in range(begin, begin + count)}
        accounted[monitor_id] = {slot(n) for n in covered - answered}
        results[monitor_id] = {slot(n) for n in answered}
    told += chance.sample(told, 40)
    chance.shuffle(told)

    async def recorder(own: list[object]) -> None:
        for begin in range(0, len(own), 9):
            await record(desk.pool, own[begin : begin + 9])  # type: ignore[arg-type]

    await asyncio.gather(*(recorder(told[n::3]) for n in range(3)))
    for monitor_id, slots in accounted.items():
        assert await desk.missed_slots(monitor_id) == sorted(slots)
        kept = await desk.rows("SELECT slot_at FROM results WHERE monitor_id = $1", monitor_id)
        assert {row["slot_at"] for row in kept} == results[monitor_id]


async def test_a_range_over_a_change_of_interval_shares_only_equal_slots(desk: RecorderDesk) -> None:
    await record(desk.pool, [missed(slot(0), 10)])
    finer = await record(desk.pool, [missed(slot(0), 10, interval_ms=30_000)])
    assert finer.missed == {"outage": 5}
    late: CheckResult = answer(slot(0) + 30_000)
    await record(desk.pool, [late])
    slots = await desk.missed_slots()
    assert len(slots) == len(set(slots)) == 14
    assert late.slot_at not in slots
