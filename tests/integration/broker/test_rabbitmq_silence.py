"""RabbitMQ that says nothing any more, its connections open: given up by the heartbeat, whatever waits on them then.

aiormq cancels what waits on a connection it gives up. That must look like any other loss: a caller's task that ends
as cancelled ends without a word.
"""

import asyncio

import pytest
from aio_pika.abc import AbstractConnection

from shared.broker.rabbit_connection import KeptConnection
from shared.broker.rabbitmq import RabbitBroker
from shared.broker.seam import BrokerUnavailable
from shared.broker.topology import core_topology
from tests.support.broker_contract import a_message
from tests.support.servers.rabbitmq import RabbitServer

SHORT_HEARTBEAT = "?heartbeat=1"


async def test_declaring_on_a_connection_that_is_given_up_fails_as_unavailable(
    rabbitmq_server: RabbitServer, amqp_url: str
) -> None:
    broker = RabbitBroker(amqp_url + SHORT_HEARTBEAT, service="test", instance="test@here:0")
    await broker.open(timeout_seconds=60)
    await broker.declare(core_topology())
    rabbitmq_server.pause()
    try:
        with pytest.raises(BrokerUnavailable):
            await broker.declare(core_topology())
    finally:
        rabbitmq_server.go_on()
    await broker.close()


async def test_publishing_on_a_connection_that_is_given_up_fails_as_unavailable(
    rabbitmq_server: RabbitServer, amqp_url: str
) -> None:
    broker = RabbitBroker(amqp_url + SHORT_HEARTBEAT, service="test", instance="test@here:0")
    await broker.open(timeout_seconds=60)
    rabbitmq_server.pause()
    try:
        with pytest.raises(BrokerUnavailable):  # its channel is still to be opened
            await broker.publish([a_message()], timeout_seconds=30)
    finally:
        rabbitmq_server.go_on()
    await broker.close()


async def test_a_connection_given_up_while_it_was_prepared_is_made_again(
    rabbitmq_server: RabbitServer, amqp_url: str
) -> None:
    prepared = 0

    async def prepare(connection: AbstractConnection) -> None:
        nonlocal prepared
        if not prepared:
            rabbitmq_server.pause()
        try:
            await connection.channel().initialize()
        finally:
            prepared += 1
            rabbitmq_server.go_on()

    kept = KeptConnection(amqp_url + SHORT_HEARTBEAT, name="test@here:0", prepare=prepare)
    kept.start()
    async with asyncio.timeout(60):
        await kept.current()
    assert prepared > 1
    await kept.close()
