"""The broker seam without a broker: all services of one process share one object, under the same contract tests.

It routes, limits, redelivers and dead-letters by the same policies as RabbitMQ; it merely does not survive its
process. The bytes are the same as on the wire, so nothing works here that would not work there.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import structlog

from shared.broker.definitions import QueuePolicy, queue_policies
from shared.broker.in_process_queue import InProcessConsumer, InProcessQueue, Stored
from shared.broker.seam import (
    PUBLISH_TIMEOUT_SECONDS,
    BrokerUnavailable,
    Consumer,
    Handler,
    OutgoingMessage,
    PublishOutcome,
    QueueLength,
    QueueMissing,
    TopologyConflict,
)
from shared.broker.topology import Binding, Exchange, ExchangeKind, Topology

_log = structlog.get_logger()


def topic_matches(pattern: str, key: str) -> bool:
    """AMQP's topic rule: `*` stands for one word of a key, `#` for any number of them."""
    return _words_match(pattern.split("."), key.split("."))


class InProcessBroker:
    """RabbitMQ's twin for standalone and tests. Everybody opens it; the last one to close it ends it."""

    def __init__(self, policies: Sequence[QueuePolicy] | None = None) -> None:
        """`policies`: ours as shipped unless given (smaller limits, in tests)."""
        self._policies = sorted(queue_policies() if policies is None else policies, key=lambda policy: -policy.priority)
        self._opened = 0
        self._exchanges: dict[str, Exchange] = {}
        self._queues: dict[str, InProcessQueue] = {}
        self._bindings: dict[str, dict[Binding, None]] = {}
        self._consumers: list[InProcessConsumer] = []
        self._awaiting_queue: dict[InProcessConsumer, str] = {}
        self._exclusive: dict[InProcessConsumer, str] = {}

    async def open(self, *, timeout_seconds: float | None = None) -> None:
        """There at once."""
        self._opened += 1

    async def declare(self, topology: Topology) -> None:
        """As the seam says."""
        self._require_open()
        for exchange in topology.exchanges:
            existing = self._exchanges.setdefault(exchange.name, exchange)
            if existing != exchange:
                raise TopologyConflict(f"the exchange {exchange.name} is {existing.kind}, not {exchange.kind}")
        for queue in topology.queues:
            self._make_queue(queue.name)
        for binding in topology.bindings:
            self._bind(binding)

    async def publish(
        self, messages: Sequence[OutgoingMessage], *, timeout_seconds: float = PUBLISH_TIMEOUT_SECONDS
    ) -> list[PublishOutcome]:
        """As the seam says."""
        self._require_open()
        outcomes = [self._route(message.exchange, message) for message in messages]
        await asyncio.sleep(0)  # a publisher in a loop leaves handlers their turn, as the network would
        return outcomes

    async def consume(
        self,
        queue: str,
        handler: Handler,
        *,
        prefetch: int,
        wait_for_queue: bool = False,
        exclusive_reply: bool = False,
        exclusive_copies_of: str | None = None,
    ) -> Consumer:
        """As the seam says."""
        self._require_open()
        exclusive = exclusive_reply or exclusive_copies_of is not None
        if not (wait_for_queue or exclusive or queue in self._queues):
            raise QueueMissing(f"nobody has declared the queue {queue}")
        consumer = InProcessConsumer(
            handler, queue_name=queue, prefetch=prefetch, left=self._left, expects=self._bind, no_more=self._unbind
        )
        self._consumers.append(consumer)
        if exclusive:
            self._make_queue(queue)
            self._exclusive[consumer] = queue
        if exclusive_copies_of is not None:
            self._bind(Binding(exclusive_copies_of, queue, ""))
        if queue in self._queues:
            consumer.attach(self._queues[queue])
        else:
            _log.info("waiting_for_queue", queue=queue)
            self._awaiting_queue[consumer] = queue
        return consumer

    async def lengths(self, queues: Sequence[str]) -> list[QueueLength]:
        """As the seam says."""
        self._require_open()
        return [self._queues[name].length for name in queues if name in self._queues]

    async def healthy(self) -> bool:
        """Whether anybody has it open."""
        return self._opened > 0

    async def close(self) -> None:
        """One user less; with the last one everything in it is gone."""
        self._opened = max(0, self._opened - 1)
        if self._opened:
            return
        await asyncio.gather(*(consumer.close() for consumer in self._consumers))
        self._consumers.clear()
        self._exchanges.clear()
        self._queues.clear()
        self._bindings.clear()

    def _require_open(self) -> None:
        if not self._opened:
            raise BrokerUnavailable("the in-process broker is closed")

    def _make_queue(self, name: str) -> None:
        if name in self._queues:
            return
        policy = next((policy for policy in self._policies if policy.covers(name)), None)
        queue = InProcessQueue(name, policy, dead_letter=partial(self._dead_letter, name))
        self._queues[name] = queue
        for consumer in [waiting for waiting, wanted in self._awaiting_queue.items() if wanted == name]:
            del self._awaiting_queue[consumer]
            consumer.attach(queue)

    def _bind(self, binding: Binding) -> None:
        if binding.exchange not in self._exchanges or binding.queue not in self._queues:
            raise TopologyConflict(f"cannot bind {binding.queue} to {binding.exchange}: declare both first")
        self._bindings.setdefault(binding.exchange, {})[binding] = None

    def _unbind(self, binding: Binding) -> None:
        self._bindings.get(binding.exchange, {}).pop(binding, None)

    def _route(self, exchange_name: str, message: OutgoingMessage) -> PublishOutcome:
        exchange = self._exchanges.get(exchange_name)
        if exchange is None:
            raise BrokerUnavailable(f"nobody has declared the exchange {exchange_name}")
        bound = self._bindings.get(exchange_name, {})
        # A set of names: bound twice is still delivered once.
        names = {b.queue for b in bound if _binding_matches(exchange.kind, b.key, message.routing_key)}
        if not names:
            return PublishOutcome.UNROUTABLE
        taken = [self._queues[name].offer(message) for name in names]
        return PublishOutcome.CONFIRMED if all(taken) else PublishOutcome.REFUSED

    def _dead_letter(self, queue_name: str, exchange: str, reason: str, stored: Stored) -> None:
        headers = {  # as RabbitMQ has them
            **stored.message.headers,
            "x-first-death-queue": queue_name,
            "x-first-death-reason": reason,
            "x-first-death-exchange": stored.message.exchange,
        }
        letter = replace(stored.message, headers=headers)
        if exchange not in self._exchanges or self._route(exchange, letter) is PublishOutcome.UNROUTABLE:
            _log.error("dead_letter_lost", exchange=exchange, message_id=letter.message_id)

    def _left(self, consumer: InProcessConsumer) -> None:
        self._awaiting_queue.pop(consumer, None)
        exclusive = self._exclusive.pop(consumer, None)
        if exclusive is not None:
            del self._queues[exclusive]
            for binding in [each for bound in self._bindings.values() for each in bound if each.queue == exclusive]:
                self._unbind(binding)


def _binding_matches(kind: ExchangeKind, binding_key: str, key: str) -> bool:
    match kind:
        case ExchangeKind.FANOUT:
            return True
        case ExchangeKind.DIRECT:
            return binding_key == key
        case ExchangeKind.TOPIC:
            return topic_matches(binding_key, key)


def _words_match(pattern: list[str], words: list[str]) -> bool:
    if not pattern:
        return not words
    if pattern[0] == "#":
        return any(_words_match(pattern[1:], words[skipped:]) for skipped in range(len(words) + 1))
    return bool(words) and pattern[0] in ("*", words[0]) and _words_match(pattern[1:], words[1:])
