"""The very messages of a run, copied at the broker while it warms up, and sent or taken again without anything else."""

import asyncio
import json
import time
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

import aiormq
from aiormq.abc import AbstractChannel, AbstractConnection, DeliveredMessage
from pamqp.commands import Basic

from shared.broker.topology import CHECKS, RESULTS

_QUORUM = {"x-queue-type": "quorum"}
_QUEUE = "bench.floor"
_PREFETCH = 256
_PATIENT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Copied:
    """A message as it was."""

    body: bytes
    properties: Basic.Properties


class Copies:
    """What went by one exchange while it was open, kept in a queue of its own."""

    def __init__(self, exchange: str) -> None:
        self._exchange = exchange
        self._queue = f"bench.copies.{exchange}"

    async def begin(self, channel: AbstractChannel) -> None:
        await channel.queue_declare(self._queue, durable=True, arguments=_QUORUM)
        await channel.queue_bind(self._queue, self._exchange, routing_key="#")

    async def end(self, channel: AbstractChannel) -> list[Copied]:
        """Copy no more, and hand out what was."""
        await channel.queue_unbind(self._queue, self._exchange, routing_key="#")
        found = []
        while isinstance((got := await channel.basic_get(self._queue, no_ack=True)).delivery, Basic.GetOk):
            properties = got.header.properties
            assert isinstance(properties, Basic.Properties)
            found.append(Copied(got.body, properties))
        await channel.queue_delete(self._queue)
        return found


class BareClient:
    """The AMQP library below ours, with confirms and acknowledgements and nothing around them."""

    def __init__(self, connection: AbstractConnection, confirming: AbstractChannel, taking: AbstractChannel) -> None:
        self._connection = connection
        self._confirming = confirming
        self.taking = taking

    @classmethod
    async def opened(cls, url: str) -> "BareClient":
        connection = await aiormq.connect(url)
        confirming = await connection.channel(publisher_confirms=True)
        taking = await connection.channel(publisher_confirms=False)
        await taking.basic_qos(prefetch_count=_PREFETCH)
        await taking.queue_declare(_QUEUE, durable=True, arguments=_QUORUM)
        return cls(connection, confirming, taking)

    async def close(self) -> None:
        await self._connection.close()

    async def publish(self, messages: Sequence[Copied]) -> float:
        """Send all and wait for the confirms; our CPU seconds."""
        began = time.process_time()
        async with asyncio.timeout(_PATIENT_SECONDS):
            await asyncio.gather(
                *(
                    self._confirming.basic_publish(
                        each.body, routing_key=_QUEUE, properties=each.properties, mandatory=True
                    )
                    for each in messages
                )
            )
        return time.process_time() - began

    async def take(self, count: int) -> float:
        """Take so many of them back and acknowledge each; our CPU seconds."""
        left = count
        all_taken = asyncio.Event()

        async def on_message(message: DeliveredMessage) -> None:
            nonlocal left
            tag = message.delivery.delivery_tag
            assert tag is not None
            await self.taking.basic_ack(tag, wait=False)
            left -= 1
            if left == 0:
                all_taken.set()

        began = time.process_time()
        async with asyncio.timeout(_PATIENT_SECONDS):
            consuming = await self.taking.basic_consume(_QUEUE, on_message)
            await all_taken.wait()
        spent = time.process_time() - began
        assert consuming.consumer_tag is not None
        await self.taking.basic_cancel(consuming.consumer_tag)
        return spent


def about(monitor_ids: Container[int], messages: Iterable[Copied]) -> list[Copied]:
    """Those whose jobs or results are of these monitors: others may have been due meanwhile."""
    return [each for each in messages if _first_monitor(each) in monitor_ids]


def _first_monitor(message: Copied) -> int:
    content = json.loads(message.body)
    first: int = (content.get("jobs") or content["results"])[0]["monitor_id"]
    return first


def jobs_copies() -> Copies:
    return Copies(CHECKS)


def results_copies() -> Copies:
    return Copies(RESULTS)
