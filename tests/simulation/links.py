"""Each process's way to the one broker: messages lost before they arrive, confirms lost after, sent twice, let fall,
held up so that others overtake; connections lost, with what was in hand delivered again.

The broker itself is the in-process one, as shipped. What is let fall after it was confirmed are checks and answers of
workers alone: of the rest a broker that keeps its word loses nothing, and no promise would survive it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from shared.broker.in_process import InProcessBroker
from shared.broker.seam import (
    PUBLISH_TIMEOUT_SECONDS,
    BrokerUnavailable,
    Consumer,
    Delivery,
    Handler,
    OutgoingMessage,
    PublishOutcome,
)
from shared.broker.topology import Topology
from shared.checks.messages import JOBS_TYPE, RESULTS_TYPE
from tests.simulation.processes import Process

_HELD_UP_SECONDS = 8.0


class Watches(Protocol):
    """Whoever looks at what passes."""

    def confirmed(self, process: str, message: OutgoingMessage) -> None: ...

    def acknowledged(self, process: str, delivery: Delivery) -> None: ...

    def given_up(self, process: str, delivery: Delivery) -> None: ...


class _LinkDelivery:
    """A delivery that may have been taken back meanwhile."""

    def __init__(self, link: "BrokerLink", delivery: Delivery) -> None:
        self._link = link
        self._delivery = delivery
        self.lost = False

    @property
    def body(self) -> bytes:
        return self._delivery.body

    @property
    def type(self) -> str:
        return self._delivery.type

    @property
    def routing_key(self) -> str:
        return self._delivery.routing_key

    @property
    def headers(self) -> Mapping[str, Any]:
        return {**self._delivery.headers, "x-delivery-count": self._delivery.stored.returns}  # type: ignore[attr-defined]

    @property
    def message_id(self) -> str | None:
        return self._delivery.message_id

    @property
    def correlation_id(self) -> str | None:
        return self._delivery.correlation_id

    @property
    def redelivered(self) -> bool:
        return self._delivery.redelivered

    async def ack(self) -> None:
        await self._link.process.step()
        if not self.lost:
            self._link.watch.acknowledged(self._link.process.name, self)
            self._link.settled(self)
            await self._delivery.ack()
        await self._link.process.step()

    async def reject(self, *, requeue: bool) -> None:
        await self._link.process.step()
        if not self.lost:
            if not requeue:
                self._link.watch.given_up(self._link.process.name, self)
            self._link.settled(self)
            await self._delivery.reject(requeue=requeue)

    async def take_back(self) -> None:
        self.lost = True
        await self._delivery.reject(requeue=True)


class BrokerLink:
    """The seam, for one process. `away`: the broker answers nobody on it."""

    def __init__(self, broker: InProcessBroker, process: Process, watch: Watches) -> None:
        self.process = process
        self.watch = watch
        self.away = False
        self._broker = broker
        self._chance = process.chance
        self._consumers: list[Consumer] = []
        self._in_hand: dict[int, _LinkDelivery] = {}
        self._ending: set[asyncio.Task[None]] = set()
        process.link = self

    async def open(self, *, timeout_seconds: float | None = None) -> None:
        return None

    async def declare(self, topology: Topology) -> None:
        await self._reach()
        await self._broker.declare(topology)

    async def healthy(self) -> bool:
        await self.process.step()
        return not self.away

    async def publish(
        self, messages: Sequence[OutgoingMessage], *, timeout_seconds: float = PUBLISH_TIMEOUT_SECONDS
    ) -> list[PublishOutcome]:
        await self._reach(timeout_seconds)
        rates = self._chance.rates
        if not rates.now:
            outcomes = await self._broker.publish(messages)
        else:
            await self._chance.delay(rates.delayed, timeout_seconds / 2)
            await self.process.step()
            if self._chance.strikes(rates.publish_lost):
                arrived = messages[: self._chance.random.randrange(len(messages) + 1)]
                if arrived:
                    await self._broker.publish(arrived)
                raise BrokerUnavailable("the connection was lost before all was confirmed")
            outcomes = [await self._publish_one(message) for message in messages]
            await self.process.step()
            if self._chance.strikes(rates.confirm_lost):
                raise BrokerUnavailable("the connection was lost, and the confirms with it")
        for message, outcome in zip(messages, outcomes, strict=True):
            if outcome is PublishOutcome.CONFIRMED:
                self.watch.confirmed(self.process.name, message)
        return outcomes

    async def _publish_one(self, message: OutgoingMessage) -> PublishOutcome:
        rates = self._chance.rates
        from_worker = message.type == RESULTS_TYPE and self.process.name.startswith("worker")
        if message.type == JOBS_TYPE and self._chance.strikes(rates.refused):
            return PublishOutcome.REFUSED
        if (message.type == JOBS_TYPE or from_worker) and self._chance.strikes(rates.dropped):
            return PublishOutcome.CONFIRMED
        # A broker doubles nothing by itself: it is whoever publishes that repeats. Jobs are repeated by their own ways.
        if message.type != JOBS_TYPE and self._chance.strikes(rates.duplicated):
            await self._broker.publish([message])
        (outcome,) = await self._broker.publish([message])
        return outcome

    async def consume(self, queue: str, handler: Handler, *, prefetch: int, **more: Any) -> Consumer:
        await self._reach()

        async def handled(delivery: Delivery) -> None:
            ours = _LinkDelivery(self, delivery)
            self._in_hand[id(ours)] = ours
            await self._chance.delay(self._chance.rates.delayed, _HELD_UP_SECONDS)
            await self.process.step()
            await handler(ours)

        consumer = await self._broker.consume(queue, handled, prefetch=prefetch, **more)
        self._consumers.append(consumer)
        return consumer

    def settled(self, delivery: _LinkDelivery) -> None:
        self._in_hand.pop(id(delivery), None)

    def lose(self) -> None:
        """The connection is lost and soon there again: what was in hand is delivered again, to whomever."""
        in_hand, self._in_hand = self._in_hand, {}
        for delivery in in_hand.values():
            delivery.lost = True
            self._soon(delivery.take_back())

    def die(self) -> None:
        """The process is gone, and with it its consumers."""
        self._in_hand.clear()
        for consumer in self._consumers:
            self._soon(consumer.close())
        self._consumers.clear()

    def _soon(self, ending: Any) -> None:
        task = asyncio.ensure_future(ending)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        self.die()

    async def _reach(self, timeout_seconds: float = PUBLISH_TIMEOUT_SECONDS) -> None:
        await self.process.step()
        if self.away:
            await asyncio.sleep(timeout_seconds)
            raise BrokerUnavailable("the broker does not answer")
