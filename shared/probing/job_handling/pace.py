"""Begins checks no faster than this process can make them, so that the times it reports are the servers'.

What a check costs is measured, not guessed: CPU this process used while checks waited for their turn, by checks begun
meanwhile. Begun that far apart and a little more, of a thousand due at once each is alone with its server.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

# Of one core. The rest is for answers, heartbeats, and a check that costs more than those before it.
MOST_LOAD = 0.7
LEARN_EVERY = 16
FIRST_GUESS_SECONDS = 0.002
LEAST_SECONDS, MOST_SECONDS = 0.0001, 0.02


class Pace:
    """One for all checks of a process. `turn` is waited for before a check begins, and is in no reported time."""

    def __init__(
        self,
        *,
        cpu_seconds: Callable[[], float] = time.process_time,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._cpu_seconds = cpu_seconds
        self._clock = clock
        self._sleep = sleep
        self._one_by_one = asyncio.Lock()
        self._apart_seconds = FIRST_GUESS_SECONDS
        self._next_at = 0.0
        self._begun = 0
        self._cpu_before = 0.0

    async def turn(self) -> None:
        """Return when this check may begin; in the order of asking, at most 20 ms after the one before."""
        async with self._one_by_one:
            now = self._clock()
            late = 0.0
            if self._next_at <= now:
                self._begun = 0  # nobody had to wait: the CPU used since the last turn may have been for anything
            else:
                await self._sleep(self._next_at - now)
                now = self._clock()
                late = now - self._next_at
                self._learn()
            # Woken late: more is under way than we thought, and it gets as long again to be done.
            self._next_at = now + min(max(self._apart_seconds, late * 1.5), MOST_SECONDS)

    def _learn(self) -> None:
        if self._begun == 0:
            self._cpu_before = self._cpu_seconds()
        self._begun += 1
        if self._begun > LEARN_EVERY:
            cpu = self._cpu_seconds()
            cost = (cpu - self._cpu_before) / LEARN_EVERY
            wanted = min(max(cost / MOST_LOAD, LEAST_SECONDS), MOST_SECONDS)
            self._apart_seconds += (wanted - self._apart_seconds) / 2
            self._cpu_before, self._begun = cpu, 1
