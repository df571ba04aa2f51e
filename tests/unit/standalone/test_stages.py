"""Services in one process start in order, stop in reverse, and fall together."""

import asyncio

import pytest

from services.standalone.stages import Stage, run_in_order


def recording(name: str, events: list[str]) -> Stage:
    async def serve(stop: asyncio.Event) -> None:
        events.append(f"{name} starts")
        await stop.wait()
        await asyncio.sleep(0)
        events.append(f"{name} stops")

    return Stage(name, serve)


async def test_the_last_started_stops_first_and_has_stopped_before_the_next() -> None:
    events: list[str] = []
    stop = asyncio.Event()
    running = asyncio.create_task(run_in_order([recording(name, events) for name in "abc"], stop))
    for _ in range(10):
        await asyncio.sleep(0)
    assert len(events) == 3
    stop.set()
    await running
    assert events == ["a starts", "b starts", "c starts", "c stops", "b stops", "a stops"]


async def test_a_service_that_fails_ends_the_others_and_its_error_is_told() -> None:
    async def broken(stop: asyncio.Event) -> None:
        raise ValueError("broken")

    events: list[str] = []
    with pytest.raises(ExceptionGroup) as caught:
        await run_in_order([recording("a", events), Stage("b", broken)], asyncio.Event())
    assert [str(error) for error in caught.value.exceptions] == ["broken"]
    assert events == ["a starts", "a stops"]


async def test_a_service_that_just_ends_is_a_failure_too() -> None:
    async def brief(stop: asyncio.Event) -> None:
        return

    with pytest.raises(ExceptionGroup) as caught:
        await run_in_order([Stage("brief", brief)], asyncio.Event())
    assert "brief ended by itself" in str(caught.value.exceptions[0])


async def test_a_service_that_does_not_stop_is_cut_off() -> None:
    async def deaf(stop: asyncio.Event) -> None:
        await asyncio.Event().wait()

    stop = asyncio.Event()
    stop.set()
    await run_in_order([Stage("deaf", deaf)], stop, stop_seconds=0.01)
