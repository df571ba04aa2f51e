"""The broker seam over RabbitMQ: two kept connections, one to publish and one for everything else.

Two, because alarms hold back whole connections that publish: a worker must go on settling what it has. Leaves
policies to `policies` and what a message means to its readers.
"""

import asyncio
from collections.abc import Sequence

import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import ChannelClosed, ChannelNotFoundEntity, ChannelPreconditionFailed
from aiormq.exceptions import ChannelAccessRefused
from pamqp.common import FieldTable

from shared.broker.rabbit_connection import LOST, KeptConnection, cancelled_as_lost, close_quietly, in_words
from shared.broker.rabbit_consumer import RabbitConsumer
from shared.broker.rabbit_publisher import RabbitPublisher
from shared.broker.seam import (
    PUBLISH_TIMEOUT_SECONDS,
    BrokerUnavailable,
    Consumer,
    Handler,
    OutgoingMessage,
    PublishOutcome,
    QueueLength,
    TopologyConflict,
)
from shared.broker.silence import LOOK_SECONDS, SilenceWatch, Silent
from shared.broker.topology import Topology

_DECLARE_TIMEOUT_SECONDS = 15.0
_WRITABLE_TIMEOUT_SECONDS = 0.5
_LENGTHS_TIMEOUT_SECONDS = 5.0
_QUORUM: FieldTable = {"x-queue-type": "quorum"}

_log = structlog.get_logger()


class RabbitBroker:
    """RabbitMQ, as the seam asks for it. `instance` names connections and consumers at the console.

    Args:
        silent: told of a queue whose consumer gets nothing, though messages are ready and it was begun anew.
    """

    def __init__(
        self,
        url: str,
        *,
        service: str,
        instance: str,
        silent: Silent | None = None,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._instance = instance
        self._consuming = KeptConnection(url, name=f"{instance} (consume)", prepare=self._declare_again)
        self._publishing = KeptConnection(url, name=f"{instance} (publish)")
        self._publisher = RabbitPublisher(self._publishing, service=service, redeclare=self._declare_again_where_we_are)
        self._consumers: list[RabbitConsumer] = []
        self._declared: dict[Topology, None] = {}  # in the order of their first declaration
        self._silence = SilenceWatch(
            lambda: tuple(self._consumers), lengths=self.lengths, silent=silent, look_seconds=look_seconds
        )
        self._looking: asyncio.Task[None] | None = None
        self._declaring = asyncio.Lock()
        self._declaring_channel: AbstractChannel | None = None
        self._declaring_connection: AbstractConnection | None = None

    async def open(self, *, timeout_seconds: float | None) -> None:
        """As the seam says."""
        self._consuming.start()
        self._publishing.start()
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._consuming.current()
                await self._publishing.current()
        except TimeoutError:
            await self.close()
            raise BrokerUnavailable(
                f"RabbitMQ at {self._consuming.broker} did not answer within {timeout_seconds:g} s "
                f"({self._consuming.last_error})"
            ) from None

    async def declare(self, topology: Topology) -> None:
        """As the seam says."""
        try:
            async with asyncio.timeout(_DECLARE_TIMEOUT_SECONDS):
                await self._declare_on(await self._consuming.current(), topology)
        except LOST as error:
            raise BrokerUnavailable(f"could not declare at {self._consuming.broker}: {in_words(error)}") from error
        self._declared[topology] = None

    async def publish(
        self, messages: Sequence[OutgoingMessage], *, timeout_seconds: float = PUBLISH_TIMEOUT_SECONDS
    ) -> list[PublishOutcome]:
        """As the seam says."""
        return await self._publisher.publish(messages, timeout_seconds=timeout_seconds)

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
        consumer = RabbitConsumer(
            self._consuming,
            queue,
            handler,
            prefetch=prefetch,
            tag=self._instance,
            exclusive_reply=exclusive_reply,
            redeclare=self._declare_again_where_we_are,
            exclusive_copies_of=exclusive_copies_of,
        )
        await consumer.start(wait_for_queue=wait_for_queue)
        self._consumers.append(consumer)
        if self._looking is None:
            self._looking = asyncio.create_task(self._silence.run(), name="look for silent consumers")
        return consumer

    async def lengths(self, queues: Sequence[str]) -> list[QueueLength]:
        """As the seam says. AMQP tells nobody what consumers hold: that is the management's to say."""
        try:
            async with asyncio.timeout(_LENGTHS_TIMEOUT_SECONDS):
                connection = await self._consuming.current()
                with cancelled_as_lost("the connection was given up"):
                    return await _lengths(connection, queues)
        except LOST as error:
            raise BrokerUnavailable(f"cannot ask RabbitMQ at {self._consuming.broker}: {in_words(error)}") from error

    async def healthy(self) -> bool:
        """Whether both connections stand and the broker reads from the publishing one."""
        if not (self._consuming.is_up and self._publishing.is_up):
            return False
        try:
            async with asyncio.timeout(_WRITABLE_TIMEOUT_SECONDS):
                await self._publishing.until_writable()
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """As the seam says."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])
            self._looking = None
        await asyncio.gather(*(consumer.close() for consumer in self._consumers))
        self._consumers.clear()
        await self._publisher.close()
        if self._declaring_channel is not None:
            await close_quietly(self._declaring_channel)
            self._declaring_channel = None
        await asyncio.gather(self._publishing.close(), self._consuming.close())

    async def _declare_again_where_we_are(self) -> None:
        await self._declare_again(await self._consuming.current())

    async def _declare_again(self, connection: AbstractConnection) -> None:
        # A broker may come back without its data; who declared something is not there to be asked.
        for topology in tuple(self._declared):
            try:
                await self._declare_on(connection, topology)
            except (TopologyConflict, BrokerUnavailable, *LOST) as error:
                # The connection is good all the same, and serves whoever does not need what is missing.
                _log.warning("not_declared_again", broker=self._consuming.broker, reason=in_words(error))

    async def _declare_on(self, connection: AbstractConnection, topology: Topology) -> None:
        async with self._declaring:
            with cancelled_as_lost("the connection was given up"):
                await self._declare_in_turn(connection, topology)

    async def _declare_in_turn(self, connection: AbstractConnection, topology: Topology) -> None:
        channel = self._declaring_channel
        if channel is None or channel.is_closed or self._declaring_connection is not connection:
            channel = connection.channel(publisher_confirms=False)
            await channel.initialize()
            self._declaring_channel, self._declaring_connection = channel, connection
        try:
            for exchange in topology.exchanges:
                await channel.declare_exchange(exchange.name, exchange.kind.value, durable=True)
            for wanted in topology.queues:
                await channel.declare_queue(wanted.name, durable=True, arguments=_QUORUM)
            for binding in topology.bindings:
                queue = await channel.get_queue(binding.queue, ensure=False)
                await queue.bind(binding.exchange, binding.key)
        except ChannelAccessRefused:
            await self._look_for(connection, topology)
        except (ChannelPreconditionFailed, ChannelNotFoundEntity) as error:
            raise TopologyConflict(in_words(error)) from error
        except ChannelClosed as error:
            raise BrokerUnavailable(f"RabbitMQ refused to declare: {in_words(error)}") from error

    async def _look_for(self, connection: AbstractConnection, topology: Topology) -> None:
        """Whether it is all there, for a user who may make none of it: somebody else's user may, and does."""
        channel = connection.channel(publisher_confirms=False)
        try:
            await channel.initialize()
            for exchange in topology.exchanges:
                await channel.declare_exchange(exchange.name, exchange.kind.value, passive=True)
            for wanted in topology.queues:
                await channel.declare_queue(wanted.name, passive=True)
        except ChannelNotFoundEntity as error:
            raise BrokerUnavailable(f"this user may not declare, and nobody has yet: {in_words(error)}") from error
        finally:
            if channel.is_initialized:
                await close_quietly(channel)


async def _lengths(connection: AbstractConnection, queues: Sequence[str]) -> list[QueueLength]:
    found: list[QueueLength] = []
    channel: AbstractChannel | None = None
    try:
        for name in queues:
            if channel is None:
                channel = connection.channel(publisher_confirms=False)
                await channel.initialize()
            try:
                result = (await channel.declare_queue(name, passive=True)).declaration_result
            except ChannelNotFoundEntity:
                channel = None  # the broker closed it with its answer
                continue
            found.append(QueueLength(name, result.message_count or 0, None, result.consumer_count or 0))
    finally:
        if channel is not None and channel.is_initialized:
            await close_quietly(channel)
    return found
