"""What a worker does before it stops, seen from the broker."""

import asyncio

import pytest

from shared.broker.topology import CHECKS, RESULTS, checks_key, checks_queue
from shared.checks.vocabulary import (
    Lane,
)
from tests.unit.job_handling.fakes import (
    LOCATION,
    PUBLISHED,
    FakeBroker,
    FakeProbe,
    HeldProbe,
    a_batch,
    a_job,
    done,
    serving,
)

RETRY_KEY = checks_key("imap", LOCATION, Lane.RETRY)


async def test_draining_finishes_what_has_begun_and_hands_back_what_has_not() -> None:
    probe = HeldProbe()
    begun, waiting, early = a_job(), a_job(), a_job(start_at=PUBLISHED + 30_000)
    unproven = a_job(login_proven=False)
    async with serving(probe, worker_capacity=1) as worker:
        deliveries = [a_batch(begun, waiting), a_batch(early, unproven)]
        handling = [worker.broker.hand_out(delivery) for delivery in deliveries]
        await probe.began.wait()
        worker.stop.set()
        await worker.broker.until(lambda: len(worker.broker.handed_on) == 3)
        assert sorted(worker.broker.drained) == sorted(checks_queue("imap", LOCATION, lane) for lane in Lane)
        assert not worker.task.done()
        assert deliveries[0].acks == 0
        probe.let_go.set()
        for task in handling:
            await done(task)
        await worker.drained()
        assert [delivery.acks for delivery in deliveries] == [1, 1]
        assert [result.check_id for result in worker.broker.results] == [begun.check_id]
        handed_on = worker.broker.handed_on
        assert {key for key, _ in handed_on} == {RETRY_KEY}
        assert {batch.jobs[0].check_id for _, batch in handed_on} == {
            waiting.check_id,
            early.check_id,
            unproven.check_id,
        }
        assert [batch.jobs[0].started for _, batch in handed_on] == [False] * 3
        assert [batch.published_at for _, batch in handed_on] == [PUBLISHED] * 3
    assert len(probe.requests) == 1


async def test_draining_does_not_call_untouched_what_another_may_have_begun() -> None:
    probe = HeldProbe()
    async with serving(probe, worker_capacity=1) as worker:
        worker.broker.hand_out(a_batch(a_job()))
        await probe.began.wait()
        worker.broker.hand_out(a_batch(a_job(), redelivered=True))
        await asyncio.sleep(0)
        worker.stop.set()
        await worker.broker.until(lambda: len(worker.broker.handed_on) == 1)
        assert worker.broker.handed_on[0][1].jobs[0].started
        probe.let_go.set()


async def test_draining_with_the_broker_away_gives_up_in_the_end_and_acknowledges_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shared.probing.job_handling.worker.DRAIN_ANSWERS_SECONDS", 1.0)
    broker = FakeBroker()
    broker.away.update({RESULTS, CHECKS})
    probe = FakeProbe()
    async with serving(probe, broker) as worker:
        checked, waiting = a_batch(a_job()), a_batch(a_job(start_at=PUBLISHED + 30_000))
        handling = [worker.broker.hand_out(delivery) for delivery in (checked, waiting)]
        await probe.began.wait()
        await worker.drained()
        for task in handling:
            await done(task)
        assert checked.acks == 0
        assert waiting.acks == 0
