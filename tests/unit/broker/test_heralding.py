"""News to gateways: told together, by a task of their own, and given up without holding anybody up."""

import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from shared.broker.envelope import read_news
from shared.broker.heralding import MOST_CHECKS, Herald
from shared.broker.in_process import InProcessBroker
from shared.broker.seam import BrokerUnavailable, OutgoingMessage, PublishOutcome
from shared.checks.messages import News


class _Broker(InProcessBroker):
    """Takes what is published while it is there."""

    def __init__(self) -> None:
        super().__init__()
        self.told: asyncio.Queue[News] = asyncio.Queue()
        self.tried = asyncio.Event()
        self.away = False

    async def publish(
        self, messages: Sequence[OutgoingMessage], *, timeout_seconds: float = 4.0
    ) -> list[PublishOutcome]:
        self.tried.set()
        if self.away:
            raise BrokerUnavailable("it is away")
        for message in messages:
            self.told.put_nowait(read_news(message.body, message.type))
        return [PublishOutcome.UNROUTABLE for _ in messages]


async def _next(broker: _Broker) -> News:
    async with asyncio.timeout(60):
        return await broker.told.get()


def _check(number: int) -> tuple[int, UUID, int]:
    return number, uuid4(), 1_772_107_200_000


async def test_what_is_told_at_once_travels_together() -> None:
    broker = _Broker()
    herald = Herald(broker)
    checks = [_check(1), _check(2)]
    herald.tell([2])
    herald.tell([1, 2], checks[:1])
    herald.tell((), checks[1:])
    herald.tell()
    running = asyncio.create_task(herald.run())
    assert await _next(broker) == News(organizations=(1, 2), checks=tuple(checks))
    herald.tell([3])
    assert await _next(broker) == News(organizations=(3,))
    running.cancel()


async def test_nothing_is_told_of_nothing() -> None:
    broker = _Broker()
    running = asyncio.create_task(Herald(broker).run())
    Herald(broker).tell()
    await asyncio.sleep(0.05)
    assert not broker.tried.is_set()
    running.cancel()


async def test_a_broker_that_is_away_costs_what_was_to_be_told_and_nothing_else() -> None:
    broker = _Broker()
    broker.away = True
    herald = Herald(broker)
    running = asyncio.create_task(herald.run())
    herald.tell([1])
    async with asyncio.timeout(60):
        await broker.tried.wait()
    broker.away = False
    herald.tell([2])
    assert await _next(broker) == News(organizations=(2,))
    running.cancel()


@pytest.mark.parametrize("times", [1, 3])
async def test_what_waits_to_be_told_is_bounded(times: int) -> None:
    broker = _Broker()
    herald = Herald(broker)
    for _ in range(times):
        herald.tell((), [_check(number) for number in range(MOST_CHECKS)])
    running = asyncio.create_task(herald.run())
    assert len((await _next(broker)).checks) == MOST_CHECKS
    running.cancel()
