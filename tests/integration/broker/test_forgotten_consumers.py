"""A consumer RabbitMQ no longer delivers to, its connection well: begun anew, and what it was not given comes."""

from collections.abc import Sequence
from typing import Any

import pytest

from shared.broker.rabbit_consumer import RabbitConsumer
from shared.broker.rabbitmq import RabbitBroker
from shared.broker.seam import Delivery
from shared.broker.topology import RESULTS, RESULTS_QUEUE, core_topology
from tests.support.broker_contract import a_message
from tests.support.waiting import until


async def counted(things: Sequence[object], count: int) -> bool:
    return len(things) == count


async def forget(consumer: Any) -> None:
    """As if the broker had lost it: it is cancelled there, and nobody says so here."""
    assert isinstance(consumer, RabbitConsumer)
    kept = await consumer._kept.current()
    for channel in tuple(kept.transport.connection.channels.values()):  # type: ignore[union-attr]
        if channel is not None and consumer._tag in getattr(channel, "consumers", {}):
            channel.on_consumer_cancel_callbacks.clear()
            await channel.basic_cancel(consumer._tag)


@pytest.mark.parametrize("helps", [True, False])
async def test_a_forgotten_consumer_is_begun_anew_and_told_of_where_that_does_not_help(
    amqp_url: str, helps: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    got: list[bytes] = []

    async def handle(delivery: Delivery) -> None:
        got.append(delivery.body)
        await delivery.ack()

    broker = RabbitBroker(amqp_url, service="test", instance="test@here:0", silent=told.append, look_seconds=0.1)
    await broker.open(timeout_seconds=60)
    try:
        await broker.declare(core_topology())
        consumer = await broker.consume(RESULTS_QUEUE, handle, prefetch=5)
        await broker.publish([a_message(RESULTS, "imap.here")])
        await until("the first is delivered", lambda: counted(got, 1))
        if not helps:
            monkeypatch.setattr(RabbitConsumer, "begin_anew", lambda _: None)
        await forget(consumer)
        await broker.publish([a_message(RESULTS, "imap.here")])
        if helps:
            await until("the second comes after all", lambda: counted(got, 2))
            assert told == []
        else:
            await until("it is told", lambda: counted(told, 1))
            assert (told, len(got)) == ([RESULTS_QUEUE], 1)
    finally:
        await broker.close()
