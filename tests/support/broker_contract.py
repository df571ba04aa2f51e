"""What every broker adapter promises, as tests: subclass `BrokerContract` and give it a `world`.

Both the real RabbitMQ and the in-process twin run these, so that what a service learns from one holds for the other.
"""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Protocol
from uuid import uuid4

import pytest

from shared.broker.definitions import QueuePolicy, queue_policies
from shared.broker.seam import (
    Broker,
    BrokerUnavailable,
    Delivery,
    OutgoingMessage,
    PublishOutcome,
    QueueMissing,
    TopologyConflict,
)
from shared.broker.topology import (
    CHECKS,
    DEAD_LETTERS_QUEUE,
    RESULTS,
    RESULTS_QUEUE,
    Exchange,
    ExchangeKind,
    Topology,
    checks_key,
    checks_queue,
    core_topology,
    location_topology,
)

HERE = checks_queue("imap", "here", "due")
SMALL_LOCATION = "small"
SMALL_LENGTH = 5


def policies_of_contract() -> tuple[QueuePolicy, ...]:
    """Ours, and one that makes the queues of location `small` small."""
    ours = queue_policies()
    checks = next(policy for policy in ours if policy.covers(HERE))
    small = replace(
        checks,
        name="tests-small",
        pattern=rf"^{CHECKS}\.imap\.{SMALL_LOCATION}",
        priority=checks.priority + 1,
        definition={**checks.definition, "max-length": SMALL_LENGTH},
    )
    return (*ours, small)


class BrokerWorld(Protocol):
    """One broker, with the policies of the contract, and any number of clients of it."""

    async def client(self) -> Broker:
        """A client, opened; closed at the end of the test."""
        ...


def a_message(
    exchange: str = CHECKS, routing_key: str = checks_key("imap", "here", "due"), body: bytes = b"{}"
) -> OutgoingMessage:
    """A message of no particular meaning."""
    return OutgoingMessage(
        exchange=exchange, routing_key=routing_key, body=body, type="test.v1", message_id=str(uuid4())
    )


@dataclass
class Inbox:
    """A handler that keeps deliveries for the test to settle."""

    arrived: asyncio.Queue[Delivery] = field(default_factory=asyncio.Queue)

    async def __call__(self, delivery: Delivery) -> None:
        self.arrived.put_nowait(delivery)

    async def next(self) -> Delivery:
        async with asyncio.timeout(60):
            return await self.arrived.get()

    async def nothing_more(self) -> bool:
        """Whether it stays empty for long enough to have noticed."""
        await asyncio.sleep(0.3)
        return self.arrived.empty()


async def declared(world: BrokerWorld) -> Broker:
    """A client of a broker with our exchanges and the queues of location `here`."""
    broker = await world.client()
    await broker.declare(core_topology())
    await broker.declare(location_topology("imap", "here"))
    return broker


async def until_published_is(wanted: PublishOutcome, broker: Broker, message: OutgoingMessage) -> None:
    """Publish the like of it until that is the outcome: a broker notices some changes a little late."""
    async with asyncio.timeout(60):
        while True:
            if await broker.publish([replace(message, message_id=str(uuid4()))]) == [wanted]:
                return
            await asyncio.sleep(0.05)


class BrokerContract:
    """The promises of the seam."""

    async def test_declaring_again_changes_nothing(self, world: BrokerWorld) -> None:
        broker = await declared(world)
        assert await broker.publish([a_message()]) == [PublishOutcome.CONFIRMED]
        await broker.declare(core_topology())
        await broker.declare(location_topology("imap", "here"))
        inbox = Inbox()
        await broker.consume(HERE, inbox, prefetch=10)
        await (await inbox.next()).ack()

    async def test_an_exchange_of_another_kind_is_a_conflict(self, world: BrokerWorld) -> None:
        broker = await declared(world)
        with pytest.raises(TopologyConflict, match=RESULTS):
            await broker.declare(Topology(exchanges=(Exchange(RESULTS, ExchangeKind.FANOUT),)))
        assert await broker.publish([a_message()]) == [PublishOutcome.CONFIRMED]

    async def test_a_message_arrives_as_it_was_sent(self, world: BrokerWorld) -> None:
        broker = await declared(world)
        sent = replace(
            a_message(body='{"wörd": 1}'.encode()),
            correlation_id=str(uuid4()),
            headers={"traceparent": "00-a-b-01", "x-jobs": 3},
        )
        assert await broker.publish([sent]) == [PublishOutcome.CONFIRMED]
        inbox = Inbox()
        await broker.consume(HERE, inbox, prefetch=10)
        got = await inbox.next()
        assert (got.body, got.type, got.routing_key) == (sent.body, sent.type, sent.routing_key)
        assert (got.message_id, got.correlation_id) == (sent.message_id, sent.correlation_id)
        assert {key: got.headers[key] for key in sent.headers} == sent.headers
        assert got.redelivered is False
        await got.ack()

    async def test_lanes_of_a_location_do_not_mix(self, world: BrokerWorld) -> None:
        broker = await declared(world)
        lanes = ("due", "now", "retry")
        inboxes = {lane: Inbox() for lane in lanes}
        for lane, inbox in inboxes.items():
            await broker.consume(checks_queue("imap", "here", lane), inbox, prefetch=10)
        await broker.publish([a_message(routing_key=checks_key("imap", "here", lane)) for lane in lanes])
        for lane, inbox in inboxes.items():
            delivery = await inbox.next()
            assert delivery.routing_key == checks_key("imap", "here", lane)
            await delivery.ack()
            assert inbox.arrived.empty()

    async def test_a_message_for_no_queue_is_unroutable(self, world: BrokerWorld) -> None:
        broker = await declared(world)
        nowhere = a_message(routing_key=checks_key("imap", "nowhere", "due"))
        assert await broker.publish([nowhere]) == [PublishOutcome.UNROUTABLE]

    async def test_publishing_to_a_missing_exchange_says_so_and_later_publishes_work(self, world: BrokerWorld) -> None:
        broker = await declared(world)
        with pytest.raises(BrokerUnavailable, match=r"mailprobe\.unknown"):
            await broker.publish([a_message(exchange="mailprobe.unknown")])
        assert await broker.publish([a_message()]) == [PublishOutcome.CONFIRMED]

    async def test_hundreds_published_at_once_get_an_outcome_each_in_order(self, world: BrokerWorld) -> None:
        broker = await declared(world)
        messages = [
            a_message(routing_key=checks_key("imap", "nowhere" if number % 3 == 0 else "here", "due"))
            for number in range(400)
        ]
        outcomes = await broker.publish(messages, timeout_seconds=30)
        assert outcomes == [
            PublishOutcome.UNROUTABLE if number % 3 == 0 else PublishOutcome.CONFIRMED for number in range(400)
        ]
        inbox = Inbox()
        await broker.consume(HERE, inbox, prefetch=500)
        arrived = {(await inbox.next()).message_id for number in range(400) if number % 3}
        assert arrived == {message.message_id for number, message in enumerate(messages) if number % 3}

    async def test_a_full_queue_refuses_until_there_is_room(self, world: BrokerWorld) -> None:
        broker = await declared(world)
        await broker.declare(location_topology("imap", SMALL_LOCATION))
        message = a_message(routing_key=checks_key("imap", SMALL_LOCATION, "due"))
        taken = 0
        # A quorum queue notices its limit a little late.
        while await broker.publish([replace(message, message_id=str(uuid4()))]) == [PublishOutcome.CONFIRMED]:
            taken += 1
            assert taken <= 20 * SMALL_LENGTH
        assert taken >= SMALL_LENGTH
        inbox = Inbox()
        await broker.consume(checks_queue("imap", SMALL_LOCATION, "due"), inbox, prefetch=100)
        for _ in range(taken):
            await (await inbox.next()).ack()
        await until_published_is(PublishOutcome.CONFIRMED, broker, message)

    async def test_a_rejected_message_comes_again_and_says_so(self, world: BrokerWorld) -> None:
        broker = await declared(world)
        await broker.publish([a_message()])
        inbox = Inbox()
        await broker.consume(HERE, inbox, prefetch=10)
        first = await inbox.next()
        await first.reject(requeue=True)
        second = await inbox.next()
        assert second.message_id == first.message_id
        assert second.redelivered is True
        await second.ack()
        assert await inbox.nothing_more()

    async def test_what_a_dead_consumer_held_goes_to_another(self, world: BrokerWorld) -> None:
        broker, other = await declared(world), await world.client()
        held, inbox = Inbox(), Inbox()
        doomed = await broker.consume(HERE, held, prefetch=10)
        await broker.publish([a_message(), a_message()])
        ids = {(await held.next()).message_id, (await held.next()).message_id}
        await other.consume(HERE, inbox, prefetch=10)
        assert await inbox.nothing_more()
        await doomed.close()
        again = [await inbox.next(), await inbox.next()]
        assert {delivery.message_id for delivery in again} == ids
        assert all(delivery.redelivered for delivery in again)
        for delivery in again:
            await delivery.ack()

    async def test_settling_what_was_taken_back_is_harmless(self, world: BrokerWorld) -> None:
        broker = await declared(world)
        held, inbox = Inbox(), Inbox()
        doomed = await broker.consume(HERE, held, prefetch=10)
        await broker.publish([a_message()])
        stale = await held.next()
        await doomed.close()
        await stale.ack()
        await broker.consume(HERE, inbox, prefetch=10)
        again = await inbox.next()
        assert again.message_id == stale.message_id
        await again.ack()
        await again.ack()
        await again.reject(requeue=True)
        assert await inbox.nothing_more()

    async def test_after_the_delivery_limit_a_poisonous_message_is_a_dead_letter(self, world: BrokerWorld) -> None:
        broker = await declared(world)
        poison, neighbour = a_message(body=b'"poison"'), a_message(body=b'"neighbour"')
        inbox, dead = Inbox(), Inbox()
        await broker.consume(DEAD_LETTERS_QUEUE, dead, prefetch=10)
        await broker.consume(HERE, inbox, prefetch=1)
        await broker.publish([poison])
        for number in range(6):  # a limit of five returns is six deliveries
            delivery = await inbox.next()
            assert delivery.redelivered is (number > 0)
            await delivery.reject(requeue=True)
        letter = await dead.next()
        assert (letter.message_id, letter.body) == (poison.message_id, poison.body)
        assert letter.headers["x-first-death-queue"] == HERE
        assert letter.headers["x-first-death-reason"] == "delivery_limit"
        await letter.ack()
        await broker.publish([neighbour])
        delivery = await inbox.next()
        assert delivery.body == neighbour.body
        await delivery.ack()

    async def test_a_message_given_up_is_a_dead_letter_at_once(self, world: BrokerWorld) -> None:
        broker = await declared(world)
        inbox, dead = Inbox(), Inbox()
        await broker.consume(HERE, inbox, prefetch=10)
        await broker.consume(DEAD_LETTERS_QUEUE, dead, prefetch=10)
        await broker.publish([a_message()])
        given_up = await inbox.next()
        await given_up.reject(requeue=False)
        letter = await dead.next()
        assert letter.message_id == given_up.message_id
        assert letter.headers["x-first-death-reason"] == "rejected"
        assert letter.headers["x-first-death-queue"] == HERE
        await letter.ack()
        assert await inbox.nothing_more()

    async def test_a_result_may_come_back_any_number_of_times(self, world: BrokerWorld) -> None:
        broker = await declared(world)
        inbox, dead = Inbox(), Inbox()
        await broker.consume(DEAD_LETTERS_QUEUE, dead, prefetch=10)
        await broker.consume(RESULTS_QUEUE, inbox, prefetch=10)
        await broker.publish([a_message(exchange=RESULTS, routing_key="here")])
        for _ in range(30):
            await (await inbox.next()).reject(requeue=True)
        await (await inbox.next()).ack()
        assert await dead.nothing_more()

    async def test_a_handler_that_fails_loses_nothing(self, world: BrokerWorld) -> None:
        broker = await declared(world)
        seen: asyncio.Queue[bool] = asyncio.Queue()

        async def fails_once(delivery: Delivery) -> None:
            seen.put_nowait(delivery.redelivered)
            if not delivery.redelivered:
                raise ValueError("a bug")
            await delivery.ack()

        await broker.consume(HERE, fails_once, prefetch=10)
        await broker.publish([a_message()])
        async with asyncio.timeout(60):
            assert [await seen.get(), await seen.get()] == [False, True]

    async def test_no_more_than_the_prefetch_is_handed_out(self, world: BrokerWorld) -> None:
        broker = await declared(world)
        inbox = Inbox()
        await broker.consume(HERE, inbox, prefetch=3)
        await broker.publish([a_message() for _ in range(10)])
        held = [await inbox.next() for _ in range(3)]
        assert await inbox.nothing_more()
        await held.pop().ack()
        held.append(await inbox.next())
        assert await inbox.nothing_more()

    async def test_two_consumers_share_a_queue(self, world: BrokerWorld) -> None:
        broker, other = await declared(world), await world.client()
        one, two = Inbox(), Inbox()
        await broker.consume(HERE, one, prefetch=5)
        await other.consume(HERE, two, prefetch=5)
        messages = [a_message() for _ in range(10)]
        await broker.publish(messages)
        held = [await inbox.next() for inbox in (one, two) for _ in range(5)]
        assert {delivery.message_id for delivery in held} == {message.message_id for message in messages}

    async def test_a_drained_consumer_gets_nothing_new_and_may_still_settle(self, world: BrokerWorld) -> None:
        broker, other = await declared(world), await world.client()
        leaving, staying = Inbox(), Inbox()
        consumer = await broker.consume(HERE, leaving, prefetch=10)
        await broker.publish([a_message()])
        last = await leaving.next()
        await consumer.drain()
        await consumer.drain()
        later = a_message()
        await broker.publish([later])
        assert await leaving.nothing_more()
        await last.ack()
        await consumer.close()
        await other.consume(HERE, staying, prefetch=10)
        only = await staying.next()
        assert (only.message_id, only.redelivered) == (later.message_id, False)
        assert await staying.nothing_more()

    async def test_a_drained_consumer_may_hand_back(self, world: BrokerWorld) -> None:
        broker, other = await declared(world), await world.client()
        leaving, staying = Inbox(), Inbox()
        consumer = await broker.consume(HERE, leaving, prefetch=10)
        await broker.publish([a_message()])
        last = await leaving.next()
        await consumer.drain()
        await other.consume(HERE, staying, prefetch=10)
        await last.reject(requeue=True)
        assert (await staying.next()).message_id == last.message_id

    async def test_consuming_a_queue_nobody_declared_says_so(self, world: BrokerWorld) -> None:
        broker = await declared(world)
        missing = checks_queue("imap", "later", "due")
        with pytest.raises(QueueMissing, match=missing):
            await broker.consume(missing, Inbox(), prefetch=1)

    async def test_a_consumer_can_wait_for_its_queue(self, world: BrokerWorld) -> None:
        broker, declarer = await declared(world), await world.client()
        inbox = Inbox()
        await broker.consume(checks_queue("imap", "later", "due"), inbox, prefetch=1, wait_for_queue=True)
        assert await inbox.nothing_more()
        await declarer.declare(location_topology("imap", "later"))
        message = a_message(routing_key=checks_key("imap", "later", "due"))
        assert await declarer.publish([message]) == [PublishOutcome.CONFIRMED]
        assert (await inbox.next()).message_id == message.message_id

    async def test_a_consumer_that_waits_can_be_drained(self, world: BrokerWorld) -> None:
        broker = await declared(world)
        inbox = Inbox()
        consumer = await broker.consume(checks_queue("imap", "later", "due"), inbox, prefetch=1, wait_for_queue=True)
        await consumer.drain()
        await broker.declare(location_topology("imap", "later"))
        await broker.publish([a_message(routing_key=checks_key("imap", "later", "due"))])
        assert await inbox.nothing_more()

    async def test_an_open_broker_is_healthy_and_takes_nothing_calmly(self, world: BrokerWorld) -> None:
        broker = await declared(world)
        assert await broker.healthy() is True
        assert await broker.publish([]) == []
