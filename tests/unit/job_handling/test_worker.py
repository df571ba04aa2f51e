"""A worker at work: each rule of handling jobs, seen from the broker."""

import asyncio
from collections import deque
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from shared.broker.seam import BrokerUnavailable, PublishOutcome
from shared.broker.topology import RESULTS, checks_queue
from shared.checks.outcome import Outcome
from shared.checks.vocabulary import (
    CheckKind,
    Lane,
    LoginPermission,
    MissedReason,
    OutcomeKind,
    Phase,
)
from shared.probing.job_handling.worker import flush_size, prefetches
from shared.probing.probe import OnPhase, ProbeRequest
from shared.runtime import metrics
from tests.unit.job_handling.fakes import (
    LOCATION,
    PASSWORD,
    PUBLISHED,
    FakeBroker,
    FakeDelivery,
    FakeProbe,
    HeldProbe,
    a_batch,
    a_job,
    a_target,
    done,
    serving,
)


async def test_it_announces_itself_and_consumes_its_three_lanes() -> None:
    async with serving(FakeProbe(), worker_capacity=50) as worker:
        await worker.broker.until(lambda: bool(worker.broker.presences))
        present = worker.broker.presences[0]
        assert (present.location, present.location_name, present.country_code) == (LOCATION, "Frankfurt", "DE")
        assert (present.protocol, present.capacity) == ("imap", 50)
        assert present.worker.startswith("imap_worker@")
        assert set(worker.broker.handlers) == {checks_queue("imap", LOCATION, lane) for lane in Lane}
        assert worker.broker.prefetch[checks_queue("imap", LOCATION, Lane.RETRY)] == 1
        assert await worker.status.ready() is None


async def test_it_is_not_ready_while_a_queue_is_missing() -> None:
    broker = FakeBroker()
    broker.missing_queues.add(checks_queue("imap", LOCATION, Lane.NOW))
    async with serving(FakeProbe(), broker) as worker:
        assert "now" in (await worker.status.ready() or "")


@pytest.mark.parametrize("capacity", [1, 16, 200, 799, 100_000])
def test_four_batches_of_answers_fit_into_what_is_taken_ahead(capacity: int) -> None:
    assert prefetches(capacity)[Lane.DUE] >= 4 * flush_size(capacity)
    assert flush_size(capacity) >= 1


async def test_a_job_is_checked_and_answered_and_then_acknowledged() -> None:
    job = a_job()
    async with serving(FakeProbe()) as worker:
        delivery = a_batch(job)
        await done(worker.broker.hand_out(delivery))
        (result,) = worker.broker.results
        assert result.check_id == job.check_id
        assert result.outcome.kind is OutcomeKind.OK
        assert result.started_at >= job.start_at
        assert result.login_attempt is not None
        assert delivery.acks == 1


async def test_a_batch_is_acknowledged_only_when_all_its_jobs_are_answered() -> None:
    probe = HeldProbe()
    async with serving(probe) as worker:
        delivery = a_batch(a_job(not_after=PUBLISHED - 1), a_job())
        handling = worker.broker.hand_out(delivery)
        await worker.broker.until(lambda: len(worker.broker.answers) == 1)
        assert delivery.acks == 0
        probe.let_go.set()
        await done(handling)
        assert delivery.acks == 1
        assert len(worker.broker.answers) == 2


@pytest.mark.parametrize("failure", [BrokerUnavailable("gone"), PublishOutcome.REFUSED, PublishOutcome.UNROUTABLE])
async def test_nothing_is_acknowledged_before_its_answer_is_confirmed(
    failure: PublishOutcome | BrokerUnavailable,
) -> None:
    broker = FakeBroker()
    broker.script[RESULTS] = deque([failure])
    async with serving(FakeProbe(), broker) as worker:
        delivery = a_batch(a_job())
        handling = worker.broker.hand_out(delivery)
        await broker.until(lambda: not broker.script[RESULTS])
        assert delivery.acks == 0
        await done(handling)
        assert delivery.acks == 1
        assert len(broker.results) == 1


async def test_an_unreadable_message_goes_to_the_dead_letters() -> None:
    with capture_logs() as lines:
        async with serving(FakeProbe()) as worker:
            for delivery in (FakeDelivery(b"{"), FakeDelivery(b"{}", message_type="check-jobs.v9")):
                await done(worker.broker.hand_out(delivery))
                assert delivery.rejected is False
                assert delivery.acks == 0
    assert [line["event"] for line in lines].count("jobs_unreadable") == 2


async def test_a_job_waits_for_its_time_on_the_database_s_clock() -> None:
    probe = FakeProbe()
    async with serving(probe) as worker:
        handling = worker.broker.hand_out(a_batch(a_job(start_at=PUBLISHED + 2_000)))
        for _ in range(10):
            await asyncio.sleep(0)
        assert probe.requests == []
        await done(handling)
        (result,) = worker.broker.results
        assert result.started_at >= PUBLISHED + 1_999


async def test_a_job_past_its_time_is_missed_and_not_checked() -> None:
    probe = FakeProbe()
    job = a_job(start_at=PUBLISHED - 61_000, not_after=PUBLISHED - 1_000)
    async with serving(probe) as worker:
        delivery = a_batch(job)
        await done(worker.broker.hand_out(delivery))
        (missed,) = worker.broker.missed
        assert (missed.reason, missed.check_id, missed.count) == (MissedReason.STALE, job.check_id, 1)
        assert missed.login_attempt is None
        assert delivery.acks == 1
    assert probe.requests == []


async def test_a_job_that_waited_too_long_for_room_is_missed() -> None:
    probe = HeldProbe()
    async with serving(probe, worker_capacity=1) as worker:
        first = worker.broker.hand_out(a_batch(a_job()))
        await probe.began.wait()
        second = worker.broker.hand_out(a_batch(a_job(not_after=PUBLISHED)))
        await asyncio.sleep(0.02)
        probe.let_go.set()
        await done(first)
        await done(second)
        assert [missed.reason for missed in worker.broker.missed] == [MissedReason.STALE]
    assert len(probe.requests) == 1


async def test_no_more_checks_run_at_once_than_the_capacity() -> None:
    probe = HeldProbe()
    async with serving(probe, worker_capacity=3) as worker:
        handling = worker.broker.hand_out(a_batch(*(a_job() for _ in range(10))))
        async with asyncio.timeout(60):
            while probe.running < 3:  # noqa: ASYNC110 - they begin one by one, at the worker's own pace
                await asyncio.sleep(0.002)
        await asyncio.sleep(0.05)
        probe.let_go.set()
        await done(handling)
        assert probe.most_running == 3
        assert len(worker.broker.results) == 10


async def test_a_probe_that_breaks_is_an_answer_and_the_worker_lives_on() -> None:
    failing = iter([True, False])

    async def breaks_once(_request: ProbeRequest, _on_phase: OnPhase | None) -> Outcome:
        if next(failing):
            raise ZeroDivisionError
        return Outcome(kind=OutcomeKind.OK, phase=Phase.LOGOUT, message="fine")

    async with serving(FakeProbe(breaks_once)) as worker:
        for _ in range(2):
            await done(worker.broker.hand_out(a_batch(a_job())))
        assert [result.outcome.kind for result in worker.broker.results] == [OutcomeKind.INTERNAL, OutcomeKind.OK]


async def test_a_password_that_does_not_open_is_an_answer_and_shows_nothing() -> None:
    job = a_job()
    altered = job.model_copy(update={"target": job.target.model_copy(update={"hostname": "evil.example"})})
    async with serving(FakeProbe()) as worker:
        await done(worker.broker.hand_out(a_batch(altered)))
        (result,) = worker.broker.results
        assert result.outcome.kind is OutcomeKind.INTERNAL
        assert result.login_attempt is None


async def test_a_withheld_check_says_so() -> None:
    probe = FakeProbe()
    async with serving(probe) as worker:
        await done(worker.broker.hand_out(a_batch(a_job(login=LoginPermission.WITHHELD))))
        assert worker.broker.results[0].withheld
    assert not probe.requests[0].logs_in


async def test_a_test_s_answer_goes_to_who_asked_and_to_the_recorder_unrecorded() -> None:
    job = a_job(kind=CheckKind.TEST, monitor_id=0, reply_to="mailprobe.replies.g1")
    async with serving(FakeProbe()) as worker:
        await done(worker.broker.hand_out(a_batch(job), lane=Lane.NOW))
        (result,) = worker.broker.results
        assert not result.record
        assert result.login_attempt is not None
        assert worker.broker.replies == [("mailprobe.replies.g1", result)]


async def test_a_test_that_is_missed_is_told_to_who_asked_as_well() -> None:
    job = a_job(kind=CheckKind.TEST, monitor_id=0, reply_to="g1", not_after=PUBLISHED - 1)
    async with serving(FakeProbe()) as worker:
        await done(worker.broker.hand_out(a_batch(job), lane=Lane.NOW))
        (missed,) = worker.broker.missed
        assert not missed.record
        assert worker.broker.replies == [("g1", missed)]


async def test_the_checks_under_way_are_shown() -> None:
    def shown() -> float | None:
        return metrics.REGISTRY.get_sample_value("mailprobe_worker_in_flight", {"protocol": "imap"})

    probe = HeldProbe()
    async with serving(probe) as worker:
        settled = worker.broker.hand_out(a_batch(a_job(), a_job(check_id=uuid4())))
        await worker.broker.until(lambda: shown() == 2)
        probe.let_go.set()
        await done(settled)
        assert shown() == 0


async def test_each_check_leaves_one_log_line_and_no_password_anywhere() -> None:
    job, another = a_job(), a_job(check_id=uuid4())
    broker = FakeBroker()
    with capture_logs() as lines:
        async with serving(FakeProbe(), broker) as worker:
            await done(worker.broker.hand_out(a_batch(job, another)))
    said_of = [each for line in lines if line["event"] == "check_probed" for each in line["each"]]
    assert sorted(each["check_id"] for each in said_of) == sorted([str(job.check_id), str(another.check_id)])
    for each in said_of:
        assert (each["monitor_id"], each["kind"], each["total_ms"]) == (7, "ok", 5.0)
    said = str(lines) + str([message.body for message in broker.published])
    assert PASSWORD.decode() not in said


async def test_after_stopping_nothing_runs_on() -> None:
    before = asyncio.all_tasks()
    async with serving(FakeProbe()) as worker:
        await done(worker.broker.hand_out(a_batch(a_job(check_id=uuid4(), target=a_target(logs_in=False)))))
    assert asyncio.all_tasks() == before
