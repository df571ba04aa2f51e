"""Keeps a burst of TLS checks from being timed against each other instead of against the mail server.

A handshake costs us most of a millisecond of CPU. A hundred begun at once would each report the time of all; begun a
little apart, each reports its own. The wait happens before the connection is opened and is in no reported time.
"""

import asyncio
import time
from collections.abc import Callable

LONGEST_WAIT_SECONDS = 1.0
# A server that stalls in its handshake costs no CPU: it gives its place back before it has finished.
LONGEST_HOLD_SECONDS = 0.25


class HandshakeGate:
    """At most `at_once` handshakes under way, begun at least `spacing_seconds` apart."""

    def __init__(self, *, at_once: int, spacing_seconds: float) -> None:
        self._places = asyncio.Semaphore(max(at_once, 1))
        self._spacing_seconds = spacing_seconds
        self._next_at = 0.0

    async def enter(self) -> Callable[[], None]:
        """Wait for a place, a second at the longest; returns what gives it back (at the first call)."""
        if self._places.locked():
            try:
                async with asyncio.timeout(LONGEST_WAIT_SECONDS):
                    await self._places.acquire()
            except TimeoutError:
                return _nothing
        else:
            await self._places.acquire()  # returns at once, and a timer would cost more than all of this
        now = time.monotonic()
        begin_at = max(now, self._next_at)
        self._next_at = min(begin_at, now + LONGEST_WAIT_SECONDS) + self._spacing_seconds
        place = _Place(self._places)
        try:
            if begin_at > now:
                await asyncio.sleep(min(begin_at - now, LONGEST_WAIT_SECONDS))
        except BaseException:
            place.release()
            raise
        place.hold_no_longer_than(LONGEST_HOLD_SECONDS)
        return place.release


class _Place:
    __slots__ = ("_places", "_timer")

    def __init__(self, places: asyncio.Semaphore) -> None:
        self._places: asyncio.Semaphore | None = places
        self._timer: asyncio.TimerHandle | None = None

    def hold_no_longer_than(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self.release)

    def release(self) -> None:
        places, self._places = self._places, None
        if places is not None:
            places.release()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _nothing() -> None:
    """The place was never taken."""
