"""The gate a job passes to begin: its time has come, and the worker has room for one more check.

Room means checks under way and answers not yet confirmed by the broker, both bounded: while the broker is away no
more is begun than can be kept. Once the gate is closed, whoever still waits is told so and has begun nothing.
"""

import asyncio
from collections import deque


class StartGate:
    """`capacity` checks at once, and at most `max_unsent` answers waiting for the broker."""

    def __init__(self, *, capacity: int, max_unsent: int) -> None:
        self._capacity = capacity
        self._max_unsent = max_unsent
        self._early: set[asyncio.Future[bool]] = set()
        self._queued: deque[asyncio.Future[bool]] = deque()
        self._closed = False
        self.in_flight = 0
        self.unsent = 0

    async def enter(self, delay_seconds: float) -> bool:
        """Wait for a job's time, then for room; False when the gate closed first. Each True needs one `leave`."""
        if delay_seconds > 0 and not self._closed and not await self._until_time(delay_seconds):
            return False
        if self._closed:
            return False
        if not self._queued and self._has_room():
            self.in_flight += 1
            return True
        place: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._queued.append(place)
        try:
            return await place  # who wakes us has counted us in
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.result():
                self.leave()
            raise

    def leave(self) -> None:
        """A check is over."""
        self.in_flight -= 1
        self._admit()

    def answer_waits(self) -> None:
        """An answer begins to wait for the broker."""
        self.unsent += 1

    def answer_left(self) -> None:
        """An answer waits no longer."""
        self.unsent -= 1
        self._admit()

    def close(self) -> None:
        """Nothing begins any more."""
        self._closed = True
        for waiting in (*self._early, *self._queued):
            if not waiting.done():
                waiting.set_result(False)
        self._queued.clear()

    async def _until_time(self, delay_seconds: float) -> bool:
        loop = asyncio.get_running_loop()
        time_has_come: asyncio.Future[bool] = loop.create_future()
        alarm = loop.call_later(delay_seconds, _ring, time_has_come)
        self._early.add(time_has_come)
        try:
            return await time_has_come
        finally:
            self._early.discard(time_has_come)
            alarm.cancel()

    def _has_room(self) -> bool:
        return self.in_flight < self._capacity and self.unsent < self._max_unsent

    def _admit(self) -> None:
        while self._queued and self._has_room():
            place = self._queued.popleft()
            if not place.done():
                self.in_flight += 1
                place.set_result(True)


def _ring(time_has_come: "asyncio.Future[bool]") -> None:
    if not time_has_come.done():
        time_has_come.set_result(True)
