"""The recorder between a broker and a database, with either of them failing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest_asyncio

from services.result_recorder.service import serve_recorder
from shared.broker.envelope import presence_message, result_message
from shared.broker.in_process import InProcessBroker
from shared.broker.rabbitmq import RabbitBroker
from shared.broker.seam import Broker, BrokerUnavailable, Delivery, OutgoingMessage, PublishOutcome
from shared.broker.topology import DEAD_LETTERS_QUEUE, RESULTS, core_topology
from shared.checks.messages import Presence, ResultBatch
from shared.checks.vocabulary import MailProtocol
from tests.support.answers import answer, slot
from tests.support.recorder_desk import RecorderDesk
from tests.support.waiting import until


@pytest_asyncio.fixture
async def in_process() -> AsyncIterator[InProcessBroker]:
    broker = InProcessBroker()
    await broker.open()
    yield broker
    await broker.close()


@asynccontextmanager
async def recorder(desk: RecorderDesk, broker: Broker) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    serving = asyncio.create_task(serve_recorder(pool=desk.pool, broker=broker, stop=stop, instance="recorder@test:1"))
    try:
        yield stop
    finally:
        stop.set()
        async with asyncio.timeout(60):
            await serving


async def publish(broker: Broker, *messages: OutgoingMessage) -> None:
    outcomes = await broker.publish(messages, timeout_seconds=60)
    assert outcomes == [PublishOutcome.CONFIRMED] * len(messages)


async def recorded(desk: RecorderDesk) -> int:
    count: int = await desk.value("SELECT count(*) FROM results")
    return count


async def dead_letters(broker: Broker) -> asyncio.Queue[Delivery]:
    found: asyncio.Queue[Delivery] = asyncio.Queue()

    async def keep(delivery: Delivery) -> None:
        await delivery.ack()
        found.put_nowait(delivery)

    await broker.consume(DEAD_LETTERS_QUEUE, keep, prefetch=10)
    return found


def batch(*numbers: int, worker: str = "w") -> OutgoingMessage:
    return result_message(ResultBatch(results=tuple(answer(slot(n), worker=worker) for n in numbers)))


async def test_results_and_presence_reach_the_database(desk: RecorderDesk, in_process: InProcessBroker) -> None:
    async with recorder(desk, in_process):
        await until("the queues are there", lambda: _published(in_process, batch(1)))
        here = Presence(location="here", location_name="Here", protocol=MailProtocol.IMAP, worker="w", capacity=5)
        await publish(in_process, batch(2, 3), presence_message(here))
        await until("three results", lambda: _equals(recorded(desk), 3))
        await until("a worker", lambda: desk.value("SELECT count(*) FROM location_workers"))
    assert (await desk.monitor_state())["health"] == "up"


async def test_what_can_never_be_recorded_is_a_dead_letter_and_nothing_else_is_lost(
    desk: RecorderDesk, in_process: InProcessBroker
) -> None:
    await in_process.declare(core_topology())
    dead = await dead_letters(in_process)
    junk = OutgoingMessage(RESULTS, "here", b"not json", "check-results.v1", "junk")
    async with recorder(desk, in_process):
        bad = result_message(ResultBatch(results=(answer(slot(4)), answer(slot(5), worker="\x00"))))
        await publish(in_process, batch(1), junk, bad, batch(2))
        letters = [await asyncio.wait_for(dead.get(), 60) for _ in range(2)]
        await until("the good ones", lambda: _equals(recorded(desk), 3))
    assert {letter.message_id for letter in letters} == {"junk", bad.message_id}


async def test_a_database_away_for_a_while_costs_nothing(desk: RecorderDesk, in_process: InProcessBroker) -> None:
    await in_process.declare(core_topology())
    name = desk.dsn.rsplit("/", 1)[1]
    async with recorder(desk, in_process):
        await desk.run_as_owner(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        await desk.pool.expire_connections()
        await publish(in_process, batch(1, 2), batch(3))
        await asyncio.sleep(0.5)
        assert await recorded(desk) == 0
        await desk.run_as_owner(f"ALTER DATABASE {name} SET default_transaction_read_only = off")
        await desk.pool.expire_connections()
        await until("all results", lambda: _equals(recorded(desk), 3))


async def test_stopped_while_the_database_is_away_it_hands_everything_back(
    desk: RecorderDesk, in_process: InProcessBroker
) -> None:
    await in_process.declare(core_topology())
    name = desk.dsn.rsplit("/", 1)[1]
    await desk.run_as_owner(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await desk.pool.expire_connections()
    async with recorder(desk, in_process):
        await publish(in_process, batch(1, 2))
        await asyncio.sleep(0.3)
    await desk.run_as_owner(f"ALTER DATABASE {name} SET default_transaction_read_only = off")
    await desk.pool.expire_connections()
    async with recorder(desk, in_process):
        await until("all results", lambda: _equals(recorded(desk), 2))


async def test_two_recorders_share_one_queue(desk: RecorderDesk, amqp_url: str) -> None:
    await desk.set_clock(slot(200))  # for no slot to lie in the future, whichever recorder is first with it
    brokers = [RabbitBroker(amqp_url, service="recorder", instance=f"recorder@test:{n}") for n in range(2)]
    for broker in brokers:
        await broker.open(timeout_seconds=60)
    try:
        await brokers[0].declare(core_topology())
        dead = await dead_letters(brokers[0])
        async with recorder(desk, brokers[0]), recorder(desk, brokers[1]):
            numbers = [n for n in range(200) for _ in range(2)]  # each told twice
            await publish(brokers[0], *(batch(n) for n in numbers))
            await until("each slot once", lambda: _equals(recorded(desk), 200))
        assert dead.empty()
        state = await desk.location_state()
        assert (state["last_slot"], state["since"]) == (slot(199), slot(0))
    finally:
        for broker in brokers:
            await broker.close()


async def _published(broker: Broker, message: OutgoingMessage) -> bool:
    try:
        return await broker.publish([message]) == [PublishOutcome.CONFIRMED]
    except BrokerUnavailable:
        return False


async def _equals(answer_to: object, expected: int) -> bool:
    return await answer_to == expected  # type: ignore[misc]
