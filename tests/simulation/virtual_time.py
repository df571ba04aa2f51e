"""An event loop whose time jumps to the next timer when nothing is left to run, and clocks and chance that follow it.

Provides `run`: a coroutine run to its end, the same way each time for the same seed. What happens meanwhile is the
world's.
"""

import asyncio
import contextlib
import itertools
import math
import os
import random
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar
from unittest import mock

from shared.probing.job_handling.pace import Pace
from shared.runtime import loop_lag

T = TypeVar("T")

# Lag is of real loops; sampling it ten times a second would be most of what there is to do.
_SELDOM_SECONDS = 600.0

# What is cancelled may begin something by its last words.
_ROUNDS = 5


class StoodStill(Exception):
    """Nothing is left to run and no timer is set: whoever still waits would wait for ever."""


class _NumberedTask(asyncio.Task):  # type: ignore[type-arg]
    """Sets of tasks are gone through in the order of their making, not of their addresses."""

    _numbers = itertools.count()

    def __init__(self, *args: Any, **options: Any) -> None:
        self._number = next(self._numbers)
        super().__init__(*args, **options)

    def __hash__(self) -> int:
        return self._number


class _Jump:
    """A selector that watches nothing: waiting is moving the clock on."""

    def __init__(self, loop: "VirtualLoop") -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise StoodStill
        if self._loop._scheduled:
            next_at = self._loop._scheduled[0]._when
            if timeout > 0 or next_at <= self._loop.now:
                # Past the timer's time by a hair, so that whoever computed it finds it over.
                self._loop.now = max(self._loop.now, math.nextafter(next_at, math.inf))
        return []


class VirtualLoop(asyncio.BaseEventLoop):
    """A loop without files or sockets. `now`: seconds since it began."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0
        self._clock_resolution = 0.0
        self._selector = _Jump(self)
        self.set_task_factory(lambda loop, coroutine, **more: _NumberedTask(coroutine, loop=loop, **more))

    def time(self) -> float:
        return self.now

    def _process_events(self, event_list: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass


@contextlib.contextmanager
def _clocks_of(loop: VirtualLoop, chance: random.Random) -> Iterator[None]:
    with contextlib.ExitStack() as patches:
        patches.enter_context(mock.patch.object(time, "monotonic", loop.time))
        patches.enter_context(mock.patch.object(time, "process_time", return_value=0.0))
        patches.enter_context(mock.patch.object(os, "urandom", chance.randbytes))  # of which UUIDs are made
        patches.enter_context(mock.patch.object(random, "random", chance.random))
        patches.enter_context(mock.patch.object(loop_lag, "SAMPLE_SECONDS", _SELDOM_SECONDS))
        paced = {**Pace.__init__.__kwdefaults__, "clock": loop.time, "cpu_seconds": lambda: 0.0}
        patches.enter_context(mock.patch.object(Pace.__init__, "__kwdefaults__", paced))
        yield


def run(main: Callable[[VirtualLoop], Coroutine[Any, Any, T]], chance: random.Random) -> T:
    """Run to the end in no time. Raises StoodStill, and what `main` does."""
    _NumberedTask._numbers = itertools.count()
    loop = VirtualLoop()
    try:
        with _clocks_of(loop, chance):
            asyncio.set_event_loop(loop)
            try:
                return loop.run_until_complete(main(loop))
            finally:
                for _ in range(_ROUNDS):
                    left = asyncio.all_tasks(loop)
                    for task in left:
                        task.cancel()
                    if left:
                        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    finally:
        asyncio.set_event_loop(None)
        loop.close()
