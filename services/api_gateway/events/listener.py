"""One open stream: what it may see, and what waits to be written to it.

The feed puts in, the stream takes out. What waits is bounded: a client that reads too slowly is told to load
everything anew, and its stream ends.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from uuid import UUID

from services.api_gateway.events import frames
from services.api_gateway.events.position import Position
from services.api_gateway.events.telling import Told

MOST_WAITING_BYTES = 1024 * 1024


class Listener:
    """What goes to one client.

    Args:
        customer_ids: whose events it may see; None: all of the organization's.
        watched: numbers of the monitors whose results it gets, by public id.
    """

    def __init__(self, *, organization_id: int, customer_ids: frozenset[int] | None, watched: dict[UUID, int]) -> None:
        self.organization_id = organization_id
        self.watched = watched
        self.position = Position(0, 0)
        self.why_over = ""
        self._customer_ids = customer_ids
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._news = asyncio.Event()

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return bool(self.why_over)

    def sees(self, told: Told) -> bool:
        """Whether this is for it."""
        if self._customer_ids is not None and told.customer_id not in self._customer_ids:
            return False
        return told.watched is None or told.watched in self.watched

    def tell(self, told: Iterable[Told], position: Position) -> None:
        """These happened; with them the stream has come as far as `position`."""
        if self.is_over:
            return
        self.position = position
        mine = [each.frame for each in told if self.sees(each)]
        if mine:
            self._put(frames.batch(mine, position))

    def begin(self, position: Position, *, lost: bool) -> None:
        """It begins here; `lost`: what it is asked to go on from is too long ago."""
        self.position = position
        self._put(frames.greeting(position))
        if lost:
            self._put(frames.batch([frames.RESET], position))

    def end(self, why: str, *, reset: bool = False) -> None:
        """Nothing more comes; what waits is still written, unless all is to be loaded anew."""
        if self.is_over:
            return
        if reset:
            self._waiting.clear()
            self._waiting_bytes = 0
            self._waiting.append(frames.batch([frames.RESET], self.position))
        self.why_over = why
        self._news.set()

    async def next(self, *, within_seconds: float) -> bytes | None:
        """What is to be written next; a heartbeat where nothing came in time, None at the end."""
        try:
            async with asyncio.timeout(within_seconds):
                while not self._waiting:
                    if self.is_over:
                        return None
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return frames.heartbeat(self.position)
        chunk = b"".join(self._waiting)
        self._waiting.clear()
        self._waiting_bytes = 0
        return chunk

    def _put(self, chunk: bytes) -> None:
        self._waiting.append(chunk)
        self._waiting_bytes += len(chunk)
        if self._waiting_bytes > MOST_WAITING_BYTES:
            self.end("slow", reset=True)
        self._news.set()
