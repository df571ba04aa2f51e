"""Keeps a burst of TLS checks from being timed against each other instead of against the mail server.

A handshake costs us most of a millisecond of CPU. A hundred begun at once would each report the time of all; begun a
little apart, each reports its own. The wait happens before the connection is opened and is in no reported time.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable

LONGEST_WAIT_SECONDS = 1.0
# A server that stalls in its handshake costs no CPU: it gives its place back before it has finished.
LONGEST_HOLD_SECONDS = 0.25


class HandshakeGate:
    """At most `at_once` handshakes under way, begun at least `spacing_seconds` apart.

    Places held for too long are taken back when somebody asks for one: only where somebody has to wait is there a
    timer at all, one for everybody.
    """

    def __init__(self, *, at_once: int, spacing_seconds: float) -> None:
        self._free = max(at_once, 1)
        self._spacing_seconds = spacing_seconds
        self._next_at = 0.0
        self._held: deque[_Place] = deque()  # the oldest first; some of them were given back since
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def enter(self) -> Callable[[], None]:
        """Wait for a place, a second at the longest; returns what gives it back (at the first call)."""
        now = time.monotonic()
        self._take_back(now)
        if self._free:
            self._free -= 1
        elif await self._handed_on():
            now = time.monotonic()
        else:
            return _nothing
        begin_at = max(now, self._next_at)
        self._next_at = min(begin_at, now + LONGEST_WAIT_SECONDS) + self._spacing_seconds
        if begin_at > now:
            try:
                await asyncio.sleep(min(begin_at - now, LONGEST_WAIT_SECONDS))
            except BaseException:
                self._hand_on()
                raise
            now = time.monotonic()
        place = _Place(self, now + LONGEST_HOLD_SECONDS)
        self._held.append(place)
        if self._waiting:
            self._watch(now)
        return place.release

    async def _handed_on(self) -> bool:
        """Wait for somebody's place; False where none came free in time."""
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        self._watch(time.monotonic())
        try:
            async with asyncio.timeout(LONGEST_WAIT_SECONDS):
                await place
        except BaseException as error:
            if place.done() and not place.cancelled():
                self._hand_on()  # it came, and too late
            if isinstance(error, TimeoutError):
                return False
            raise
        return True

    def _hand_on(self) -> None:
        """A place came free."""
        while self._waiting:
            next_one = self._waiting.popleft()
            if not next_one.done():  # it may have given up
                next_one.set_result(None)
                return
        self._free += 1

    def _take_back(self, now: float) -> None:
        held = self._held
        while held and (held[0].until <= now or held[0].given_back):
            held.popleft().release()

    def _watch(self, now: float) -> None:
        """See to it that whoever waits gets the oldest place once it was held too long."""
        if self._timer is None and self._held:
            seconds = max(self._held[0].until - now, 0.0)
            self._timer = asyncio.get_running_loop().call_later(seconds, self._look_again)

    def _look_again(self) -> None:
        self._timer = None
        now = time.monotonic()
        self._take_back(now)
        if self._waiting:
            self._watch(now)


class _Place:
    __slots__ = ("_gate", "given_back", "until")

    def __init__(self, gate: HandshakeGate, until: float) -> None:
        self._gate = gate
        self.until = until
        self.given_back = False

    def release(self) -> None:
        if not self.given_back:
            self.given_back = True
            self._gate._hand_on()


def _nothing() -> None:
    """The place was never taken."""
