"""How long queues are, told alike by both brokers, and to a user who may do nothing else with them."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from yarl import URL

from services.api_gateway.system.queue_watch import QueueWatch
from shared.broker.in_process import InProcessBroker
from shared.broker.policies import apply
from shared.broker.queue_depths import Standing, queue_depths_seen
from shared.broker.rabbitmq import RabbitBroker
from shared.broker.seam import Broker, BrokerUnavailable, QueueLength
from shared.broker.topology import DEAD_LETTERS_QUEUE, RESULTS_QUEUE, core_topology, location_topology
from shared.broker.users import OBSERVER, apply_users
from tests.support.broker_contract import HERE, Inbox, a_message, declared
from tests.support.servers.rabbitmq import GivenRabbit


class _One:
    """A world of one client."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def client(self) -> Broker:
        return self._broker


async def _until(broker: Broker, wanted: tuple[int, int]) -> QueueLength:
    """Until so many wait, and so many consumers are there: a broker counts a little late."""
    async with asyncio.timeout(60):
        while True:
            (length,) = await broker.lengths([HERE])
            if (length.ready, length.consumers) == wanted:
                return length
            await asyncio.sleep(0.05)


class Lengths:
    """What both say of their queues; `tells_held`: also of what consumers hold."""

    tells_held: bool

    async def test_what_waits_is_counted_and_who_takes_it(self, broker: Broker) -> None:
        await declared(_One(broker))
        await broker.publish([a_message(), a_message(), a_message()])
        assert (await _until(broker, (3, 0))).unacked == (0 if self.tells_held else None)
        inbox = Inbox()
        consumer = await broker.consume(HERE, inbox, prefetch=2)
        await inbox.next()
        await inbox.next()
        assert (await _until(broker, (1, 1))).unacked == (2 if self.tells_held else None)
        await consumer.close()
        assert (await _until(broker, (3, 0))).name == HERE

    async def test_what_is_not_there_is_left_out(self, broker: Broker) -> None:
        await broker.declare(core_topology())
        found = await broker.lengths(["mailprobe.none", RESULTS_QUEUE, "mailprobe.nothing", DEAD_LETTERS_QUEUE])
        assert [length.name for length in found] == [RESULTS_QUEUE, DEAD_LETTERS_QUEUE]
        depths = await queue_depths_seen(broker, locations=["here"])
        assert [(depth.name, depth.standing) for depth in depths] == [
            ("mailprobe.dead-letters", Standing.WELL),
            ("mailprobe.presence", Standing.ACT),
            ("mailprobe.results", Standing.ACT),
        ]
        assert "no result recorder listens" in depths[2].meaning


class TestRabbitLengths(Lengths):
    tells_held = False

    @pytest_asyncio.fixture
    async def broker(self, amqp_url: str) -> AsyncIterator[Broker]:
        made = RabbitBroker(amqp_url, service="test", instance="test@here:0")
        await made.open(timeout_seconds=60)
        yield made
        await made.close()


class TestInProcessLengths(Lengths):
    tells_held = True

    @pytest_asyncio.fixture
    async def broker(self) -> AsyncIterator[Broker]:
        made = InProcessBroker()
        await made.open()
        yield made
        await made.close()


async def test_a_broker_that_is_gone_says_so() -> None:
    closed = InProcessBroker()
    with pytest.raises(BrokerUnavailable):
        await closed.lengths([HERE])
    assert await QueueWatch(closed).look(["here"]) == ([], "the in-process broker is closed")


async def test_a_gateways_own_user_and_one_who_only_looks_see_how_long_they_are(
    rabbitmq: GivenRabbit, amqp_vhost: str
) -> None:
    mark = secrets.token_hex(4)
    given = URL(rabbitmq.amqp_url(amqp_vhost))
    users = {
        role: str(given.with_user(f"{mark}-{role}").with_password(secrets.token_hex(8)))
        for role in ("api_gateway", OBSERVER)
    }
    await apply(rabbitmq.management_url, vhost=amqp_vhost)
    await apply_users(rabbitmq.management_url, users)
    whole = RabbitBroker(str(given), service="test", instance="test@here:0")
    mine = RabbitBroker(users["api_gateway"], service="test", instance="test@here:1")
    try:
        await whole.open(timeout_seconds=60)
        await whole.declare(core_topology())
        await whole.declare(location_topology("imap", "here"))
        await whole.publish([a_message()])
        await mine.open(timeout_seconds=60)
        assert (await _until(mine, (1, 0))).unacked is None
        seen, problem = await QueueWatch(mine, vhost=amqp_vhost).look(["here"])
        assert (problem, len(seen)) == (None, 6)

        observer = URL(users[OBSERVER])
        looked_at = str(URL(rabbitmq.management_url).with_user(observer.user).with_password(observer.password))
        watch = QueueWatch(mine, amqp_vhost, looked_at, "https://console.example.com/rabbit/")
        async with asyncio.timeout(60):
            while True:
                managed, problem = await watch.look([])
                here = {depth.name: (depth.ready, depth.unacked) for depth in managed}
                if here.get(HERE) == (1, 0):
                    break
                await asyncio.sleep(0.2)
        assert (problem, len(managed)) == (None, 6)
        assert watch.console_of(HERE) == f"https://console.example.com/rabbit/#/queues/{amqp_vhost}/{HERE}"
        wrong = str(URL(looked_at).with_password("another"))
        nothing, problem = await QueueWatch(mine, amqp_vhost, wrong).look([])
        assert nothing == []
        assert problem is not None
        assert "does not know this user or password" in problem
        assert "another" not in problem
    finally:
        await mine.close()
        await whole.close()
        for user in users.values():
            await rabbitmq.api("DELETE", f"users/{URL(user).user}")
