"""Begins checks no faster than this process can make them, so that the times it reports are the servers'.

What a check costs is measured, not guessed: CPU this process used while checks waited for their turn, by checks begun
meanwhile. Begun that far apart and a little more, of a thousand due at once each is alone with its server, but for one
other: two begun together do the same things one right after the other, which the processor's caches reward, and while
we see to one the server sees to the other.

Where so many wait that the last would begin seconds too late, being late is the worse lie: then a crowd begins at once,
each of which costs up to a third less, until few enough wait.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable

# Of one core. The rest is for answers, heartbeats, and a check that costs more than those before it.
MOST_LOAD = 0.7
TOGETHER = 2

# The last in line would begin so many seconds too late: until it is but a second, checks begin in crowds.
TOO_LATE_SECONDS = 5.0
SOON_SECONDS = 1.0
CROWD = 16
MOST_LOAD_IN_CROWDS = 0.9

LEARN_EVERY = 16
FIRST_GUESS_SECONDS = 0.002
LEAST_SECONDS, MOST_SECONDS = 0.0001, 0.02

Later = Callable[[float, Callable[[], None]], object]
"""Has something called so many seconds from now."""


class Pace:
    """One for all checks of a process. `turn` is waited for before a check begins, and is in no reported time."""

    def __init__(
        self,
        *,
        cpu_seconds: Callable[[], float] = time.process_time,
        clock: Callable[[], float] = time.monotonic,
        later: Later | None = None,
    ) -> None:
        self._cpu_seconds = cpu_seconds
        self._clock = clock
        self._later = later
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._apart_seconds = FIRST_GUESS_SECONDS
        self._next_at = 0.0
        self._in_crowds = False
        self._begun = 0  # since the CPU was looked at
        self._cpu_before: float | None = None

    async def turn(self) -> None:
        """Return when this check may begin; in the order of asking, at most 20 ms after the one before."""
        if not self._waiting:
            now = self._clock()
            if self._next_at <= now:
                self._cpu_before = None  # nobody had to wait: the CPU used since then may have been for anything
                self._next_at = now + self._apart_seconds
                return
            self._wake_in(self._next_at - now)
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        await place

    def _wake_in(self, seconds: float) -> None:
        later = self._later or asyncio.get_running_loop().call_later
        later(seconds, self._let_in)

    def _let_in(self) -> None:
        """The next ones begin now. Runs again for as long as anybody waits, and only then."""
        now = self._clock()
        behind_seconds = len(self._waiting) * self._apart_seconds
        self._in_crowds = behind_seconds > (SOON_SECONDS if self._in_crowds else TOO_LATE_SECONDS)
        begun = self._begin(CROWD if self._in_crowds else TOGETHER)
        if begun:
            self._learn(begun)
            apart = self._apart_seconds
            if not self._in_crowds:
                # Woken late: more is under way than we thought, and it gets as long again to be done.
                apart = min(max(apart, (now - self._next_at) * 1.5), MOST_SECONDS)
            self._next_at = now + apart * begun
        if self._waiting:
            self._wake_in(self._next_at - now)

    def _begin(self, most: int) -> int:
        begun = 0
        while self._waiting and begun < most:
            place = self._waiting.popleft()
            if not place.done():  # it may have given up
                place.set_result(None)
                begun += 1
        return begun

    def _learn(self, begun: int) -> None:
        if self._cpu_before is None:
            self._cpu_before, self._begun = self._cpu_seconds(), 0
        elif self._begun >= LEARN_EVERY:
            cpu = self._cpu_seconds()
            cost = (cpu - self._cpu_before) / self._begun
            load = MOST_LOAD_IN_CROWDS if self._in_crowds else MOST_LOAD
            wanted = min(max(cost / load, LEAST_SECONDS), MOST_SECONDS)
            self._apart_seconds += (wanted - self._apart_seconds) / 2
            self._cpu_before, self._begun = cpu, 0
        self._begun += begun
