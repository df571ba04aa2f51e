"""A worker's sign of life."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.broker.seam import BrokerUnavailable, PublishOutcome
from shared.broker.topology import PRESENCE, core_topology
from shared.checks.messages import Presence
from shared.checks.vocabulary import MailProtocol
from shared.probing.job_handling.presence import announce_presence
from tests.unit.job_handling.fakes import FakeBroker

PRESENT = Presence(
    location="fra1", location_name="Frankfurt", protocol=MailProtocol.IMAP, worker="imap_worker@x:1", capacity=5
)


@asynccontextmanager
async def announcing(broker: FakeBroker, *, every_seconds: float) -> AsyncIterator[None]:
    task = asyncio.ensure_future(
        announce_presence(broker, lambda: PRESENT, every_seconds=every_seconds, retry_seconds=0.001)
    )
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_it_is_announced_at_once() -> None:
    broker = FakeBroker()
    async with announcing(broker, every_seconds=3600):
        await broker.until(lambda: len(broker.presences) == 1)
    assert broker.presences == [PRESENT]
    assert broker.declared == []


async def test_it_is_announced_again_and_again() -> None:
    broker = FakeBroker()
    async with announcing(broker, every_seconds=0.001):
        await broker.until(lambda: len(broker.presences) >= 5)


async def test_unheard_it_makes_what_it_announces_to_and_tries_again_sooner() -> None:
    broker = FakeBroker()
    broker.script[PRESENCE] = deque([BrokerUnavailable("no such exchange"), PublishOutcome.UNROUTABLE])
    async with announcing(broker, every_seconds=3600):
        await broker.until(lambda: len(broker.presences) == 1)
    assert broker.declared == [core_topology()] * 2
