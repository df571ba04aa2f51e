"""Dead letters for an operator: looked at, sent back where they came from, thrown away.

Over AMQP rather than the management API: a letter is acknowledged only after the broker has confirmed its copy, so that
whatever fails in between leaves it where it was. Twice is possible then, lost is not; whoever reads our messages knows
a check by its `check_id`. What the letters say in words is left to the command.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aio_pika.exceptions import ChannelNotFoundEntity, DeliveryError, PublishError

from shared.broker.rabbit_connection import LOST, close_quietly, in_words
from shared.broker.seam import BrokerUnavailable, QueueMissing
from shared.broker.topology import DEAD_LETTERS_QUEUE

MOST_LETTERS = 10_000  # what our policy lets the queue hold

_CONNECT_TIMEOUT_SECONDS = 10.0
_STEP_TIMEOUT_SECONDS = 15.0
_FIRST_OF_ID = 8
# What the broker adds when it lays a letter aside; sent back, a message is as it was.
_MARKS_OF_DEATH = ("x-death", "x-delivery-count", "x-acquired-count", "x-opt-deaths")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One of them. `id` is the beginning of its message id, or of its body's hash where it has none."""

    id: str
    type: str
    reason: str  # as the broker says it: rejected, delivery_limit, expired, maxlen; empty: nobody died
    queue: str  # where it lay before
    exchange: str  # with `routing_key`, how it got there
    routing_key: str
    times: int
    died_at: datetime | None
    deliveries: int  # how often it was given out before it died, where the broker counted
    message_id: str | None
    headers: Mapping[str, Any]
    body: bytes = field(repr=False)

    @property
    def can_go_back(self) -> bool:
        """Whether it says where it came from."""
        return bool(self.exchange)


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one letter: done, or why not."""

    letter: DeadLetter
    fault: str | None = None


class DeadLetterDesk:
    """The queue of dead letters, held by one channel: what is not settled goes back into it, in its order."""

    def __init__(self, reading: AbstractChannel, publishing: AbstractChannel) -> None:
        self._reading = reading
        self._publishing = publishing

    async def look(self, *, most: int = MOST_LETTERS) -> list[DeadLetter]:
        """The oldest letters; they stay where they are."""
        return [letter for letter, _ in await self._taken(most)]

    async def send_back(self, ids: Collection[str] | None) -> list[Settled]:
        """Publish these (None: all there are now) to where they came from; a letter leaves once that is confirmed."""
        done = []
        for letter, message in await self._taken(MOST_LETTERS):
            if ids is not None and letter.id not in ids:
                continue
            fault = await self._published(letter, message)
            if fault is None:
                await message.ack()
            done.append(Settled(letter, fault))
        return done

    async def throw_away(self, ids: Collection[str] | None) -> list[Settled]:
        """Remove these (None: all there are now; none that comes meanwhile)."""
        done = []
        for letter, message in await self._taken(MOST_LETTERS):
            if ids is None or letter.id in ids:
                await message.ack()
                done.append(Settled(letter))
        return done

    async def _taken(self, most: int) -> list[tuple[DeadLetter, AbstractIncomingMessage]]:
        taken: list[tuple[DeadLetter, AbstractIncomingMessage]] = []
        try:
            queue = await self._reading.declare_queue(DEAD_LETTERS_QUEUE, passive=True)
            while len(taken) < most:
                async with asyncio.timeout(_STEP_TIMEOUT_SECONDS):
                    message = await queue.get(fail=False, no_ack=False)
                if message is None:
                    break
                taken.append((_letter(message), message))
        except ChannelNotFoundEntity:
            raise QueueMissing(f"there is no queue {DEAD_LETTERS_QUEUE}: nothing of ours has run here yet") from None
        return _with_own_ids(taken)

    async def _published(self, letter: DeadLetter, message: AbstractIncomingMessage) -> str | None:
        if not letter.can_go_back:
            return "it does not say where it came from"
        again = aio_pika.Message(
            message.body,
            headers={key: value for key, value in message.headers.items() if not _is_mark_of_death(key)},
            content_type=message.content_type,
            content_encoding=message.content_encoding,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            correlation_id=message.correlation_id,
            message_id=message.message_id,
            timestamp=message.timestamp,
            type=message.type,
            app_id=message.app_id,
        )
        exchange = await self._publishing.get_exchange(letter.exchange, ensure=False)
        try:
            await exchange.publish(again, letter.routing_key, mandatory=True, timeout=_STEP_TIMEOUT_SECONDS)
        except PublishError:
            return f"no queue takes messages with the key {letter.routing_key} any more"
        except DeliveryError:
            return f"the queue {letter.queue} is full"
        return None


@asynccontextmanager
async def open_dead_letters(amqp_url: str) -> AsyncIterator[DeadLetterDesk]:
    """The desk at this broker and vhost, its user one who may read the queue and publish to the exchanges.

    Raises BrokerUnavailable, also for what is lost inside the block, and QueueMissing.
    """
    try:
        connection = await aio_pika.connect(
            amqp_url, timeout=_CONNECT_TIMEOUT_SECONDS, client_properties={"connection_name": "mailprobe dlq"}
        )
        try:
            reading = await connection.channel(publisher_confirms=False)
            publishing = await connection.channel(publisher_confirms=True, on_return_raises=True)
            yield DeadLetterDesk(reading, publishing)
            # Closing it is what puts back whatever was only looked at.
            await close_quietly(reading)
        finally:
            await connection.close()
    except LOST as error:
        raise BrokerUnavailable(f"RabbitMQ: {in_words(error)}") from error


def _letter(message: AbstractIncomingMessage) -> DeadLetter:
    headers: Mapping[str, Any] = message.headers
    deaths = headers.get("x-death")
    death: Mapping[str, Any] = deaths[0] if isinstance(deaths, list) and deaths else {}
    keys = death.get("routing-keys") or [""]
    time = death.get("time")
    count = headers.get("x-delivery-count", 0)
    return DeadLetter(
        id=(message.message_id or hashlib.sha256(message.body).hexdigest())[:_FIRST_OF_ID],
        type=message.type or "",
        reason=str(death.get("reason", "")),
        queue=str(death.get("queue", "")),
        exchange=str(death.get("exchange", "")),
        routing_key=str(keys[0]),
        times=int(death.get("count", 0)),
        died_at=time.astimezone(UTC) if isinstance(time, datetime) else None,
        deliveries=count if isinstance(count, int) else 0,
        message_id=message.message_id,
        headers={key: value for key, value in headers.items() if not _is_mark_of_death(key)},
        body=message.body,
    )


def _with_own_ids(
    taken: list[tuple[DeadLetter, AbstractIncomingMessage]],
) -> list[tuple[DeadLetter, AbstractIncomingMessage]]:
    """Two that begin alike are told apart by a number: the queue keeps its order."""
    seen: dict[str, int] = {}
    told = []
    for letter, message in taken:
        seen[letter.id] = seen.get(letter.id, 0) + 1
        own = letter.id if seen[letter.id] == 1 else f"{letter.id}-{seen[letter.id]}"
        told.append((replace(letter, id=own), message))
    return told


def _is_mark_of_death(header: str) -> bool:
    return header in _MARKS_OF_DEATH or header.startswith(("x-first-death-", "x-last-death-"))
