"""A loop that stands still for good ends its process: alive by the look of it, it would do nothing for ever.

A thread counts its own ticks since the loop last gave a sign of life, not the time that went by: a process that was
stopped (SIGSTOP, a frozen container, a suspended machine) has counted nothing meanwhile, and one that is starved of
CPU counts as slowly as it runs. A loop that is slow but moves starts the count anew.

What holds the interpreter's lock keeps the thread from counting too (a regular expression gone wild, for one). For
that the thread puts off a timer of CPU time with each tick; the kernel ends the process when nobody does, and
faulthandler shows the stacks, without Python's help.
"""

import asyncio
import contextlib
import faulthandler
import signal
import sys
import threading
from collections.abc import Callable
from typing import Self

from shared.runtime.last_word import end_process

TICK_SECONDS = 1.0
# CPU time of all threads together, in multiples of the patience: others may work beside what holds the lock.
_CPU_SECONDS_PER_SECOND = 2.0

Stuck = Callable[[float], object]


def _end(silent_seconds: float) -> None:
    end_process("event_loop_blocked", silent_seconds=round(silent_seconds, 1))


class LoopWatch:
    """Watches the running loop while it is entered.

    Args:
        patience_seconds: how long it may stand still; 0: it is not watched.
        on_stuck: called once from the watching thread with how long it stood still.
        guards_interpreter: whether CPU time is limited where no thread of Python runs any more.
    """

    def __init__(
        self,
        patience_seconds: float,
        *,
        on_stuck: Stuck = _end,
        tick_seconds: float = TICK_SECONDS,
        guards_interpreter: bool = True,
    ) -> None:
        self._patience = patience_seconds
        self._on_stuck = on_stuck
        self._tick = min(tick_seconds, patience_seconds / 4) if patience_seconds else tick_seconds
        self._guards = guards_interpreter and patience_seconds > 0
        self._beats = 0
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._next: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        if self._patience > 0:
            self._beat(asyncio.get_running_loop())
            if self._guards:
                self._arm()
            self._thread = threading.Thread(target=self._watch, name="loop watch", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._next is not None:
            self._next.cancel()
        if self._thread is not None:
            self._thread.join()
        if self._guards:
            signal.setitimer(signal.ITIMER_PROF, 0)
            faulthandler.unregister(signal.SIGPROF)

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        self._beats += 1
        self._next = loop.call_later(self._tick / 2, self._beat, loop)

    def _arm(self) -> None:
        # Without a stderr to show stacks on, it ends all the same. chain: after them, the signal's own effect.
        with contextlib.suppress(ValueError, OSError, RuntimeError):
            faulthandler.register(signal.SIGPROF, file=sys.__stderr__ or 2, all_threads=True, chain=True)
        self._put_off()

    def _put_off(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, self._patience * _CPU_SECONDS_PER_SECOND)

    def _watch(self) -> None:
        seen, silent = -1, 0
        while not self._over.wait(self._tick):
            if self._guards:
                self._put_off()
            if self._beats != seen:
                seen, silent = self._beats, 0
                continue
            silent += 1
            if silent * self._tick >= self._patience:
                self._on_stuck(silent * self._tick)
                return
