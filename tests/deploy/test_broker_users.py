"""The broker's users, tried on a real RabbitMQ at what their work needs and at what they must not do."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable

import aio_pika
import aiohttp
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aiormq.exceptions import ChannelAccessRefused
from yarl import URL

from shared.broker import policies
from shared.broker.management import ManagementFailed
from shared.broker.rabbitmq import RabbitBroker
from shared.broker.seam import BrokerUnavailable, Delivery, OutgoingMessage, PublishOutcome
from shared.broker.topology import core_topology, location_topology, reply_key
from shared.broker.users import OBSERVER, apply_users, rights_of
from tests.support.servers.rabbitmq import GivenRabbit

Attempt = Callable[[AbstractChannel], Awaitable[object]]
WORKER = "imap_worker.eu-fra1"
NEIGHBOUR = "imap_worker.us-nyc1"
ROLES = (WORKER, NEIGHBOUR, "pop3_worker.eu-fra1", "api_gateway", "scheduler", "result_recorder", OBSERVER)
QUEUE = "mailprobe.checks.imap.eu-fra1"


@pytest.fixture
async def addresses(rabbitmq: GivenRabbit, amqp_vhost: str) -> AsyncIterator[dict[str, str]]:
    """Users of this test's own with our rights, in a vhost with our exchanges and two locations' queues."""
    mark = secrets.token_hex(4)
    made = {
        role: str(URL(rabbitmq.amqp_url(amqp_vhost)).with_user(f"{mark}-{role}").with_password(secrets.token_hex(8)))
        for role in ROLES
    }
    await apply_users(rabbitmq.management_url, made)
    async with opened(made["result_recorder"]) as recorder:
        await recorder.declare(core_topology())
    async with opened(made["scheduler"]) as scheduler:
        for location in ("eu-fra1", "us-nyc1"):
            await scheduler.declare(location_topology("imap", location))
    yield made
    for role in ROLES:
        await rabbitmq.api("DELETE", f"users/{mark}-{role}")


@contextlib.asynccontextmanager
async def opened(address: str) -> AsyncIterator[RabbitBroker]:
    broker = RabbitBroker(address, service="test", instance="test@here:0")
    await broker.open(timeout_seconds=60)
    try:
        yield broker
    finally:
        await broker.close()


async def allowed(address: str, attempt: Attempt) -> bool:
    """Whether the broker lets this user do it."""
    connection = await aio_pika.connect(address)
    async with connection, connection.channel() as channel:
        try:
            await attempt(channel)
        except ChannelAccessRefused:
            return False
        return True


async def give_back(message: AbstractIncomingMessage) -> None:
    await message.reject(requeue=True)


def publish(exchange: str, key: str) -> Attempt:
    async def attempt(channel: AbstractChannel) -> None:
        target = channel.default_exchange if not exchange else await channel.get_exchange(exchange, ensure=False)
        await target.publish(aio_pika.Message(b"{}"), key, mandatory=False)

    return attempt


def consume(queue: str) -> Attempt:
    async def attempt(channel: AbstractChannel) -> None:
        await (await channel.get_queue(queue, ensure=False)).consume(give_back)

    return attempt


def declare(queue: str) -> Attempt:
    return lambda channel: channel.declare_queue(queue, durable=True, arguments={"x-queue-type": "quorum"})


def bind(queue: str, exchange: str) -> Attempt:
    async def attempt(channel: AbstractChannel) -> None:
        await (await channel.get_queue(queue, ensure=False)).bind(exchange, "#")

    return attempt


def purge(queue: str) -> Attempt:
    async def attempt(channel: AbstractChannel) -> None:
        await (await channel.get_queue(queue, ensure=False)).purge()

    return attempt


def delete(queue: str) -> Attempt:
    return lambda channel: channel.queue_delete(queue)


WHAT_A_WORKER_DOES = {
    "takes jobs": consume(QUEUE),
    "takes urgent jobs": consume(f"{QUEUE}.now"),
    "takes retried jobs": consume(f"{QUEUE}.retry"),
    "hands jobs on": publish("mailprobe.checks", "imap.eu-fra1.retry"),
    "publishes results": publish("mailprobe.results", "eu-fra1"),
    "announces itself": publish("mailprobe.presence", "imap.eu-fra1"),
    "answers a test": publish("mailprobe.replies", "mailprobe.replies.api_gateway@somewhere"),
}

WHAT_A_WORKER_MUST_NOT = {
    "takes another location's jobs": consume("mailprobe.checks.imap.us-nyc1"),
    "reads results": consume("mailprobe.results"),
    "reads dead letters": consume("mailprobe.dead-letters"),
    "reads who is there": consume("mailprobe.presence"),
    "asks for checks": publish("mailprobe.checks", "imap.eu-fra1.due"),
    "asks for urgent checks": publish("mailprobe.checks", "imap.eu-fra1.now"),
    "asks another location": publish("mailprobe.checks", "imap.us-nyc1.retry"),
    "asks the other protocol": publish("mailprobe.checks", "pop3.eu-fra1.retry"),
    "answers for another location": publish("mailprobe.results", "us-nyc1"),
    "answers for several": publish("mailprobe.results", "several"),
    "announces another": publish("mailprobe.presence", "imap.us-nyc1"),
    "goes around the exchanges": publish("", "mailprobe.results"),
    "tells the gateways": publish("mailprobe.events", ""),
    "writes dead letters": publish("mailprobe.dead-letters", ""),
    "makes a queue": declare("mailprobe.checks.imap.eu-fra2"),
    "makes a queue of no name of ours": declare("mine"),
    "listens at the results": bind(QUEUE, "mailprobe.results"),
    "listens at the jobs": bind(QUEUE, "mailprobe.checks"),
    "deletes its queue": delete(QUEUE),
}


async def test_a_worker_does_its_work(addresses: dict[str, str]) -> None:
    refused = [what for what, attempt in WHAT_A_WORKER_DOES.items() if not await allowed(addresses[WORKER], attempt)]
    assert not refused


async def test_a_worker_does_nothing_else(addresses: dict[str, str]) -> None:
    done = [what for what, attempt in WHAT_A_WORKER_MUST_NOT.items() if await allowed(addresses[WORKER], attempt)]
    assert not done


OTHERS_MUST_NOT: dict[str, list[Attempt]] = {
    "api_gateway": [
        consume("mailprobe.results"),
        consume(QUEUE),
        consume("mailprobe.dead-letters"),
        publish("mailprobe.checks", "imap.eu-fra1.now"),
        publish("mailprobe.results", "eu-fra1"),
        publish("mailprobe.replies", "mailprobe.replies.another"),
        declare("mailprobe.checks.imap.new"),
    ],
    "scheduler": [
        consume("mailprobe.results"),
        consume(QUEUE),
        consume("mailprobe.presence"),
        publish("mailprobe.presence", "imap.eu-fra1"),
        declare("mailprobe.replies.one"),
        delete("mailprobe.results"),
    ],
    "result_recorder": [
        consume(QUEUE),
        publish("mailprobe.checks", "imap.eu-fra1.due"),
        publish("mailprobe.replies", "mailprobe.replies.one"),
        declare("mailprobe.checks.imap.new"),
    ],
    OBSERVER: [
        consume(QUEUE),
        consume("mailprobe.results"),
        publish("mailprobe.results", "eu-fra1"),
        purge(QUEUE),
        delete(QUEUE),
    ],
}


@pytest.mark.parametrize("role", OTHERS_MUST_NOT)
async def test_nobody_does_what_is_anothers(addresses: dict[str, str], role: str) -> None:
    attempts = enumerate(OTHERS_MUST_NOT[role])
    assert not [place for place, attempt in attempts if await allowed(addresses[role], attempt)]


async def test_gateways_hear_each_other_and_the_recorder(addresses: dict[str, str]) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()

    async def hear(delivery: Delivery) -> None:
        await delivery.ack()
        heard.put_nowait(delivery.message_id or "")

    async with opened(addresses["api_gateway"]) as gateway, opened(addresses["result_recorder"]) as recorder:
        await gateway.consume("mailprobe.events.one", hear, prefetch=1, exclusive_copies_of="mailprobe.events")
        for teller in (gateway, recorder):
            news = OutgoingMessage("mailprobe.events", "", b"{}", "news.v1", secrets.token_hex(8))
            assert await teller.publish([news]) == [PublishOutcome.CONFIRMED]
            async with asyncio.timeout(60):
                assert await heard.get() == news.message_id


async def test_a_gateway_has_the_queue_of_its_own_answers(addresses: dict[str, str]) -> None:
    async with opened(addresses["api_gateway"]) as gateway:
        await gateway.declare(core_topology())  # looked for, since it may not be made
        await gateway.consume(
            "mailprobe.replies.one", lambda delivery: delivery.ack(), prefetch=1, exclusive_reply=True
        )


async def test_an_answer_reaches_only_who_gave_out_its_key_and_only_as_long_as_they_wait(
    addresses: dict[str, str],
) -> None:
    heard: list[str | None] = []

    async def hear(delivery: Delivery) -> None:
        heard.append(delivery.message_id)
        await delivery.ack()

    queue = "mailprobe.replies.api_gateway@here:1"
    async with opened(addresses["api_gateway"]) as gateway, opened(addresses[WORKER]) as worker:
        await gateway.declare(core_topology())
        waiting = await gateway.consume(queue, hear, prefetch=1, exclusive_reply=True)
        asked = reply_key(queue, secrets.token_hex(16))
        await waiting.expect(asked)

        async def answers(key: str) -> PublishOutcome:
            message = OutgoingMessage("mailprobe.replies", key, b"{}", "check-results.v1", secrets.token_hex(8))
            (outcome,) = await worker.publish([message])
            return outcome

        assert await answers(asked) is PublishOutcome.CONFIRMED
        for guess in (queue, reply_key(queue, secrets.token_hex(16)), "#", f"{queue}.*"):
            assert await answers(guess) is PublishOutcome.UNROUTABLE
        async with opened(addresses["scheduler"]) as scheduler:
            message = OutgoingMessage("mailprobe.replies", asked, b"{}", "check-results.v1", "from the scheduler")
            assert await scheduler.publish([message]) == [PublishOutcome.CONFIRMED], "it says what cannot be tested"
        await waiting.expect_no_more(asked)
        assert await answers(asked) is PublishOutcome.UNROUTABLE
    assert len(heard) == 2


async def test_an_observer_sees_lengths_and_policies_and_changes_none(
    addresses: dict[str, str], rabbitmq: GivenRabbit, amqp_vhost: str
) -> None:
    connection = await aio_pika.connect(addresses[OBSERVER])
    async with connection, connection.channel() as channel:
        queue = await channel.declare_queue(QUEUE, passive=True)
        assert queue.declaration_result.message_count == 0
    observer = URL(addresses[OBSERVER])
    management = URL(rabbitmq.management_url).with_user(observer.user).with_password(observer.password)
    assert await policies.verify(str(management), vhost=amqp_vhost) == []
    with pytest.raises(ManagementFailed):
        await policies.apply(str(management), vhost=amqp_vhost)


async def test_no_worker_may_look_into_the_management(addresses: dict[str, str], rabbitmq: GivenRabbit) -> None:
    worker = URL(addresses[WORKER])
    url = URL(rabbitmq.management_url).with_user(None).with_path("/api/overview")
    headers = {"Authorization": aiohttp.encode_basic_auth(worker.user or "", worker.password or "")}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as answer:
        assert answer.status == 401


async def test_who_may_not_declare_waits_for_who_may(rabbitmq: GivenRabbit, amqp_vhost: str) -> None:
    user = f"early-{secrets.token_hex(4)}"
    address = str(URL(rabbitmq.amqp_url(amqp_vhost)).with_user(user).with_password("x"))
    await apply_users(rabbitmq.management_url, {WORKER: address})
    try:
        async with opened(address) as worker, opened(rabbitmq.amqp_url(amqp_vhost)) as other:
            with pytest.raises(BrokerUnavailable, match="may not declare, and nobody has yet"):
                await worker.declare(core_topology())
            await other.declare(core_topology())
            await worker.declare(core_topology())
    finally:
        await rabbitmq.api("DELETE", f"users/{user}")


async def test_users_are_made_again_with_another_password(addresses: dict[str, str], rabbitmq: GivenRabbit) -> None:
    changed = str(URL(addresses[WORKER]).with_password("another"))
    assert await apply_users(rabbitmq.management_url, {WORKER: changed}) == [URL(changed).user]
    assert await allowed(changed, consume(QUEUE))
    with pytest.raises(aio_pika.exceptions.AMQPConnectionError):
        await aio_pika.connect(addresses[WORKER])


async def test_the_administrator_is_never_made_a_lesser_user(rabbitmq: GivenRabbit, amqp_vhost: str) -> None:
    with pytest.raises(ManagementFailed, match="who is the administrator"):
        await apply_users(rabbitmq.management_url, {"scheduler": rabbitmq.amqp_url(amqp_vhost)})


@pytest.mark.parametrize("role", ["worker.eu", "smtp_worker.eu", "imap_worker", "imap_worker.a.b", "root", ""])
def test_there_are_no_other_roles(role: str) -> None:
    with pytest.raises(ValueError, match=r"is no user of the broker|must match"):
        rights_of(role)
