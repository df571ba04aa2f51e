"""Two recorders at the same monitor at the same moment: one waits, and then sees what the other did."""

import asyncio
from collections.abc import Sequence

import pytest

from services.result_recorder.recording import Answer, record, record_within
from shared.checks.vocabulary import LoginOutcome, OutcomeKind
from shared.database.pool import transaction
from tests.support.answers import answer, missed, slot, with_login
from tests.support.recorder_desk import RecorderDesk

FAILED = OutcomeKind.CONNECT_REFUSED
NOBODY = 77  # no such monitor


async def at_once(desk: RecorderDesk, first: Sequence[Answer], second: Sequence[Answer]) -> None:
    """Record `second` while `first` is recorded and not committed yet."""
    async with transaction(desk.pool) as connection:
        await record_within(connection, first)
        other = asyncio.create_task(record(desk.pool, second))
        await asyncio.sleep(0.3)
    async with asyncio.timeout(60):
        await other


@pytest.mark.parametrize("monitor_id", [1, NOBODY])
@pytest.mark.parametrize("checked_before", [True, False])
async def test_a_slot_is_not_counted_twice(desk: RecorderDesk, monitor_id: int, checked_before: bool) -> None:
    if checked_before:
        await record(desk.pool, [answer(slot(0), monitor_id=monitor_id)])
    await at_once(desk, [missed(slot(1), 5, monitor_id=monitor_id)], [answer(slot(3), monitor_id=monitor_id)])
    assert await desk.missed_slots(monitor_id) == [slot(n) for n in (1, 2, 4, 5)]
    await at_once(desk, [answer(slot(7), monitor_id=monitor_id)], [missed(slot(4), 6, monitor_id=monitor_id)])
    assert await desk.missed_slots(monitor_id) == [slot(n) for n in (1, 2, 4, 5, 6, 8, 9)]
    await at_once(desk, [missed(slot(9), 4, monitor_id=monitor_id)], [missed(slot(10), 4, monitor_id=monitor_id)])
    assert await desk.missed_slots(monitor_id) == [slot(n) for n in (1, 2, 4, 5, 6, 8, 9, 10, 11, 12, 13)]


@pytest.mark.parametrize("checked_before", [True, False])
async def test_failures_in_a_row_are_all_counted(desk: RecorderDesk, checked_before: bool) -> None:
    if checked_before:
        await record(desk.pool, [answer(slot(0))])
    await at_once(desk, [answer(slot(1), FAILED)], [answer(slot(2), FAILED)])
    await at_once(desk, [answer(slot(4), FAILED)], [answer(slot(3), FAILED)])
    state = await desk.location_state()
    assert (state["failures"], state["since"], state["last_slot"]) == (4, slot(1), slot(4))


async def test_locations_of_one_monitor_are_judged_together(desk: RecorderDesk) -> None:
    await record(desk.pool, [answer(slot(0)), answer(slot(0), location="there")])
    await at_once(desk, [answer(slot(1), FAILED)], [answer(slot(1), FAILED, location="there")])
    assert (await desk.monitor_state())["health"] == "down"


async def test_logins_to_one_account_are_judged_together(desk: RecorderDesk) -> None:
    await desk.add_monitor(2)
    await record(desk.pool, [answer(slot(0)), answer(slot(0), monitor_id=2)])
    refused = with_login(answer(slot(1), OutcomeKind.AUTH_REJECTED), LoginOutcome.REFUSED)
    accepted = with_login(answer(slot(2), monitor_id=2), LoginOutcome.ACCEPTED)
    await at_once(desk, [accepted], [refused])
    assert await desk.value("SELECT outcome FROM login_credentials") == "accepted"
