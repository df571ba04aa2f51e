"""The gate: in time, within capacity, and let go at once when it closes."""

import asyncio

from shared.probing.job_handling.starting import StartGate


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_no_more_than_the_capacity_are_in_at_once_and_those_waiting_follow_in_order() -> None:
    gate = StartGate(capacity=2, max_unsent=10)
    entered: list[int] = []

    async def enter(number: int) -> None:
        assert await gate.enter(0)
        entered.append(number)

    tasks = [asyncio.ensure_future(enter(number)) for number in range(5)]
    await settle()
    assert (entered, gate.in_flight) == ([0, 1], 2)
    gate.leave()
    await settle()
    assert (entered, gate.in_flight) == ([0, 1, 2], 2)
    for _ in range(4):
        gate.leave()
        await settle()
    assert entered == [0, 1, 2, 3, 4]
    assert gate.in_flight == 0
    await asyncio.gather(*tasks)


async def test_who_is_early_waits_outside_and_takes_no_room() -> None:
    gate = StartGate(capacity=1, max_unsent=10)
    early = asyncio.ensure_future(gate.enter(3600))
    await settle()
    assert await gate.enter(0)
    assert not early.done()
    gate.close()
    assert not await early


async def test_a_moment_in_the_future_comes() -> None:
    gate = StartGate(capacity=1, max_unsent=10)
    assert await gate.enter(0.01)


async def test_while_too_many_answers_wait_for_the_broker_nobody_enters() -> None:
    gate = StartGate(capacity=5, max_unsent=2)
    gate.answer_waits()
    gate.answer_waits()
    waiting = asyncio.ensure_future(gate.enter(0))
    await settle()
    assert not waiting.done()
    gate.answer_left()
    assert await waiting


async def test_closing_lets_all_who_wait_go_without_having_begun() -> None:
    gate = StartGate(capacity=1, max_unsent=10)
    assert await gate.enter(0)
    queued = asyncio.ensure_future(gate.enter(0))
    await settle()
    gate.close()
    assert not await queued
    assert not await gate.enter(0)
    gate.leave()
    assert gate.in_flight == 0


async def test_one_cancelled_while_waiting_leaves_its_place_to_the_next() -> None:
    gate = StartGate(capacity=1, max_unsent=10)
    assert await gate.enter(0)
    cancelled, next_one = (asyncio.ensure_future(gate.enter(0)) for _ in range(2))
    await settle()
    cancelled.cancel()
    await settle()
    gate.leave()
    assert await next_one
    assert gate.in_flight == 1


async def test_one_cancelled_in_the_moment_it_is_let_in_gives_its_place_back() -> None:
    gate = StartGate(capacity=1, max_unsent=10)
    assert await gate.enter(0)
    cancelled, next_one = (asyncio.ensure_future(gate.enter(0)) for _ in range(2))
    await settle()
    gate.leave()
    cancelled.cancel()
    assert await next_one
    assert gate.in_flight == 1
