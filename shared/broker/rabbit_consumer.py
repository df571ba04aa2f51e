"""Consuming from RabbitMQ: deliveries to a handler, through outages, deleted queues and queues not there yet.

Each consumer has a channel of its own, so that its prefetch and its faults concern nobody else. Handlers run in
tasks of ours: aio-pika's would be cancelled with the channel, in the middle of a login perhaps.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import structlog
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import ChannelNotFoundEntity

from shared.broker.handling import handle
from shared.broker.rabbit_connection import LOST, KeptConnection, cancelled_as_lost, close_quietly, in_words
from shared.broker.seam import BrokerUnavailable, Handler, QueueMissing
from shared.broker.topology import REPLIES

_SETUP_TIMEOUT_SECONDS = 10.0
_FIRST_START_TIMEOUT_SECONDS = 30.0
_SETTLE_TIMEOUT_SECONDS = 5.0
_DRAIN_TIMEOUT_SECONDS = 5.0
_RETRY_SECONDS = 1.0

_log = structlog.get_logger()


class Held:
    """What was delivered on one channel and is not settled yet."""

    __slots__ = ("unsettled",)

    def __init__(self) -> None:
        self.unsettled = 0


class RabbitDelivery:
    """One message, until settled."""

    __slots__ = ("_held", "_message", "_settled")

    def __init__(self, message: AbstractIncomingMessage, held: Held) -> None:
        self._message = message
        self._held = held
        self._settled = False
        held.unsettled += 1

    @property
    def body(self) -> bytes:
        return self._message.body

    @property
    def type(self) -> str:
        return self._message.type or ""

    @property
    def routing_key(self) -> str:
        return self._message.routing_key or ""

    @property
    def headers(self) -> Mapping[str, Any]:
        return self._message.headers

    @property
    def message_id(self) -> str | None:
        return self._message.message_id

    @property
    def correlation_id(self) -> str | None:
        return self._message.correlation_id

    @property
    def redelivered(self) -> bool:
        return bool(self._message.redelivered)

    async def ack(self) -> None:
        await self._settle(requeue=None)

    async def reject(self, *, requeue: bool) -> None:
        await self._settle(requeue=requeue)

    async def _settle(self, *, requeue: bool | None) -> None:
        tag = self._message.delivery_tag
        if self._settled or tag is None:
            return
        self._settled = True
        self._held.unsettled -= 1
        try:
            channel = self._message.channel
            async with asyncio.timeout(_SETTLE_TIMEOUT_SECONDS):
                # Not waiting for the socket: what is not settled in time comes again, and is known by its id.
                if requeue is None:
                    await channel.basic_ack(tag, wait=False)
                else:
                    await channel.basic_reject(tag, requeue=requeue, wait=False)
        except LOST:
            _log.info("delivery_taken_back", message_id=self.message_id, routing_key=self.routing_key)


class RabbitConsumer:
    """One queue's deliveries to one handler."""

    def __init__(
        self,
        connection: KeptConnection,
        queue: str,
        handler: Handler,
        *,
        prefetch: int,
        tag: str,
        exclusive_reply: bool,
        redeclare: Callable[[], Awaitable[None]],
        exclusive_copies_of: str | None = None,
    ) -> None:
        """`redeclare` makes our queues again, where this one was there and is not any more."""
        self._kept = connection
        self._redeclare = redeclare
        self._queue_name = queue
        self._handler = handler
        self._prefetch = prefetch
        self._tag = tag
        self._exclusive_reply = exclusive_reply
        self._exclusive_copies_of = exclusive_copies_of
        self._expected: dict[str, None] = {}
        self._replies: AbstractQueue | None = None
        # Deliveries of a lost connection may still be worked on when new ones arrive.
        self._places = asyncio.Semaphore(prefetch)
        self._handling: set[asyncio.Task[None]] = set()
        self._consuming = False
        self._held = Held()
        self._deliveries = 0
        self._lost = asyncio.Event()
        self._draining = asyncio.Event()
        self._drained = asyncio.Event()
        self._closing = False
        self._started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None

    async def start(self, *, wait_for_queue: bool) -> None:
        """Begin; unless waiting for the queue, return when deliveries flow."""
        self._task = asyncio.create_task(self._keep(wait_for_queue), name=f"consume {self._queue_name}")
        if wait_for_queue:
            return
        try:
            async with asyncio.timeout(_FIRST_START_TIMEOUT_SECONDS):
                await asyncio.shield(self._started)
        except TimeoutError:
            await self.close()
            raise BrokerUnavailable(
                f"could not consume {self._queue_name} within {_FIRST_START_TIMEOUT_SECONDS:g} s "
                f"({self._kept.last_error})"
            ) from None
        except BaseException:
            await self.close()
            raise

    async def expect(self, key: str) -> None:
        """As the seam says."""
        queue = self._replies
        if queue is None:
            raise BrokerUnavailable(
                f"the queue {self._queue_name} is not there at the moment ({self._kept.last_error})"
            )
        self._expected[key] = None
        try:
            async with asyncio.timeout(_SETTLE_TIMEOUT_SECONDS):
                with cancelled_as_lost("the connection was given up"):
                    await queue.bind(REPLIES, key)
        except LOST as error:
            self._expected.pop(key, None)
            raise BrokerUnavailable(f"could not bind {self._queue_name}: {in_words(error)}") from error

    async def expect_no_more(self, key: str) -> None:
        """As the seam says."""
        self._expected.pop(key, None)
        queue = self._replies
        if queue is None:
            return
        with contextlib.suppress(*LOST):
            async with asyncio.timeout(_SETTLE_TIMEOUT_SECONDS):
                with cancelled_as_lost("the connection was given up"):
                    await queue.unbind(REPLIES, key)

    @property
    def queue(self) -> str:
        return self._queue_name

    @property
    def watched(self) -> bool:
        """Whether messages ready in its queue should come to it: others' queues of their own are theirs to look at."""
        shared = not self._exclusive_reply and self._exclusive_copies_of is None
        return shared and self._consuming and not self._draining.is_set()

    @property
    def deliveries(self) -> int:
        """How many there were so far."""
        return self._deliveries

    @property
    def has_room(self) -> bool:
        """Whether the broker may hand it one more."""
        return self._held.unsettled < self._prefetch

    def begin_anew(self) -> None:
        """Give the channel up and consume on a new one; what is unsettled comes again."""
        self._lost.set()

    async def drain(self) -> None:
        """As the seam says."""
        self._draining.set()
        if self._task is None or self._task.done():
            return
        if not self._consuming:
            self._task.cancel()
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_TIMEOUT_SECONDS):
                await self._drained.wait()

    async def close(self) -> None:
        """As the seam says."""
        self._closing = True
        self._draining.set()
        ending: list[asyncio.Task[None]] = [*self._handling, *([self._task] if self._task is not None else [])]
        for task in ending:
            task.cancel()
        if ending:
            await asyncio.wait(ending, timeout=_DRAIN_TIMEOUT_SECONDS)
        if self._started.done() and not self._started.cancelled():
            self._started.exception()

    async def _keep(self, wait_for_queue: bool) -> None:
        last_reason = ""
        while not self._draining.is_set():
            was_running = self._started.done()
            try:
                await self._consume_until_lost()
                last_reason = ""
            except ChannelNotFoundEntity:
                if not was_running and not wait_for_queue:
                    self._started.set_exception(QueueMissing(f"nobody has declared the queue {self._queue_name}"))
                    return
                reason = "nobody has declared it yet"
                await self._declare_again()
            except LOST as error:
                reason = in_words(error)
            except asyncio.CancelledError:
                # The loss of a connection cancels what waits on it; only our own cancellation counts.
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                reason = "the connection was lost"
            else:
                reason = "the consumer was cancelled or its channel closed"
            if not self._draining.is_set():
                if reason != last_reason:
                    last_reason = reason
                    _log.warning("waiting_for_queue", queue=self._queue_name, reason=reason)
                await asyncio.sleep(_RETRY_SECONDS)

    async def _declare_again(self) -> None:
        with contextlib.suppress(*LOST, BrokerUnavailable):
            async with asyncio.timeout(_SETUP_TIMEOUT_SECONDS):
                await self._redeclare()

    async def _consume_until_lost(self) -> None:
        connection = await self._kept.current()
        channel = connection.channel(publisher_confirms=False)
        lost = self._lost = asyncio.Event()
        held = self._held = Held()
        channel.close_callbacks.add(lambda *_: lost.set())
        try:
            async with asyncio.timeout(_SETUP_TIMEOUT_SECONDS):
                await channel.initialize()
                await channel.set_qos(prefetch_count=self._prefetch)
                queue = await self._queue(channel)
                (await channel.get_underlay_channel()).on_consumer_cancel_callbacks.add(lambda _: lost.set())
                await queue.consume(partial(self._on_message, held), consumer_tag=self._tag)
            self._consuming = True
            if not self._started.done():
                self._started.set_result(None)
            _log.info("consuming", queue=self._queue_name, prefetch=self._prefetch)
            await self._until_lost_or_draining(lost)
            if self._draining.is_set() and not lost.is_set():
                async with asyncio.timeout(_DRAIN_TIMEOUT_SECONDS):
                    await queue.cancel(self._tag)
                self._drained.set()
                await lost.wait()  # the channel stays open: on it alone can its deliveries be settled
        finally:
            self._consuming = False
            self._replies = None
            self._drained.set()
            if channel.is_initialized:
                await close_quietly(channel)

    async def _queue(self, channel: AbstractChannel) -> AbstractQueue:
        if self._exclusive_copies_of is not None:
            copies = await channel.declare_queue(self._queue_name, exclusive=True, auto_delete=True)
            await copies.bind(self._exclusive_copies_of)
            return copies
        if not self._exclusive_reply:
            return await channel.declare_queue(self._queue_name, passive=True)
        queue = await channel.declare_queue(self._queue_name, exclusive=True, auto_delete=True)
        for key in tuple(self._expected):
            await queue.bind(REPLIES, key)
        self._replies = queue
        return queue

    async def _until_lost_or_draining(self, lost: asyncio.Event) -> None:
        waiting = [asyncio.create_task(lost.wait()), asyncio.create_task(self._draining.wait())]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()

    async def _on_message(self, held: Held, message: AbstractIncomingMessage) -> None:
        self._deliveries += 1
        task = asyncio.create_task(self._handle(RabbitDelivery(message, held)), name=f"handle {self._queue_name}")
        self._handling.add(task)
        task.add_done_callback(self._handling.discard)

    async def _handle(self, delivery: RabbitDelivery) -> None:
        async with self._places:
            await handle(self._handler, delivery, queue=self._queue_name, is_closing=lambda: self._closing)
