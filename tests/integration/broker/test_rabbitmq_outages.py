"""RabbitMQ killed, frozen, late or out of memory: nothing confirmed is lost, nobody waits for ever."""

import asyncio
import gc
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from shared.broker.policies import apply
from shared.broker.rabbitmq import RabbitBroker
from shared.broker.seam import BrokerUnavailable, Delivery, PublishOutcome
from tests.support.broker_contract import HERE, Inbox, a_message, declared
from tests.support.servers.rabbitmq import RabbitServer
from tests.support.waiting import until

OUTAGE_TIMEOUT_SECONDS = 1.0


class OneClient:
    """A world of one client, for `declared`."""

    def __init__(self, broker: RabbitBroker) -> None:
        self._broker = broker

    async def client(self) -> RabbitBroker:
        await self._broker.open(timeout_seconds=60)
        return self._broker


@pytest_asyncio.fixture
async def broker(rabbitmq_server: RabbitServer, amqp_url: str, amqp_vhost: str) -> AsyncIterator[RabbitBroker]:
    await apply(rabbitmq_server.given.management_url, vhost=amqp_vhost)
    made = RabbitBroker(amqp_url, service="test", instance="test@here:0")
    # A node that another test has just killed and started may answer, and refuse to make queues for a moment.
    async with asyncio.timeout(60):
        while True:
            try:
                await declared(OneClient(made))
                break
            except BrokerUnavailable:
                await asyncio.sleep(0.5)
    yield made
    await made.close()


async def until_confirmed(broker: RabbitBroker) -> str:
    """Publish until one is confirmed; its message id."""
    async with asyncio.timeout(90):
        while True:
            message = a_message()
            try:
                if await broker.publish([message]) == [PublishOutcome.CONFIRMED]:
                    return message.message_id
            except BrokerUnavailable:
                await asyncio.sleep(0.2)


async def until_at_least(count: int, growing: set[str]) -> None:
    """Wait until it has grown to that."""
    async with asyncio.timeout(60):
        while True:
            if len(growing) >= count:
                return
            await asyncio.sleep(0.05)


async def arrives(inbox: Inbox, wanted: set[str]) -> None:
    """Acknowledge what comes until all of these were seen."""
    while wanted:
        delivery = await inbox.next()
        await delivery.ack()
        wanted.discard(str(delivery.message_id))


async def test_a_killed_broker_keeps_what_it_confirmed_and_consumers_come_back(
    rabbitmq_server: RabbitServer, broker: RabbitBroker
) -> None:
    inbox = Inbox()
    messages = [a_message() for _ in range(200)]
    assert set(await broker.publish(messages, timeout_seconds=30)) == {PublishOutcome.CONFIRMED}
    consumer = await broker.consume(HERE, inbox, prefetch=20)
    held = await inbox.next()
    await rabbitmq_server.kill()
    try:
        with pytest.raises(BrokerUnavailable):
            await broker.publish([a_message()], timeout_seconds=OUTAGE_TIMEOUT_SECONDS)
        with pytest.raises(BrokerUnavailable):
            await broker.publish([a_message()], timeout_seconds=OUTAGE_TIMEOUT_SECONDS)
        assert not await broker.healthy()
        await held.ack()  # of no use, and no fault either
    finally:
        await rabbitmq_server.start()
    wanted = {message.message_id for message in messages}
    wanted.add(await until_confirmed(broker))
    await arrives(inbox, wanted)
    assert await broker.healthy()
    await consumer.close()


async def test_publishing_while_the_broker_dies_loses_nothing_confirmed(
    rabbitmq_server: RabbitServer, broker: RabbitBroker
) -> None:
    confirmed: set[str] = set()
    stop = asyncio.Event()

    async def publish_on_and_on() -> None:
        while not stop.is_set():
            batch = [a_message() for _ in range(20)]
            try:
                outcomes = await broker.publish(batch, timeout_seconds=2)
            except BrokerUnavailable:
                await asyncio.sleep(0.1)
                continue
            confirmed.update(
                message.message_id
                for message, outcome in zip(batch, outcomes, strict=True)
                if outcome is PublishOutcome.CONFIRMED
            )

    publishing = [asyncio.create_task(publish_on_and_on()) for _ in range(3)]
    try:
        await until_at_least(200, confirmed)
        await rabbitmq_server.kill()
        await rabbitmq_server.start()
        await until_at_least(len(confirmed) + 60, confirmed)
    finally:
        stop.set()
        await asyncio.gather(*publishing)
    inbox = Inbox()
    await broker.consume(HERE, inbox, prefetch=50)
    await arrives(inbox, set(confirmed))


async def test_a_handler_at_work_outlives_its_connection(rabbitmq_server: RabbitServer, broker: RabbitBroker) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    ended: asyncio.Queue[bool] = asyncio.Queue()

    async def slow(delivery: Delivery) -> None:
        begun.set()
        await go_on.wait()
        await delivery.ack()
        ended.put_nowait(delivery.redelivered)

    await broker.consume(HERE, slow, prefetch=2)
    await broker.publish([a_message()])
    await begun.wait()
    await rabbitmq_server.kill()
    await rabbitmq_server.start()
    go_on.set()
    async with asyncio.timeout(60):
        assert sorted([await ended.get(), await ended.get()]) == [False, True]


async def test_a_frozen_broker_is_unavailable_in_time(rabbitmq_server: RabbitServer, broker: RabbitBroker) -> None:
    inbox = Inbox()
    await broker.consume(HERE, inbox, prefetch=10)
    rabbitmq_server.pause()
    try:
        with pytest.raises(BrokerUnavailable, match="confirmed nothing within"):
            await broker.publish([a_message()], timeout_seconds=OUTAGE_TIMEOUT_SECONDS)
    finally:
        rabbitmq_server.go_on()
    await arrives(inbox, {await until_confirmed(broker)})


async def test_a_memory_alarm_makes_publishes_time_out_and_leaves_nothing_behind(
    rabbitmq_server: RabbitServer, broker: RabbitBroker
) -> None:
    inbox = Inbox()
    await broker.publish([a_message()])
    await broker.consume(HERE, inbox, prefetch=10)
    held = await inbox.next()
    await rabbitmq_server.control("set_vm_memory_high_watermark", "0.0001")
    try:
        await until("the broker says why it takes nothing", lambda: _refused(broker, "memory or disk alarm"))
        gc.collect()
        tasks_before = len(asyncio.all_tasks())
        for _ in range(5):
            with pytest.raises(BrokerUnavailable):
                await broker.publish([a_message() for _ in range(200)], timeout_seconds=0.3)
        await until("nothing of them is left", lambda: _as_many_tasks_as(tasks_before))
        assert not await broker.healthy()
        await held.ack()  # consuming goes on
    finally:
        await rabbitmq_server.control("set_vm_memory_high_watermark", "0.4")
    wanted = await until_confirmed(broker)
    await arrives(inbox, {wanted})
    assert await broker.healthy()


async def _refused(broker: RabbitBroker, words: str) -> bool:
    """Whether publishing fails for that reason; it may take a moment until the broker has told it."""
    try:
        await broker.publish([a_message()], timeout_seconds=OUTAGE_TIMEOUT_SECONDS)
    except BrokerUnavailable as refused:
        return words in str(refused)
    return False


async def _as_many_tasks_as(before: int) -> bool:
    return len(asyncio.all_tasks()) <= before


async def test_opening_waits_for_a_broker_that_starts_late(rabbitmq_server: RabbitServer) -> None:
    await rabbitmq_server.kill()
    late = RabbitBroker(rabbitmq_server.given.amqp_url("/"), service="test", instance="test@here:1")
    opening = asyncio.create_task(late.open(timeout_seconds=None))
    try:
        await asyncio.sleep(1)
        assert not opening.done()
    finally:
        await rabbitmq_server.start()
    async with asyncio.timeout(60):
        await opening
    assert await late.healthy()
    await late.close()


async def test_a_vhost_that_is_not_there_is_named_with_the_way_out(rabbitmq_server: RabbitServer) -> None:
    broker = RabbitBroker(rabbitmq_server.given.amqp_url("nowhere"), service="test", instance="test@here:0")
    with pytest.raises(BrokerUnavailable, match=r"no vhost nowhere.*mailprobe broker apply"):
        await broker.open(timeout_seconds=10)
    await broker.close()
