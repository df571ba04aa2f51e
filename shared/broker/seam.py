"""What a service may ask of a broker, whichever one it is: declare, publish with confirms, consume, drain.

Delivery is at least once: a reader meets a message again whenever its acknowledgement did not arrive, and has to know
what it has done already (by `check_id`). Where a queue's messages go when they cannot be handled is policy
(`definitions.json`), not code.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from shared.broker.topology import Topology

PUBLISH_TIMEOUT_SECONDS = 4.0
AFTER_FAILED_HANDLER_SECONDS = 1.0  # before its delivery is put back, so that a fault does not spin


class BrokerError(Exception):
    """The broker could not do what was asked."""


class BrokerUnavailable(BrokerError):
    """The broker did not answer in time, or the connection was lost: nothing is known about the messages."""


class QueueMissing(BrokerError):
    """Nobody has declared this queue."""


class TopologyConflict(BrokerError):
    """An exchange or queue of this name exists already, made in another way."""


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message to publish. `message_id` is unique: a returned message is told from others by it."""

    exchange: str
    routing_key: str
    body: bytes
    type: str
    message_id: str
    correlation_id: str | None = None
    headers: Mapping[str, str | int] = field(default_factory=dict)


class PublishOutcome(StrEnum):
    """What became of one published message, where the broker said so."""

    CONFIRMED = "confirmed"  # on disk in every queue it is meant for
    REFUSED = "refused"  # a queue it is meant for is full
    UNROUTABLE = "unroutable"  # no queue is bound for it


@dataclass(frozen=True, slots=True)
class QueueLength:
    """How long a queue is: `ready` wait for a consumer, `unacked` are with one; None: this broker does not say."""

    name: str
    ready: int
    unacked: int | None
    consumers: int


class Delivery(Protocol):
    """A message handed to a consumer, until it is acknowledged or rejected.

    Settling it a second time does nothing. Settling it after its connection was lost does nothing either: the
    broker has taken it back and delivers it again.
    """

    @property
    def body(self) -> bytes: ...
    @property
    def type(self) -> str: ...
    @property
    def routing_key(self) -> str: ...
    @property
    def headers(self) -> Mapping[str, Any]: ...
    @property
    def message_id(self) -> str | None: ...
    @property
    def correlation_id(self) -> str | None: ...

    @property
    def redelivered(self) -> bool:
        """Whether somebody may have begun with it before."""
        ...

    async def ack(self) -> None:
        """It is done with."""
        ...

    async def reject(self, *, requeue: bool) -> None:
        """Back to its queue (counting against the delivery limit), or to the dead letters."""
        ...


Handler = Callable[[Delivery], Awaitable[None]]
"""Settles its delivery, now or later. An exception escaping it is logged and puts the delivery back after a pause."""


class Consumer(Protocol):
    """Deliveries flowing from one queue to a handler, through outages, until drained or closed."""

    async def drain(self) -> None:
        """No new deliveries from now on; those handed out may still be settled."""
        ...

    async def expect(self, key: str) -> None:
        """Of a queue of replies: from now on, and until told otherwise, answers published with this key come here.

        Raises BrokerUnavailable.
        """
        ...

    async def expect_no_more(self, key: str) -> None:
        """Answers with this key find nobody any more. Where that cannot be said, it is known with the connection."""
        ...

    async def close(self) -> None:
        """As if this consumer had died: what it has not settled goes back to the queue; handlers are cancelled."""
        ...


class Broker(Protocol):
    """A broker, opened once per process."""

    async def open(self, *, timeout_seconds: float | None) -> None:
        """Wait until the broker answers, saying so; None waits without end. Raises BrokerUnavailable."""
        ...

    async def declare(self, topology: Topology) -> None:
        """Make what is not there yet; anything declared is made again where a broker comes back without it.

        Raises TopologyConflict, BrokerUnavailable.
        """
        ...

    async def publish(
        self, messages: Sequence[OutgoingMessage], *, timeout_seconds: float = PUBLISH_TIMEOUT_SECONDS
    ) -> list[PublishOutcome]:
        """Publish all of them at once and wait for every answer; one outcome each, in order.

        Raises BrokerUnavailable when any answer is missing: each message may or may not have been taken.
        """
        ...

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
        """Hand deliveries to the handler, each in a task of its own, at most `prefetch` of them unsettled.

        Args:
            wait_for_queue: return at once and begin when somebody has declared the queue.
            exclusive_reply: make the queue first, for this connection alone. On the replies exchange it gets what
                has a key that it expects, and nothing else; it is gone with the connection, and made again, with its
                keys, after an outage.
            exclusive_copies_of: make the queue first, likewise for this connection alone, bound to this fan-out
                exchange; what is published while it is not there is not kept.

        Raises QueueMissing (unless waiting for it), BrokerUnavailable.
        """
        ...

    async def lengths(self, queues: Sequence[str]) -> list[QueueLength]:
        """How long these are, in their order, without those that are not there. It takes no right to any of them.

        Raises BrokerUnavailable.
        """
        ...

    async def healthy(self) -> bool:
        """Whether messages would be taken now."""
        ...

    async def close(self) -> None:
        """Stop consuming and hang up; whatever is unsettled goes back to its queue."""
        ...
