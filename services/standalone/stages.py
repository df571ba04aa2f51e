"""Runs services in one process: started in order, stopped in reverse, and none of them left limping on."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

_log = structlog.get_logger()

# A worker finishes its checks first (the longest takes 60 s and its goodbye), then sees its results confirmed.
STOP_SECONDS = 80.0


@dataclass(frozen=True, slots=True)
class Stage:
    """A service, as a function that serves until its event is set."""

    name: str
    serve: Callable[[asyncio.Event], Awaitable[None]]


async def run_in_order(stages: Sequence[Stage], stop: asyncio.Event, *, stop_seconds: float = STOP_SECONDS) -> None:
    """Serve until `stop` is set or a service ends by itself; then stop the last started first.

    Raises:
        ExceptionGroup: of what the services failed with.
    """
    running: list[tuple[Stage, asyncio.Event, asyncio.Task[None]]] = []
    stopped = asyncio.create_task(stop.wait())
    failures: list[Exception] = []
    try:
        for stage in stages:
            own_stop = asyncio.Event()
            running.append((stage, own_stop, asyncio.create_task(_serve(stage, own_stop), name=stage.name)))
        await asyncio.wait([stopped, *(task for _, _, task in running)], return_when=asyncio.FIRST_COMPLETED)
        failures = [
            RuntimeError(f"{stage.name} ended by itself")
            for stage, _, task in running
            if task.done() and not task.cancelled() and task.exception() is None and not stop.is_set()
        ]
    finally:
        stopped.cancel()
        for stage, own_stop, task in reversed(running):
            own_stop.set()
            await asyncio.wait([task], timeout=stop_seconds)
            if not task.done():
                _log.warning("service_cut_off", stage=stage.name, after_seconds=stop_seconds)
                task.cancel()
                await asyncio.wait([task])
            if not task.cancelled() and isinstance(error := task.exception(), Exception):
                failures.append(error)
    if failures:
        raise ExceptionGroup("services failed", failures)


async def _serve(stage: Stage, stop: asyncio.Event) -> None:
    await stage.serve(stop)
