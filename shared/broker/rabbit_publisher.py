"""Publishing to RabbitMQ with confirms: every message of a call at once, one answer each.

A message that is returned or refused is an outcome; a missing answer is `BrokerUnavailable`, whatever the cause.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange, DeliveryMode
from aio_pika.exceptions import DeliveryError, PublishError

from shared.broker.rabbit_connection import LOST, KeptConnection, cancelled_as_lost, close_quietly, in_words
from shared.broker.seam import BrokerUnavailable, OutgoingMessage, PublishOutcome


@dataclass(slots=True)
class _Confirming:
    connection: AbstractConnection
    channel: AbstractChannel
    exchanges: dict[str, AbstractExchange] = field(default_factory=dict)

    async def exchange(self, name: str) -> AbstractExchange:
        if name not in self.exchanges:
            self.exchanges[name] = await self.channel.get_exchange(name, ensure=False)
        return self.exchanges[name]


class RabbitPublisher:
    """One confirming channel on a connection of its own, made again when it is lost."""

    def __init__(self, connection: KeptConnection, *, service: str, redeclare: Callable[[], Awaitable[None]]) -> None:
        """`redeclare` makes our exchanges again; one that is missing costs the channel."""
        self._kept = connection
        self._service = service
        self._redeclare = redeclare
        self._opening = asyncio.Lock()
        self._open: _Confirming | None = None

    async def publish(self, messages: Sequence[OutgoingMessage], *, timeout_seconds: float) -> list[PublishOutcome]:
        """As the seam says."""
        if not messages:
            return []
        try:
            async with asyncio.timeout(timeout_seconds):
                with cancelled_as_lost("the connection was given up"):
                    confirming = await self._confirming()
                # One task each: confirms come in bulk, waiting for one after the other would take a round trip each.
                answers = await asyncio.gather(
                    *(self._publish_one(confirming, message) for message in messages), return_exceptions=True
                )
        except TimeoutError:
            raise BrokerUnavailable(self._silence(timeout_seconds)) from None
        except LOST as error:
            raise BrokerUnavailable(f"the channel to RabbitMQ was lost: {in_words(error)}") from error
        outcomes = []
        for answer in answers:
            if isinstance(answer, BaseException):
                raise BrokerUnavailable(f"RabbitMQ did not confirm: {in_words(answer)}") from answer
            outcomes.append(answer)
        return outcomes

    async def close(self) -> None:
        """Close the channel; publishes under way fail."""
        open_one, self._open = self._open, None
        if open_one is not None:
            await close_quietly(open_one.channel)

    async def _publish_one(self, confirming: _Confirming, message: OutgoingMessage) -> PublishOutcome:
        exchange = await confirming.exchange(message.exchange)
        try:
            await exchange.publish(self._wire_form(message), message.routing_key, mandatory=True)
        except PublishError:
            return PublishOutcome.UNROUTABLE
        except DeliveryError:
            return PublishOutcome.REFUSED
        return PublishOutcome.CONFIRMED

    def _wire_form(self, message: OutgoingMessage) -> aio_pika.Message:
        return aio_pika.Message(
            message.body,
            headers=dict(message.headers),
            content_type="application/json",
            delivery_mode=DeliveryMode.PERSISTENT,
            type=message.type,
            app_id=self._service,
            message_id=message.message_id,
            correlation_id=message.correlation_id,
            timestamp=datetime.now(UTC),
        )

    async def _confirming(self) -> _Confirming:
        # Waiting here under an alarm keeps messages out of buffers from which they would be sent much later.
        connection = await self._kept.until_writable()
        async with self._opening:
            open_one = self._open
            if open_one is not None and open_one.connection is connection:
                if not open_one.channel.is_closed:
                    return open_one
                # The connection lives and the channel died: somebody deleted an exchange, most likely.
                await self._redeclare()
            channel = connection.channel(publisher_confirms=True, on_return_raises=True)
            await channel.initialize()
            self._open = _Confirming(connection, channel)
            return self._open

    def _silence(self, timeout_seconds: float) -> str:
        waited = f"{timeout_seconds:g} s"
        if not self._kept.is_up:
            return f"no connection to RabbitMQ at {self._kept.broker} within {waited} ({self._kept.last_error})"
        return (
            f"RabbitMQ at {self._kept.broker} confirmed nothing within {waited}; "
            "it may be overloaded or hold publishers back (memory or disk alarm)"
        )
