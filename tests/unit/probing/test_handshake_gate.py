import asyncio

import pytest

from shared.probing import handshake_gate
from shared.probing.handshake_gate import HandshakeGate


def gate(at_once: int = 1) -> HandshakeGate:
    return HandshakeGate(at_once=at_once, spacing_seconds=0.0)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody loses a place, or gives up, for what a busy machine takes."""
    monkeypatch.setattr(handshake_gate, "LONGEST_WAIT_SECONDS", 600.0)
    monkeypatch.setattr(handshake_gate, "LONGEST_HOLD_SECONDS", 600.0)


async def has_to_wait(entering: asyncio.Task[object]) -> bool:
    for _ in range(20):
        await asyncio.sleep(0)
    return not entering.done()


@pytest.mark.usefixtures("patient")
async def test_a_place_is_handed_on_when_it_is_given_back() -> None:
    doors = gate(at_once=2)
    leave, stay = await doors.enter(), await doors.enter()
    third = asyncio.create_task(doors.enter())
    assert await has_to_wait(third)
    leave()
    leave()  # the first call counts, and no other
    fourth = asyncio.create_task(doors.enter())
    leave_third = await asyncio.wait_for(third, 60)
    assert await has_to_wait(fourth)
    stay()
    (await asyncio.wait_for(fourth, 60))()
    leave_third()
    await asyncio.wait_for(doors.enter(), 60)
    await asyncio.wait_for(doors.enter(), 60)


async def test_a_place_held_too_long_goes_to_whoever_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshake_gate, "LONGEST_WAIT_SECONDS", 600.0)
    monkeypatch.setattr(handshake_gate, "LONGEST_HOLD_SECONDS", 0.01)
    doors = gate()
    late = await doors.enter()
    waiting = [asyncio.create_task(doors.enter()) for _ in range(5)]
    await asyncio.wait_for(asyncio.gather(*waiting), 60)
    late()  # long since somebody else's
    assert doors._free == 0


async def test_who_waits_for_too_long_goes_without_and_gives_nothing_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshake_gate, "LONGEST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(handshake_gate, "LONGEST_HOLD_SECONDS", 600.0)
    doors = gate()
    leave = await doors.enter()
    (await asyncio.wait_for(doors.enter(), 60))()
    assert doors._free == 0
    leave()
    assert doors._free == 1


@pytest.mark.usefixtures("patient")
async def test_no_place_is_lost_with_who_is_cancelled() -> None:
    doors = gate()
    leave = await doors.enter()
    before, after = asyncio.create_task(doors.enter()), asyncio.create_task(doors.enter())
    assert await has_to_wait(before)
    before.cancel()
    leave()  # to the one that was cancelled, which has yet to hear of it, or to the next
    after.cancel()
    await asyncio.wait({before, after}, timeout=60)
    assert doors._free == 1


async def test_those_begun_together_begin_apart() -> None:
    doors = HandshakeGate(at_once=8, spacing_seconds=30.0)
    await doors.enter()
    second = asyncio.create_task(doors.enter())
    assert await has_to_wait(second)
    second.cancel()
    await asyncio.wait({second}, timeout=60)
    assert doors._free == 7
