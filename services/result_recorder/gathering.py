"""Deliveries, which come one by one, gathered into batches for one transaction each."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from shared.broker.envelope import UnreadableMessage
from shared.broker.seam import Delivery

T = TypeVar("T")

_log = structlog.get_logger()

# So many within the first moment, and many more are coming.
MANY = 10


@dataclass(frozen=True, slots=True, eq=False)
class Waiting(Generic[T]):
    """A delivery that was read and is not settled yet. Whoever settles it sets `settled`."""

    delivery: Delivery
    content: Sequence[T]
    settled: asyncio.Event

    async def ack(self) -> None:
        await self.delivery.ack()
        self.settled.set()

    async def reject(self, *, requeue: bool) -> None:
        await self.delivery.reject(requeue=requeue)
        self.settled.set()


class Gathering(Generic[T]):
    """The handler of a queue on one side, batches on the other. Holds at most the consumer's prefetch.

    Args:
        read: what a message carries; one that raises UnreadableMessage goes to the dead letters.
        most: a batch is full with so many items (the last message may bring more).
        linger_seconds: how long a batch waits for more once it has one.
        patient_seconds: how long in all where it has MANY by then. A batch costs the same for ten as for hundreds.
    """

    def __init__(
        self,
        *,
        read: Callable[[bytes, str], Sequence[T]],
        prefetch: int,
        most: int,
        linger_seconds: float,
        patient_seconds: float,
    ) -> None:
        self._read = read
        self._most = most
        self._linger_seconds = linger_seconds
        self._patient_seconds = patient_seconds
        self._queue: asyncio.Queue[Waiting[T]] = asyncio.Queue(prefetch)
        self._drained = asyncio.Event()

    async def handle(self, delivery: Delivery) -> None:
        """Take a delivery; returns when it is settled."""
        try:
            content = self._read(delivery.body, delivery.type)
        except UnreadableMessage as error:
            _log.error("message_unreadable", message_id=delivery.message_id, reason=str(error))
            await delivery.reject(requeue=False)
            return
        waiting = Waiting(delivery, content, asyncio.Event())
        await self._queue.put(waiting)
        await waiting.settled.wait()

    def drained(self) -> None:
        """No more deliveries will come: what is there is the last."""
        self._drained.set()

    async def batch(self) -> list[Waiting[T]]:
        """The next batch; empty once all are through."""
        first = await self._first()
        if first is None:
            return []
        gathered = [first]
        size = await self._gather_into(
            gathered, len(first.content), 0 if self._drained.is_set() else self._linger_seconds
        )
        if size >= MANY and not self._drained.is_set():
            await self._gather_into(gathered, size, self._patient_seconds - self._linger_seconds)
        return gathered

    async def _gather_into(self, gathered: list[Waiting[T]], size: int, seconds: float) -> int:
        """Take what comes within so many seconds; answers how many items there are then."""
        try:
            async with asyncio.timeout(seconds):
                while size < self._most:
                    more = self._queue.get_nowait() if not self._queue.empty() else await self._queue.get()
                    gathered.append(more)
                    size += len(more.content)
        except TimeoutError:
            pass
        return size

    async def _first(self) -> Waiting[T] | None:
        while self._queue.empty():
            if self._drained.is_set():
                return None
            arrives = asyncio.ensure_future(self._queue.get())
            ends = asyncio.ensure_future(self._drained.wait())
            try:
                await asyncio.wait({arrives, ends}, return_when=asyncio.FIRST_COMPLETED)
                if arrives.done():
                    return arrives.result()
            finally:
                ends.cancel()
                if not arrives.done():
                    arrives.cancel()
        return self._queue.get_nowait()
