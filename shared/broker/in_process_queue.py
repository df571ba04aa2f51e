"""One queue of the in-process broker: what waits, who consumes, and what its policy does.

Follows RabbitMQ's quorum queues where a service could notice a difference: returned messages come first and are
flagged, returns are counted against the delivery limit, only waiting messages count as length. Where a message goes
from here (dead letters) is left to the broker.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from shared.broker.definitions import QueuePolicy
from shared.broker.handling import handle
from shared.broker.seam import Handler, OutgoingMessage, QueueLength
from shared.broker.topology import REPLIES, Binding

_CLOSE_TIMEOUT_SECONDS = 5.0

_log = structlog.get_logger()


@dataclass(slots=True)
class Stored:
    """A message in a queue."""

    message: OutgoingMessage
    stored_at: float
    returns: int = 0


class InProcessDelivery:
    """One message handed out, until settled."""

    __slots__ = ("_consumer", "stored")

    def __init__(self, consumer: "InProcessConsumer", stored: Stored) -> None:
        self._consumer = consumer
        self.stored = stored

    @property
    def body(self) -> bytes:
        return self.stored.message.body

    @property
    def type(self) -> str:
        return self.stored.message.type

    @property
    def routing_key(self) -> str:
        return self.stored.message.routing_key

    @property
    def headers(self) -> Mapping[str, Any]:
        return self.stored.message.headers

    @property
    def message_id(self) -> str | None:
        return self.stored.message.message_id

    @property
    def correlation_id(self) -> str | None:
        return self.stored.message.correlation_id

    @property
    def redelivered(self) -> bool:
        return self.stored.returns > 0

    async def ack(self) -> None:
        self._consumer.settle(self, requeue=None)

    async def reject(self, *, requeue: bool) -> None:
        self._consumer.settle(self, requeue=requeue)


class InProcessQueue:
    """Messages waiting, and the consumers that share them in turn."""

    def __init__(
        self, name: str, policy: QueuePolicy | None, *, dead_letter: Callable[[str, str, Stored], None]
    ) -> None:
        """`dead_letter(exchange, reason, stored)` is told what the policy sends there."""
        self.name = name
        self._dead_letter = dead_letter
        self._waiting: deque[Stored] = deque()
        self._waiting_bytes = 0
        self._consumers: deque[InProcessConsumer] = deque()
        limit = policy.limit if policy is not None else lambda _: None
        self._delivery_limit = limit("delivery-limit")
        self._max_length = limit("max-length")
        self._max_bytes = limit("max-length-bytes")
        self._ttl_ms = limit("message-ttl")
        definition = policy.definition if policy is not None else {}
        self._refuses_when_full = definition.get("overflow") == "reject-publish"
        self._dead_letters_to = str(definition.get("dead-letter-exchange", ""))

    @property
    def has_consumers(self) -> bool:
        return bool(self._consumers)

    @property
    def length(self) -> QueueLength:
        """How long it is now; what a draining consumer still holds is told of no more."""
        held = sum(consumer.held for consumer in self._consumers)
        return QueueLength(self.name, len(self._waiting), held, len(self._consumers))

    def offer(self, message: OutgoingMessage) -> bool:
        """Take a published message; False where the queue is full and refuses."""
        if self._refuses_when_full and self._full(len(message.body)):
            return False
        self._waiting.append(Stored(message, stored_at=time.monotonic()))
        self._waiting_bytes += len(message.body)
        while self._over():
            self._drop(self._pop(), "maxlen")
        self.dispatch()
        return True

    def attach(self, consumer: "InProcessConsumer") -> None:
        """Share messages with this consumer too."""
        self._consumers.append(consumer)
        self.dispatch()

    def detach(self, consumer: "InProcessConsumer") -> None:
        """No more deliveries to it."""
        if consumer in self._consumers:
            self._consumers.remove(consumer)

    def take_back(self, returned: Iterable[Stored]) -> None:
        """Messages handed out and not done with: first in line again, in their order, or over the limit."""
        for stored in reversed(list(returned)):
            stored.returns += 1
            if self._delivery_limit is not None and stored.returns > self._delivery_limit:
                self._drop(stored, "delivery_limit")
            else:
                self._waiting.appendleft(stored)
                self._waiting_bytes += len(stored.message.body)
        self.dispatch()

    def give_up(self, stored: Stored) -> None:
        """A message its consumer cannot handle."""
        self._drop(stored, "rejected")

    def dispatch(self) -> None:
        """Hand out what waits to consumers with room, in turn."""
        while self._waiting and (consumer := self._next_with_room()) is not None:
            stored = self._pop()
            if self._expired(stored):
                self._drop(stored, "expired")
            else:
                consumer.hand(stored)

    def _next_with_room(self) -> "InProcessConsumer | None":
        for _ in range(len(self._consumers)):
            consumer = self._consumers[0]
            self._consumers.rotate(-1)
            if consumer.has_room:
                return consumer
        return None

    def _pop(self) -> Stored:
        stored = self._waiting.popleft()
        self._waiting_bytes -= len(stored.message.body)
        return stored

    def _drop(self, stored: Stored, reason: str) -> None:
        if self._dead_letters_to:
            self._dead_letter(self._dead_letters_to, reason, stored)
        elif reason == "rejected":
            _log.warning("message_dropped", queue=self.name, reason=reason, message_id=stored.message.message_id)

    def _expired(self, stored: Stored) -> bool:
        return self._ttl_ms is not None and (time.monotonic() - stored.stored_at) * 1000 > self._ttl_ms

    def _full(self, more_bytes: int) -> bool:
        too_many = self._max_length is not None and len(self._waiting) >= self._max_length
        return too_many or (self._max_bytes is not None and self._waiting_bytes + more_bytes > self._max_bytes)

    def _over(self) -> bool:
        too_many = self._max_length is not None and len(self._waiting) > self._max_length
        return too_many or (self._max_bytes is not None and self._waiting_bytes > self._max_bytes)


class InProcessConsumer:
    """Deliveries of one queue to one handler."""

    def __init__(
        self,
        handler: Handler,
        *,
        queue_name: str,
        prefetch: int,
        left: Callable[["InProcessConsumer"], None],
        expects: Callable[[Binding], None],
        no_more: Callable[[Binding], None],
    ) -> None:
        """`left` is called once, when it takes no more deliveries; the others bind, and unbind, its replies."""
        self._handler = handler
        self._queue_name = queue_name
        self._prefetch = prefetch
        self._left = left
        self._expects = expects
        self._no_more = no_more
        self._queue: InProcessQueue | None = None
        self._unsettled: dict[int, InProcessDelivery] = {}
        self._handling: set[asyncio.Task[None]] = set()
        self._draining = False
        self._closing = False

    @property
    def has_room(self) -> bool:
        return not self._draining and len(self._unsettled) < self._prefetch

    @property
    def held(self) -> int:
        """How many deliveries it has not settled."""
        return len(self._unsettled)

    def attach(self, queue: InProcessQueue) -> None:
        """Begin with this queue."""
        self._queue = queue
        queue.attach(self)

    def hand(self, stored: Stored) -> None:
        """Start the handler on a message."""
        delivery = InProcessDelivery(self, stored)
        self._unsettled[id(delivery)] = delivery
        task = asyncio.create_task(self._handle(delivery), name=f"handle {self._queue_name}")
        self._handling.add(task)
        task.add_done_callback(self._handling.discard)

    def settle(self, delivery: InProcessDelivery, *, requeue: bool | None) -> None:
        """Done with (None), back to the queue, or given up; a second time does nothing."""
        if self._unsettled.pop(id(delivery), None) is None or self._queue is None:
            return
        if requeue is False:
            self._queue.give_up(delivery.stored)
        if requeue:
            self._queue.take_back([delivery.stored])
        else:
            self._queue.dispatch()

    async def expect(self, key: str) -> None:
        """As the seam says."""
        self._expects(Binding(REPLIES, self._queue_name, key))

    async def expect_no_more(self, key: str) -> None:
        """As the seam says."""
        self._no_more(Binding(REPLIES, self._queue_name, key))

    async def drain(self) -> None:
        """As the seam says."""
        if not self._draining:
            self._draining = True
            if self._queue is not None:
                self._queue.detach(self)
            self._left(self)

    async def close(self) -> None:
        """As the seam says."""
        self._closing = True
        await self.drain()
        tasks = list(self._handling)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_CLOSE_TIMEOUT_SECONDS)
        unsettled, self._unsettled = self._unsettled, {}
        if self._queue is not None:
            self._queue.take_back(delivery.stored for delivery in unsettled.values())

    async def _handle(self, delivery: InProcessDelivery) -> None:
        await handle(self._handler, delivery, queue=self._queue_name, is_closing=lambda: self._closing)
