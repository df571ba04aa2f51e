"""What a worker does with jobs that come again, seen from the broker."""

import asyncio
from collections import deque

import pytest

from shared.broker.seam import BrokerUnavailable, PublishOutcome
from shared.broker.topology import CHECKS, checks_key
from shared.checks.vocabulary import (
    Lane,
    LoginOutcome,
    MissedReason,
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


async def test_a_redelivered_batch_is_split_and_each_job_republished_alone() -> None:
    probe = FakeProbe()
    jobs = [a_job() for _ in range(3)]
    async with serving(probe) as worker:
        delivery = a_batch(*jobs, redelivered=True)
        await done(worker.broker.hand_out(delivery))
        handed_on = worker.broker.handed_on
        assert [key for key, _ in handed_on] == [RETRY_KEY] * 3
        assert [[job.check_id for job in batch.jobs] for _, batch in handed_on] == [[job.check_id] for job in jobs]
        assert all(batch.jobs[0].started for _, batch in handed_on)
        assert delivery.acks == 1
    assert probe.requests == []


async def test_a_redelivered_batch_is_acknowledged_only_when_its_jobs_are_handed_on() -> None:
    broker = FakeBroker()
    broker.script[CHECKS] = deque([PublishOutcome.CONFIRMED, BrokerUnavailable("gone"), PublishOutcome.REFUSED])
    async with serving(FakeProbe(), broker) as worker:
        delivery = a_batch(a_job(), a_job(), redelivered=True)
        handling = worker.broker.hand_out(delivery)
        await broker.until(lambda: len(broker.script[CHECKS]) == 1)
        assert delivery.acks == 0
        await done(handling)
        assert delivery.acks == 1
        assert len(broker.handed_on) == 2


async def test_before_a_retried_job_begins_what_was_handed_on_is_acknowledged() -> None:
    probe = FakeProbe()
    async with serving(probe) as worker:
        batch = a_batch(a_job(), a_job(), redelivered=True)
        splitting = worker.broker.hand_out(batch)
        await worker.broker.until(lambda: len(worker.broker.handed_on) == 2)
        retried = worker.broker.hand_out(a_batch(worker.broker.handed_on[0][1].jobs[0]), lane=Lane.RETRY)
        await done(splitting)
        assert batch.acks == 1
        assert probe.requests == []
        await done(retried)
        assert len(probe.requests) == 1


async def test_a_job_that_cannot_be_handed_on_in_its_time_is_missed() -> None:
    broker = FakeBroker()
    broker.away.add(CHECKS)
    jobs = [a_job(not_after=PUBLISHED + 100) for _ in range(2)]
    async with serving(FakeProbe(), broker) as worker:
        await done(worker.broker.hand_out(a_batch(a_job())))  # tells the time
        delivery = a_batch(*jobs, redelivered=True)
        await done(worker.broker.hand_out(delivery))
        assert [missed.reason for missed in broker.missed] == [MissedReason.STALE] * 2
        assert delivery.acks == 1


async def test_a_job_once_split_off_that_comes_by_the_retry_lane_is_checked_when_proven() -> None:
    async with serving(FakeProbe()) as worker:
        await done(worker.broker.hand_out(a_batch(a_job()), lane=Lane.RETRY))
        assert len(worker.broker.results) == 1


@pytest.mark.parametrize(("lane", "redelivered"), [(Lane.DUE, True), (Lane.NOW, True), (Lane.RETRY, False)])
async def test_an_unproven_job_that_may_have_begun_does_not_log_in_again(lane: Lane, redelivered: bool) -> None:
    probe = FakeProbe()
    job = a_job(login_proven=False)
    async with serving(probe) as worker:
        delivery = a_batch(job, redelivered=redelivered)
        await done(worker.broker.hand_out(delivery, lane=lane))
        (missed,) = worker.broker.missed
        assert (missed.reason, missed.check_id) == (MissedReason.REDELIVERED, job.check_id)
        assert missed.login_attempt is not None
        assert missed.login_attempt.outcome is LoginOutcome.UNKNOWN
        assert missed.login_attempt.credential_id == job.credential_id
        assert delivery.acks == 1
    assert probe.requests == []


async def test_a_redelivered_proven_job_runs_again() -> None:
    async with serving(FakeProbe()) as worker:
        await done(worker.broker.hand_out(a_batch(a_job(), redelivered=True)))
        assert len(worker.broker.results) == 1
        assert worker.broker.handed_on == []


async def test_a_job_handed_out_a_third_time_leaves_its_neighbours() -> None:
    async with serving(FakeProbe()) as worker:
        await done(worker.broker.hand_out(a_batch(a_job(), redelivered=True, x_delivery_count=2)))
        assert [key for key, _ in worker.broker.handed_on] == [RETRY_KEY]


async def test_a_job_handed_back_untouched_runs_as_new() -> None:
    async with serving(FakeProbe()) as worker:
        job = a_job(started=False, login_proven=False)
        await done(worker.broker.hand_out(a_batch(job), lane=Lane.RETRY))
        assert len(worker.broker.results) == 1


async def test_a_delivery_repeated_while_its_job_is_under_way_waits_for_that_one() -> None:
    probe = HeldProbe()
    jobs = [a_job(login_proven=False), a_job(login_proven=False)]
    async with serving(probe) as worker:
        first = worker.broker.hand_out(a_batch(*jobs))
        await probe.began.wait()
        again = a_batch(*jobs, redelivered=True)
        second = worker.broker.hand_out(again)
        await asyncio.sleep(0.01)
        assert again.acks == 0
        probe.let_go.set()
        await done(first)
        await done(second)
        assert again.acks == 1
        assert len(worker.broker.results) == 2
        assert worker.broker.missed == []
    assert len(probe.requests) == 2


async def test_a_delivery_repeated_after_its_job_was_answered_is_only_acknowledged() -> None:
    probe = FakeProbe()
    job = a_job(login_proven=False)
    async with serving(probe) as worker:
        await done(worker.broker.hand_out(a_batch(job)))
        again = a_batch(job, redelivered=True)
        await done(worker.broker.hand_out(again))
        assert again.acks == 1
        assert len(worker.broker.answers) == 1
    assert len(probe.requests) == 1
