"""All feeds of this gateway: one for each organization that somebody listens to, woken by what the others say.

Whoever stores something tells every gateway through the broker (`shared.broker.heralding`); this gateway's own
changes wake its feeds directly as well. The queue is exclusive to the connection: what is said while nobody listens
is not kept.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

import structlog

from services.api_gateway.events.feed import Feed
from services.api_gateway.events.listener import Listener
from services.api_gateway.events.position import Position
from shared.broker.envelope import UnreadableMessage, read_news
from shared.broker.heralding import Herald
from shared.broker.seam import Broker, BrokerError, Consumer, Delivery
from shared.broker.topology import EVENTS, core_topology, events_queue
from shared.database.pool import Pool

MOST_STREAMS = 1000
MOST_STREAMS_OF_ONE = 20
_LOOKS_AT_ONCE = 4
_PREFETCH = 20
_RETRY_SECONDS = 2.0

_log = structlog.get_logger()


class TooManyStreams(Exception):
    """As many streams are open as may be; `of_one`: of this caller's own."""

    def __init__(self, *, of_one: bool) -> None:
        self.of_one = of_one
        super().__init__()


class Feeds:
    """The feeds, and who listens."""

    def __init__(self, pool: Pool, broker: Broker, instance: str) -> None:
        self._pool = pool
        self._broker = broker
        self._queue = events_queue(instance)
        self._herald = Herald(broker)
        self._looking = asyncio.Semaphore(_LOOKS_AT_ONCE)
        self._feeds: dict[int, Feed] = {}
        self._running: dict[int, asyncio.Task[None]] = {}
        self._open: Counter[Hashable] = Counter()
        self._ending = False

    def tell(self, organization_id: int) -> None:
        """Something of this organization was changed here, and is committed; returns at once."""
        self._herald.tell([organization_id])
        if organization_id in self._feeds:
            self._feeds[organization_id].wake()

    def require_room(self, asker: Hashable) -> None:
        """Raises TooManyStreams."""
        if self._open[asker] >= MOST_STREAMS_OF_ONE:
            raise TooManyStreams(of_one=True)
        if self._ending or self._open.total() >= MOST_STREAMS:
            raise TooManyStreams(of_one=False)

    @asynccontextmanager
    async def listening(self, asker: Hashable, listener: Listener, since: Position | None) -> AsyncIterator[None]:
        """The listener is told what happens, as long as this lasts. Raises DatabaseError."""
        organization_id = listener.organization_id
        feed = self._feeds.get(organization_id)
        if feed is None:
            feed = self._feeds[organization_id] = Feed(self._pool, organization_id, self._looking)
            self._running[organization_id] = asyncio.create_task(feed.run(), name=f"events of {organization_id}")
        feed.joining += 1
        self._open[asker] += 1
        try:
            await feed.join(listener, since)
            if self._ending:
                listener.end("shutdown")
            yield
        finally:
            self._open[asker] -= 1
            self._open += Counter()  # those that are at nought are forgotten
            feed.joining -= 1
            feed.listeners.discard(listener)
            if not feed.joining and self._feeds.get(organization_id) is feed:
                del self._feeds[organization_id]
                self._running.pop(organization_id).cancel()

    async def run(self) -> None:
        """Hear the others, and tell them, until cancelled."""
        telling = asyncio.create_task(self._herald.run(), name="tell of events")
        consumer: Consumer | None = None
        try:
            while consumer is None:
                consumer = await self._begin()
            await asyncio.Event().wait()
        finally:
            telling.cancel()
            for running in self._running.values():
                running.cancel()
            await asyncio.gather(telling, *self._running.values(), return_exceptions=True)
            if consumer is not None:
                with contextlib.suppress(BrokerError, TimeoutError):
                    async with asyncio.timeout(5):
                        await consumer.close()

    def end(self) -> None:
        """No more streams, and those that are open end: whoever listened asks another gateway."""
        self._ending = True
        for feed in self._feeds.values():
            for listener in tuple(feed.listeners):
                listener.end("shutdown")

    async def _begin(self) -> Consumer | None:
        try:
            await self._broker.declare(core_topology())
            return await self._broker.consume(self._queue, self._hear, prefetch=_PREFETCH, exclusive_copies_of=EVENTS)
        except BrokerError as error:
            _log.info("events_not_heard", reason=str(error))
            await asyncio.sleep(_RETRY_SECONDS)
            return None

    async def _hear(self, delivery: Delivery) -> None:
        try:
            news = read_news(delivery.body, delivery.type)
        except UnreadableMessage as error:
            _log.warning("news_unreadable", error=str(error))
            await delivery.reject(requeue=False)
            return
        told = set(news.organizations)
        for organization_id, feed in self._feeds.items():
            if organization_id in told or feed.watches(news.checks):
                feed.wake(news.checks)
        await delivery.ack()
