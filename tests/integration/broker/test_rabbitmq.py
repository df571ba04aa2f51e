"""The RabbitMQ adapter keeps the promises of the seam, and shows operators who is who."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from shared.broker.policies import apply
from shared.broker.rabbitmq import RabbitBroker
from shared.broker.seam import Broker, BrokerUnavailable, PublishOutcome, TopologyConflict
from shared.broker.topology import (
    CHECKS,
    RESULTS,
    Queue,
    Topology,
    checks_queue,
    location_topology,
    reply_key,
    reply_queue,
)
from tests.support.broker_contract import (
    HERE,
    BrokerContract,
    BrokerWorld,
    Inbox,
    a_message,
    declared,
    policies_of_contract,
)
from tests.support.broker_own_queues import OwnQueuesContract
from tests.support.servers.process import free_ports
from tests.support.servers.rabbitmq import GivenRabbit
from tests.support.waiting import until


class RabbitWorld:
    """Clients of one vhost, each with connections of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.clients: list[RabbitBroker] = []

    async def client(self) -> Broker:
        number = len(self.clients)
        broker = RabbitBroker(self.url, service="test", instance=f"test@here:{number}")
        self.clients.append(broker)
        await broker.open(timeout_seconds=60)
        return broker


@pytest_asyncio.fixture
async def world(rabbitmq: GivenRabbit, amqp_url: str, amqp_vhost: str) -> AsyncIterator[BrokerWorld]:
    await apply(rabbitmq.management_url, vhost=amqp_vhost, policies=policies_of_contract())
    made = RabbitWorld(amqp_url)
    yield made
    await asyncio.gather(*(client.close() for client in made.clients))


class TestRabbitBroker(BrokerContract, OwnQueuesContract):
    """The contract, against a real RabbitMQ."""


async def test_everything_declared_is_durable_and_every_queue_a_quorum_queue(
    world: BrokerWorld, rabbitmq: GivenRabbit, amqp_vhost: str
) -> None:
    broker = await declared(world)
    await broker.consume(reply_queue("test@here:0"), Inbox(), prefetch=1, exclusive_reply=True)
    queues: list[dict[str, Any]] = await rabbitmq.api("GET", f"queues/{amqp_vhost}")
    assert {queue["name"] for queue in queues} == {
        "mailprobe.checks.imap.here",
        "mailprobe.checks.imap.here.now",
        "mailprobe.checks.imap.here.retry",
        "mailprobe.results",
        "mailprobe.presence",
        "mailprobe.dead-letters",
        "mailprobe.replies.test@here:0",
    }
    for queue in queues:
        if queue["name"].startswith("mailprobe.replies."):
            assert queue["exclusive"]
            assert queue["type"] == "classic"
        else:
            assert queue["durable"]
            assert queue["arguments"] == {"x-queue-type": "quorum"}
    exchanges = await rabbitmq.api("GET", f"exchanges/{amqp_vhost}")
    ours = [exchange for exchange in exchanges if exchange["name"].startswith("mailprobe.")]
    assert len(ours) == 6
    assert all(exchange["durable"] for exchange in ours)


async def test_an_operator_sees_who_is_connected_and_who_consumes(
    world: BrokerWorld, rabbitmq: GivenRabbit, amqp_vhost: str
) -> None:
    broker = await declared(world)
    await broker.consume(HERE, Inbox(), prefetch=7)
    names: set[str] = set()
    consumers: list[dict[str, Any]] = []
    async with asyncio.timeout(60):
        while len(names) < 2 or not consumers:  # statistics come late
            connections = await rabbitmq.api("GET", f"vhosts/{amqp_vhost}/connections")
            names = {connection.get("client_properties", {}).get("connection_name") for connection in connections}
            consumers = await rabbitmq.api("GET", f"consumers/{amqp_vhost}")
            await asyncio.sleep(0.2)
    assert names == {"test@here:0 (consume)", "test@here:0 (publish)"}
    assert [(one["consumer_tag"], one["queue"]["name"]) for one in consumers] == [("test@here:0", HERE)]


async def test_an_operator_can_read_a_waiting_message(
    world: BrokerWorld, rabbitmq: GivenRabbit, amqp_vhost: str
) -> None:
    broker = await declared(world)
    message = a_message(body=b'{"jobs": []}')
    await broker.publish([message])
    [seen] = await rabbitmq.api(
        "POST",
        f"queues/{amqp_vhost}/{HERE}/get",
        {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"},
    )
    assert seen["payload"] == '{"jobs": []}'
    assert seen["payload_encoding"] == "string"
    properties = seen["properties"]
    assert properties["content_type"] == "application/json"
    assert properties["type"] == message.type
    assert properties["app_id"] == "test"
    assert properties["message_id"] == message.message_id
    assert properties["delivery_mode"] == 2
    assert properties["timestamp"] > 0


async def test_a_queue_made_in_another_way_is_a_conflict(
    world: BrokerWorld, rabbitmq: GivenRabbit, amqp_vhost: str
) -> None:
    broker = await declared(world)
    name = checks_queue("imap", "classic", "due")
    await rabbitmq.api("PUT", f"queues/{amqp_vhost}/{name}", {"durable": True})
    with pytest.raises(TopologyConflict, match=name):
        await broker.declare(Topology(queues=(Queue(name),)))
    await broker.declare(location_topology("imap", "here"))


async def declared_at_last(broker: Broker, topology: Topology) -> None:
    """As every caller does: again until it is taken. RabbitMQ 3.10 may fail on a queue whose end is not over yet."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await broker.declare(topology)
            except BrokerUnavailable:
                await asyncio.sleep(0.5)


async def test_a_consumer_survives_the_loss_of_its_queue(
    world: BrokerWorld, rabbitmq: GivenRabbit, amqp_vhost: str
) -> None:
    broker, worker = await declared(world), await world.client()
    inbox = Inbox()
    await worker.consume(HERE, inbox, prefetch=10)
    await broker.publish([a_message()])
    await (await inbox.next()).ack()
    await rabbitmq.api("DELETE", f"queues/{amqp_vhost}/{HERE}")
    assert await broker.publish([a_message()]) == [PublishOutcome.UNROUTABLE]
    # Not within the same instant: RabbitMQ 3.10 then moves the consumer silently to the new queue, where its own
    # bookkeeping takes the first messages for ones it has delivered already.
    await asyncio.sleep(1)
    await declared_at_last(broker, location_topology("imap", "here"))
    message = a_message()
    assert await broker.publish([message]) == [PublishOutcome.CONFIRMED]
    delivery = await inbox.next()
    assert delivery.message_id == message.message_id
    await delivery.ack()


async def test_a_deleted_exchange_is_made_again(world: BrokerWorld, rabbitmq: GivenRabbit, amqp_vhost: str) -> None:
    broker = await declared(world)
    assert await broker.publish([a_message()]) == [PublishOutcome.CONFIRMED]
    await rabbitmq.api("DELETE", f"exchanges/{amqp_vhost}/{CHECKS}")
    with pytest.raises(BrokerUnavailable, match=CHECKS):
        await broker.publish([a_message()])
    assert await broker.publish([a_message()]) == [PublishOutcome.CONFIRMED]


async def test_a_queue_deleted_under_its_consumer_is_made_again_by_whoever_declared_it(
    world: BrokerWorld, rabbitmq: GivenRabbit, amqp_vhost: str
) -> None:
    broker = await declared(world)
    inbox = Inbox()
    await broker.consume(HERE, inbox, prefetch=10)
    await rabbitmq.api("DELETE", f"queues/{amqp_vhost}/{HERE}")
    message = a_message()

    async def taken() -> bool:
        return await broker.publish([message]) == [PublishOutcome.CONFIRMED]

    await until("the queue to be there again", taken, timeout_seconds=60)
    delivery = await inbox.next()
    assert delivery.message_id == message.message_id
    await delivery.ack()


async def test_connections_cut_by_an_operator_come_back(
    world: BrokerWorld, rabbitmq: GivenRabbit, amqp_vhost: str
) -> None:
    broker = await declared(world)
    inbox, replies = Inbox(), Inbox()
    mine = reply_queue("test@here:0")
    await broker.consume(HERE, inbox, prefetch=10)
    waiting = await broker.consume(mine, replies, prefetch=10, exclusive_reply=True)
    key = reply_key(mine, "1")
    await waiting.expect(key)
    await broker.publish([a_message()])
    held = await inbox.next()

    async def both() -> list[str]:
        seen = [each["name"] for each in await rabbitmq.api("GET", f"vhosts/{amqp_vhost}/connections")]
        return seen if len(seen) == 2 else []

    # Known to the management API with their first statistics; one that was made since is not to be cut.
    for name in await until("it is known who is connected", both):
        await rabbitmq.api("DELETE", f"connections/{name}")
    again = await inbox.next()
    assert (again.message_id, again.redelivered) == (held.message_id, True)
    await held.ack()  # on a connection that is gone
    await again.ack()
    async with asyncio.timeout(60):
        while True:
            try:
                answer = a_message(exchange="mailprobe.replies", routing_key=key)
                if await broker.publish([answer]) == [PublishOutcome.CONFIRMED]:
                    break
            except BrokerUnavailable:
                pass
            await asyncio.sleep(0.1)
    assert (await replies.next()).message_id == answer.message_id
    assert await inbox.nothing_more()


async def test_a_broker_that_is_not_there_is_said_so_in_time() -> None:
    [port] = free_ports(1)
    broker = RabbitBroker(f"amqp://someone:secret@127.0.0.1:{port}/", service="test", instance="test@here:0")
    with pytest.raises(BrokerUnavailable, match=rf"127\.0\.0\.1:{port}.*5 s.*refused") as raised:
        await broker.open(timeout_seconds=5)
    assert "secret" not in str(raised.value)
    assert not await broker.healthy()


async def test_a_wrong_password_is_said_so(rabbitmq: GivenRabbit, amqp_url: str) -> None:
    wrong = amqp_url.replace("amqp://mailprobe:", f"amqp://mailprobe:{uuid4().hex}", 1)
    broker = RabbitBroker(wrong, service="test", instance="test@here:0")
    with pytest.raises(BrokerUnavailable, match="ACCESS_REFUSED"):
        await broker.open(timeout_seconds=10)


async def test_concurrent_publishers_get_their_own_outcomes(world: BrokerWorld) -> None:
    broker = await declared(world)
    calls = [
        [
            a_message(exchange=RESULTS, routing_key="here"),
            a_message(routing_key="imap.nowhere.due"),
        ]
        for _ in range(50)
    ]
    outcomes = await asyncio.gather(*(broker.publish(call, timeout_seconds=30) for call in calls))
    assert outcomes == [[PublishOutcome.CONFIRMED, PublishOutcome.UNROUTABLE]] * 50
