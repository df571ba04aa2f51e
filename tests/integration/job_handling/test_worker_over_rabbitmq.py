"""A worker over a real RabbitMQ: what is redelivered, handed back or deadly ends as it should."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from shared.broker.policies import apply
from shared.broker.rabbitmq import RabbitBroker
from shared.checks.messages import CheckResult
from shared.checks.outcome import Outcome
from shared.checks.vocabulary import Lane, LoginOutcome, MissedReason
from shared.probing.probe import OnPhase, ProbeRequest
from tests.support.servers.rabbitmq import GivenRabbit, RabbitServer
from tests.unit.job_handling.fakes import OK, FakeProbe, HeldProbe, a_target
from tests.unit.job_handling.pipeline import Pipeline, RunningWorker, a_due_job, a_worker

MakeBroker = Callable[[], RabbitBroker]


@pytest.fixture
async def policies(rabbitmq: GivenRabbit, amqp_vhost: str) -> None:
    await apply(rabbitmq.management_url, vhost=amqp_vhost)


@pytest.fixture
async def new_broker(policies: None, amqp_url: str) -> AsyncIterator[MakeBroker]:
    """Opens connections of their own, closed at the end."""
    made: list[RabbitBroker] = []

    def make() -> RabbitBroker:
        name = f"imap_worker@test:{len(made)}"
        made.append(RabbitBroker(amqp_url, service="imap_worker", instance=name))
        return made[-1]

    yield make
    await asyncio.gather(*(broker.close() for broker in made))


@pytest.fixture
async def pipeline(new_broker: MakeBroker) -> Pipeline:
    broker = new_broker()
    await broker.open(timeout_seconds=60)
    pipeline = Pipeline(broker)
    await pipeline.open()
    return pipeline


async def opened(new_broker: MakeBroker) -> RabbitBroker:
    broker = new_broker()
    await broker.open(timeout_seconds=60)
    return broker


async def test_jobs_of_all_lanes_are_answered_once(pipeline: Pipeline, new_broker: MakeBroker) -> None:
    async with a_worker(await opened(new_broker), FakeProbe(), capacity=20):
        batches = [[a_due_job() for _ in range(50)] for _ in range(10)]
        for batch in batches:
            await pipeline.publish(*batch)
        asked, retried = a_due_job(), a_due_job()
        await pipeline.publish(asked, lane=Lane.NOW)
        await pipeline.publish(retried, lane=Lane.RETRY)
        await pipeline.until_answered(*(job for batch in batches for job in batch), asked, retried)
    assert set(pipeline.answered().values()) == {1}
    assert all(isinstance(answer, CheckResult) for answer in pipeline.answers)
    assert pipeline.dead_letters == []


async def test_a_worker_that_dies_leaves_its_jobs_to_another_and_no_second_login(
    pipeline: Pipeline, new_broker: MakeBroker
) -> None:
    held, free = HeldProbe(), FakeProbe()
    proven = [a_due_job() for _ in range(5)]
    unproven = [a_due_job(login_proven=False) for _ in range(3)]
    without_login = a_due_job(login_proven=False, target=a_target(logs_in=False))
    async with a_worker(await opened(new_broker), held) as dying:
        await pipeline.publish(*proven, *unproven)
        await pipeline.publish(without_login)
        await held.began.wait()
        await dying.die()
    async with a_worker(await opened(new_broker), free):
        await pipeline.until_answered(*proven, *unproven, without_login)
    assert set(pipeline.answered().values()) == {1}
    assert {result.check_id for result in pipeline.results} == {job.check_id for job in (*proven, without_login)}
    for missed in pipeline.missed:
        assert missed.reason is MissedReason.REDELIVERED
        assert missed.login_attempt is not None
        assert missed.login_attempt.outcome is LoginOutcome.UNKNOWN
    assert len(free.requests) == 6
    assert pipeline.dead_letters == []


async def test_what_a_draining_worker_has_not_begun_its_neighbour_does(
    pipeline: Pipeline, new_broker: MakeBroker
) -> None:
    held, free = HeldProbe(), FakeProbe()
    jobs = [a_due_job(login_proven=False) for _ in range(40)]
    async with a_worker(await opened(new_broker), held, capacity=2) as leaving:
        await pipeline.publish(*jobs[:20])
        await pipeline.publish(*jobs[20:])
        await held.began.wait()
        leaving.stop.set()
        held.let_go.set()
        await leaving.drained()
        async with a_worker(await opened(new_broker), free):
            await pipeline.until_answered(*jobs)
    assert len(pipeline.results) == len(jobs)
    assert set(pipeline.answered().values()) == {1}
    assert pipeline.missed == []
    assert len(held.requests) + len(free.requests) == len(jobs)


@pytest.mark.parametrize("together", [True, False], ids=["in one message", "in messages of their own"])
async def test_a_job_that_kills_its_worker_ends_as_a_dead_letter_and_its_neighbours_are_answered(
    pipeline: Pipeline, new_broker: MakeBroker, together: bool
) -> None:
    deadly = a_due_job(target=a_target(hostname="deadly.example"))
    neighbours = [a_due_job() for _ in range(4)]

    def make_probe(kill: asyncio.Event) -> FakeProbe:
        async def probe(request: ProbeRequest, _on_phase: OnPhase | None) -> Outcome:
            if request.target.hostname == "deadly.example":
                kill.set()
            if kill.is_set():
                await asyncio.Event().wait()  # a process that died answers nothing more
            return OK

        return FakeProbe(probe)

    if together:
        await pipeline.publish(deadly, *neighbours)
    else:
        for job in (deadly, *neighbours):
            await pipeline.publish(job)
    deaths = 0
    while not pipeline.dead_letters or len(pipeline.answers) < len(neighbours):
        assert deaths < 20
        kill = asyncio.Event()
        worker = RunningWorker(await opened(new_broker), make_probe(kill), capacity=50)
        finished = asyncio.ensure_future(
            pipeline.until(lambda: bool(pipeline.dead_letters) and len(pipeline.answers) >= len(neighbours))
        )
        killed = asyncio.ensure_future(kill.wait())
        await asyncio.wait({finished, killed}, return_when=asyncio.FIRST_COMPLETED)
        deaths += kill.is_set()
        await worker.die()
        for waiting in (finished, killed):
            waiting.cancel()
        await asyncio.gather(finished, killed, return_exceptions=True)
    assert {result.check_id for result in pipeline.results} == {job.check_id for job in neighbours}
    assert pipeline.missed == []
    assert len(pipeline.dead_letters) == 1


async def test_a_broker_killed_under_load_loses_no_job_and_repeats_no_login(
    pipeline: Pipeline, new_broker: MakeBroker, rabbitmq_server: RabbitServer
) -> None:
    served: list[str] = []
    slow_down = asyncio.Event()

    async def probe(request: ProbeRequest, _on_phase: OnPhase | None) -> Outcome:
        served.append(request.target.hostname)
        if len(served) == 30:
            slow_down.set()
        await asyncio.sleep(0.05)
        return OK

    jobs = [a_due_job(login_proven=False, target=a_target(hostname=f"host{n}.example")) for n in range(200)]
    async with a_worker(await opened(new_broker), FakeProbe(probe), capacity=10):
        for start in range(0, len(jobs), 20):
            await pipeline.publish(*jobs[start : start + 20])
        await slow_down.wait()
        await rabbitmq_server.kill()
        await rabbitmq_server.start()
        await pipeline.until_answered(*jobs)
    assert len(set(served)) == len(served), "the worker lived on, so each of its jobs is checked once"
    assert len(served) + len({missed.check_id for missed in pipeline.missed}) >= len(jobs)
    assert pipeline.dead_letters == []
