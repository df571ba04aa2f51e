"""Answers to checks that somebody waits for: this gateway's own reply queue, and who waits for which check.

The queue is exclusive to the connection, so an answer that comes after its gateway has gone is unroutable, not kept.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from uuid import UUID

import structlog

from shared.broker.envelope import UnreadableMessage, read_results
from shared.broker.seam import Broker, BrokerError, Consumer, Delivery
from shared.broker.topology import core_topology, reply_queue
from shared.checks.messages import CheckResult, MissedSlots

MOST_WAITING = 500
_PREFETCH = 50
_RETRY_SECONDS = 1.0
_MOMENTS_SECONDS = 3.0

_log = structlog.get_logger()

Reply = CheckResult | MissedSlots


class TooManyWaiting(Exception):
    """As many checks are waited for as this gateway allows at once."""


class Replies:
    """Hands each answer to whoever waits for it; answers nobody waits for any more are dropped."""

    def __init__(self, broker: Broker, instance: str) -> None:
        self._broker = broker
        self._key = reply_queue(instance)
        self._waiting: dict[UUID, asyncio.Future[Reply]] = {}
        self._consumer: Consumer | None = None
        self._listening = asyncio.Event()

    async def address(self) -> str | None:
        """The `reply_to` answers reach us by; None where the queue is not there and does not come within moments."""
        try:
            async with asyncio.timeout(_MOMENTS_SECONDS):
                await self._listening.wait()
        except TimeoutError:
            return None
        return self._key

    async def run(self) -> None:
        """Listen until cancelled, beginning as soon as the broker lets us."""
        try:
            while self._consumer is None:
                await self._begin()
            await asyncio.Event().wait()
        finally:
            self._listening.clear()
            if self._consumer is not None:
                with contextlib.suppress(BrokerError, TimeoutError):
                    async with asyncio.timeout(5):
                        await self._consumer.close()
                self._consumer = None

    @contextlib.contextmanager
    def expected(self, check_id: UUID) -> Iterator[asyncio.Future[Reply]]:
        """A future that the answer to this check sets; raises TooManyWaiting."""
        if len(self._waiting) >= MOST_WAITING:
            raise TooManyWaiting
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[check_id] = future
        try:
            yield future
        finally:
            del self._waiting[check_id]
            future.cancel()

    async def _begin(self) -> None:
        try:
            await self._broker.declare(core_topology())
            self._consumer = await self._broker.consume(
                self._key, self._deliver, prefetch=_PREFETCH, exclusive_reply=True
            )
            self._listening.set()
        except BrokerError as error:
            _log.warning("reply_queue_not_ready", error=str(error))
            await asyncio.sleep(_RETRY_SECONDS)

    async def _deliver(self, delivery: Delivery) -> None:
        try:
            batch = read_results(delivery.body, delivery.type)
        except UnreadableMessage as error:
            _log.warning("reply_unreadable", error=str(error))
            await delivery.reject(requeue=False)
            return
        for reply in batch.results:
            future = self._waiting.get(reply.check_id) if reply.check_id is not None else None
            if future is not None and not future.done():
                future.set_result(reply)
        await delivery.ack()
