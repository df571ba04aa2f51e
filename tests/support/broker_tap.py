"""Listens to everything that passes through our exchanges, without taking any of it away."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

import aio_pika

from shared.broker.topology import CHECKS, EVENTS, PRESENCE, REPLIES, RESULTS


class BrokerTap:
    """Copies of all messages published while it is entered, as text with their headers and properties.

    `reply_keys`: of the replies exchange, which is direct and has no key for everything.
    """

    def __init__(self, amqp_url: str, *, reply_keys: Sequence[str] = ()) -> None:
        self._amqp_url = amqp_url
        self._reply_keys = reply_keys
        self._heard: list[str] = []

    async def __aenter__(self) -> Self:
        self._connection = await aio_pika.connect(self._amqp_url)
        channel = await self._connection.channel()
        queue = await channel.declare_queue(exclusive=True)
        for exchange in (CHECKS, RESULTS, PRESENCE, EVENTS):
            await queue.bind(exchange, routing_key="#")  # every key of a topic exchange; a fanout ignores keys
        for key in self._reply_keys:
            await queue.bind(REPLIES, routing_key=key)
        await queue.consume(self._hear, no_ack=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._connection.close()

    async def _hear(self, message: aio_pika.abc.AbstractIncomingMessage) -> None:
        self._heard.append(f"{message.routing_key} {message.info()} {message.body.decode(errors='replace')}")

    def text(self) -> str:
        return "\n".join(self._heard)
