"""Listens to everything that passes through our exchanges, without taking any of it away."""

import re
from types import TracebackType
from typing import Self

import aio_pika

from shared.broker.topology import CHECKS, EVENTS, PRESENCE, REPLIES, RESULTS


class BrokerTap:
    """Copies of all messages published while it is entered, as text with their headers and properties.

    Of answers those to questions it has heard, where it was quicker than the answer: their keys are not known before.
    """

    def __init__(self, amqp_url: str) -> None:
        self._amqp_url = amqp_url
        self._heard: list[str] = []
        self.answers = 0

    async def __aenter__(self) -> Self:
        self._connection = await aio_pika.connect(self._amqp_url)
        channel = await self._connection.channel()
        self._queue = queue = await channel.declare_queue(exclusive=True)
        for exchange in (CHECKS, RESULTS, PRESENCE, EVENTS):
            await queue.bind(exchange, routing_key="#")  # every key of a topic exchange; a fanout ignores keys
        await queue.consume(self._hear, no_ack=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._connection.close()

    async def _hear(self, message: aio_pika.abc.AbstractIncomingMessage) -> None:
        self.answers += message.exchange == REPLIES
        for key in re.findall(rb'"reply_to":"([^"]+)"', message.body):
            await self._queue.bind(REPLIES, routing_key=key.decode())
        self._heard.append(f"{message.routing_key} {message.info()} {message.body.decode(errors='replace')}")

    def text(self) -> str:
        return "\n".join(self._heard)
