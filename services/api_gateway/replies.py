"""Answers to checks that somebody waits for: this gateway's own reply queue, and who waits for which check.

The queue is exclusive to the connection, so an answer that comes after its gateway has gone is unroutable, not kept.
Each question has an address of its own, which cannot be guessed and is good until its answer: whoever was not asked
can put nothing into the queue, and whoever was can do so as long as somebody waits.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from uuid import UUID

import structlog

from shared.broker.envelope import UnreadableMessage, read_results
from shared.broker.seam import Broker, BrokerError, BrokerUnavailable, Consumer, Delivery
from shared.broker.topology import core_topology, reply_key, reply_queue
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
        self._queue = reply_queue(instance)
        self._waiting: dict[UUID, asyncio.Future[Reply]] = {}
        self._consumer: Consumer | None = None
        self._listening = asyncio.Event()

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

    @contextlib.asynccontextmanager
    async def expected(self, check_id: UUID) -> AsyncIterator[tuple[str, asyncio.Future[Reply]]]:
        """The `reply_to` of this check, and a future that its answer sets.

        Raises:
            TooManyWaiting.
            BrokerUnavailable: the queue is not there, and does not come within moments.
        """
        if len(self._waiting) >= MOST_WAITING:
            raise TooManyWaiting
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[check_id] = future
        try:
            consumer = await self._listener()
            address = reply_key(self._queue, secrets.token_hex(16))
            await consumer.expect(address)
            try:
                yield address, future
            finally:
                await consumer.expect_no_more(address)
        finally:
            del self._waiting[check_id]
            future.cancel()

    async def _listener(self) -> Consumer:
        try:
            async with asyncio.timeout(_MOMENTS_SECONDS):
                await self._listening.wait()
        except TimeoutError:
            raise BrokerUnavailable("the queue of answers is not there") from None
        if self._consumer is None:
            raise BrokerUnavailable("this gateway is about to end")
        return self._consumer

    async def _begin(self) -> None:
        try:
            await self._broker.declare(core_topology())
            self._consumer = await self._broker.consume(
                self._queue, self._deliver, prefetch=_PREFETCH, exclusive_reply=True
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
