"""The other end of a worker's queues: who publishes jobs and collects answers, over whichever broker."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

from shared.broker.envelope import job_message, read_presence, read_results
from shared.broker.seam import Broker, Delivery, PublishOutcome
from shared.broker.topology import (
    DEAD_LETTERS_QUEUE,
    PRESENCE_QUEUE,
    RESULTS_QUEUE,
    core_topology,
    location_topology,
)
from shared.checks.messages import CheckJob, CheckResult, JobBatch, MissedSlots, Presence
from shared.checks.vocabulary import Lane, MailProtocol
from shared.probing.job_handling import WorkerStatus, serve_worker
from shared.runtime.settings import ProbingSettings
from tests.unit.job_handling.fakes import LOCATION, NO_ENVIRONMENT, PRIVATE_KEYS, FakeProbe, a_job


def now_ms() -> int:
    return int(time.time() * 1000)


def a_due_job(**changes: object) -> CheckJob:
    """A job due now by this machine's clock, which is the database's here."""
    now = now_ms()
    return a_job(**{"slot_at": now, "start_at": now, "not_after": now + 60_000, **changes})


class Pipeline:
    """Scheduler and recorder in one: what came back, and when it has."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self.answers: list[CheckResult | MissedSlots] = []
        self.presences: list[Presence] = []
        self.dead_letters: list[Delivery] = []
        self._changed = asyncio.Condition()

    async def open(self) -> None:
        await self._broker.declare(core_topology())
        for protocol in MailProtocol:
            await self._broker.declare(location_topology(protocol, LOCATION))
        await self._broker.consume(RESULTS_QUEUE, self._on_results, prefetch=50)
        await self._broker.consume(PRESENCE_QUEUE, self._on_presence, prefetch=50)
        await self._broker.consume(DEAD_LETTERS_QUEUE, self._on_dead_letter, prefetch=50)

    async def publish(self, *jobs: CheckJob, lane: Lane = Lane.DUE) -> None:
        batch = JobBatch(published_at=now_ms(), jobs=jobs)
        assert await self._broker.publish([job_message(batch, lane=lane)], timeout_seconds=60) == [
            PublishOutcome.CONFIRMED
        ]

    async def until(self, reached: Callable[[], bool], seconds: float = 60) -> None:
        """Wait for something that arrives here."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(reached)

    async def until_answered(self, *jobs: CheckJob) -> None:
        wanted = {job.check_id for job in jobs}
        await self.until(lambda: wanted <= set(self.answered()))

    def answered(self) -> Counter[UUID | None]:
        return Counter(answer.check_id for answer in self.answers)

    @property
    def results(self) -> list[CheckResult]:
        return [answer for answer in self.answers if isinstance(answer, CheckResult)]

    @property
    def missed(self) -> list[MissedSlots]:
        return [answer for answer in self.answers if isinstance(answer, MissedSlots)]

    async def _on_results(self, delivery: Delivery) -> None:
        self.answers.extend(read_results(delivery.body, delivery.type).results)
        await self._settled(delivery)

    async def _on_presence(self, delivery: Delivery) -> None:
        self.presences.append(read_presence(delivery.body, delivery.type))
        await self._settled(delivery)

    async def _on_dead_letter(self, delivery: Delivery) -> None:
        self.dead_letters.append(delivery)
        await self._settled(delivery)

    async def _settled(self, delivery: Delivery) -> None:
        await delivery.ack()
        async with self._changed:
            self._changed.notify_all()


class RunningWorker:
    """A worker in this process, to be stopped in order or to die."""

    def __init__(self, broker: Broker, probe: FakeProbe, *, capacity: int) -> None:
        self.broker = broker
        self.probe = probe
        self.stop = asyncio.Event()
        self.status = WorkerStatus()
        self._task = asyncio.ensure_future(
            serve_worker(
                protocol=MailProtocol.IMAP,
                probe=probe,
                environment=NO_ENVIRONMENT,
                broker=broker,
                keys=PRIVATE_KEYS,
                settings=ProbingSettings.load(location_code=LOCATION, worker_capacity=capacity),
                stop=self.stop,
                status=self.status,
            )
        )

    async def until_ready(self) -> None:
        async with asyncio.timeout(60):
            while (await self.status.ready()) is not None:  # noqa: ASYNC110 - readiness is asked, by design
                await asyncio.sleep(0.01)

    async def drained(self) -> None:
        self.stop.set()
        async with asyncio.timeout(60):
            await self._task

    async def die(self) -> None:
        """At once, with everything in hand unsettled."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self.broker.close()


@asynccontextmanager
async def a_worker(broker: Broker, probe: FakeProbe, *, capacity: int = 50) -> AsyncIterator[RunningWorker]:
    """A ready worker; drained at the end unless it is gone by then."""
    worker = RunningWorker(broker, probe, capacity=capacity)
    await worker.until_ready()
    try:
        yield worker
    finally:
        await asyncio.gather(worker.drained(), return_exceptions=True)
