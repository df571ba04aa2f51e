"""A worker over the in-process broker: the same messages as over RabbitMQ, within one process."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from shared.broker.in_process import InProcessBroker
from shared.checks.messages import CheckResult
from shared.checks.vocabulary import Lane
from tests.unit.job_handling.fakes import FakeProbe, HeldProbe
from tests.unit.job_handling.pipeline import Pipeline, RunningWorker, a_due_job, a_worker


@pytest.fixture
async def broker() -> AsyncIterator[InProcessBroker]:
    broker = InProcessBroker()
    await broker.open()
    yield broker
    await broker.close()


@pytest.fixture
async def pipeline(broker: InProcessBroker) -> Pipeline:
    pipeline = Pipeline(broker)
    await pipeline.open()
    return pipeline


async def test_jobs_of_all_lanes_are_answered_once(broker: InProcessBroker, pipeline: Pipeline) -> None:
    async with a_worker(broker, FakeProbe()):
        batch = [a_due_job() for _ in range(50)]
        asked, retried = a_due_job(), a_due_job()
        await pipeline.publish(*batch)
        await pipeline.publish(asked, lane=Lane.NOW)
        await pipeline.publish(retried, lane=Lane.RETRY)
        await pipeline.until_answered(*batch, asked, retried)
    assert set(pipeline.answered().values()) == {1}
    assert all(isinstance(answer, CheckResult) for answer in pipeline.answers)
    assert pipeline.dead_letters == []
    assert pipeline.presences


async def test_a_worker_that_comes_before_its_queues_serves_them_once_they_are_there() -> None:
    broker = InProcessBroker()
    await broker.open()
    worker = RunningWorker(broker, FakeProbe(), capacity=5)
    await asyncio.sleep(0.01)
    assert await worker.status.ready() is not None
    pipeline = Pipeline(broker)
    await pipeline.open()
    await worker.until_ready()
    job = a_due_job()
    await pipeline.publish(job)
    await pipeline.until_answered(job)
    await worker.drained()
    await broker.close()


async def test_what_a_draining_worker_has_not_begun_its_neighbour_does(
    broker: InProcessBroker, pipeline: Pipeline
) -> None:
    held, free = HeldProbe(), FakeProbe()
    jobs = [a_due_job(login_proven=False) for _ in range(4)]
    async with a_worker(broker, held, capacity=1) as leaving:
        await pipeline.publish(*jobs)
        await held.began.wait()
        async with a_worker(broker, free, capacity=1):
            leaving.stop.set()
            await pipeline.until(lambda: len(pipeline.answers) == 3)
            held.let_go.set()
            await leaving.drained()
            await pipeline.until_answered(*jobs)
    assert len(pipeline.results) == 4
    assert pipeline.missed == []
    assert (len(held.requests), len(free.requests)) == (1, 3)
