"""The in-process twin keeps the same promises as RabbitMQ, and a few of its own."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from shared.broker.definitions import queue_policies
from shared.broker.in_process import InProcessBroker, topic_matches
from shared.broker.seam import Broker, BrokerUnavailable, Delivery, PublishOutcome
from shared.broker.topology import PRESENCE, PRESENCE_QUEUE, core_topology
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


class OneProcess:
    """All clients are one object, as in standalone."""

    def __init__(self) -> None:
        self.broker = InProcessBroker(policies_of_contract())
        self.clients = 0

    async def client(self) -> Broker:
        await self.broker.open()
        self.clients += 1
        return self.broker


@pytest_asyncio.fixture
async def world() -> AsyncIterator[BrokerWorld]:
    one = OneProcess()
    yield one
    for _ in range(one.clients):
        await one.broker.close()


class TestInProcessBroker(BrokerContract, OwnQueuesContract):
    """The contract, without a broker."""


@pytest.mark.parametrize(
    ("pattern", "key", "matches"),
    [
        ("imap.fra.due", "imap.fra.due", True),
        ("imap.fra.due", "imap.fra.now", False),
        ("imap.*.due", "imap.fra.due", True),
        ("imap.*.due", "imap.due", False),
        ("*", "fra", True),
        ("*", "a.b", False),
        ("#", "", True),
        ("#", "a.b.c", True),
        ("imap.#", "imap", True),
        ("imap.#", "imap.fra.due", True),
        ("#.due", "imap.fra.due", True),
        ("#.due", "imap.fra.now", False),
        ("a.#.b", "a.b", True),
        ("a.#.b", "a.x.y.b", True),
        ("a.#.b", "a.x.y", False),
        ("imap.fra", "imap.fra.due", False),
    ],
)
def test_keys_match_as_the_topic_rule_has_it(pattern: str, key: str, matches: bool) -> None:
    assert topic_matches(pattern, key) is matches


async def test_the_last_to_close_ends_it() -> None:
    broker = InProcessBroker()
    await broker.open()
    await broker.open()
    await broker.declare(core_topology())
    await broker.close()
    assert await broker.healthy()
    await broker.close()
    assert not await broker.healthy()
    with pytest.raises(BrokerUnavailable):
        await broker.publish([a_message()])


async def test_old_presence_is_pushed_out_and_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("shared.broker.in_process_queue.time.monotonic", lambda: now)
    policy = next(policy for policy in queue_policies() if policy.covers(PRESENCE_QUEUE))
    ttl_ms, length = policy.limit("message-ttl"), policy.limit("max-length")
    assert ttl_ms is not None
    assert length is not None
    broker = InProcessBroker()
    await broker.open()
    await broker.declare(core_topology())
    signs = [a_message(exchange=PRESENCE, routing_key="imap.here") for _ in range(length + 10)]
    assert set(await broker.publish(signs)) == {PublishOutcome.CONFIRMED}
    inbox = Inbox()
    consumer = await broker.consume(PRESENCE_QUEUE, inbox, prefetch=1)
    assert (await inbox.next()).message_id == signs[10].message_id
    now += ttl_ms / 1000 + 1
    fresh = a_message(exchange=PRESENCE, routing_key="imap.here")
    await broker.publish([fresh])
    await consumer.close()
    again = Inbox()
    await broker.consume(PRESENCE_QUEUE, again, prefetch=10)
    assert (await again.next()).message_id == fresh.message_id
    await broker.close()


async def test_closing_cancels_handlers_and_waits_for_them(world: BrokerWorld) -> None:
    broker = await declared(world)
    ended = asyncio.Event()
    begun = asyncio.Event()

    async def never_done(_: Delivery) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    consumer = await broker.consume(HERE, never_done, prefetch=1)
    await broker.publish([a_message()])
    await begun.wait()
    await consumer.close()
    assert ended.is_set()
