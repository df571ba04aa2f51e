"""An event loop whose time jumps to the next timer when nothing is left to run, and clocks and chance that follow it.

Provides `run`: a coroutine run to its end, the same way each time for the same seed. What happens meanwhile is the
world's.
"""

import asyncio
import contextlib
import gc
import heapq
import itertools
import os
import random
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar
from unittest import mock

from shared.probing.job_handling.pace import Pace
from shared.runtime import loop_lag

T = TypeVar("T")

# Lag is of real loops; sampling it ten times a second would be most of what there is to do.
_SELDOM_SECONDS = 600.0

# Timers are late, if only by so much.
_HAIR_SECONDS = 1e-6

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


class VirtualLoop(asyncio.BaseEventLoop):
    """A loop without files or sockets: waiting is moving the clock on. `now`: seconds since it began.

    What a loop does most is written out here with nothing but what it needs: it is a third of what a seed costs.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._numbers = itertools.count()
        self.set_task_factory(_numbered_task)

    def time(self) -> float:
        return self.now

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._numbers), timer))
        return timer

    def _run_once(self) -> None:
        ready, timers = self._ready, self._timers
        while timers and timers[0][2]._cancelled:  # type: ignore[attr-defined]
            heapq.heappop(timers)
        if not ready and not self._stopping:  # type: ignore[attr-defined]
            if not timers:
                raise StoodStill
            # Past the timer's time by a hair, so that whoever computed it finds it over.
            self.now = max(self.now, timers[0][0] + _HAIR_SECONDS)
        while timers and timers[0][0] < self.now:
            ready.append(heapq.heappop(timers)[2])
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:  # type: ignore[attr-defined]
                handle._run()  # type: ignore[attr-defined]

    def _asyncgen_firstiter_hook(self, agen: Any) -> None:
        """All of them are gone through to their end, when their tasks are cancelled."""

    def _write_to_self(self) -> None:
        pass


def _numbered_task(loop: asyncio.AbstractEventLoop, coroutine: Any, **more: Any) -> "_NumberedTask":
    return _NumberedTask(coroutine, loop=loop, **more)


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
    collects = gc.isenabled()
    gc.disable()  # a world is thrown away as a whole
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
        if collects:
            gc.enable()
