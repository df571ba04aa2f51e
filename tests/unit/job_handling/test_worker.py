"""A worker at work: each rule of handling jobs, seen from the broker."""

import asyncio
from collections import deque
from collections.abc import Iterator
from uuid import uuid4

import pytest
import structlog
from structlog.testing import capture_logs

from shared.broker.seam import BrokerUnavailable, PublishOutcome
from shared.broker.topology import CHECKS, RESULTS, checks_key, checks_queue
from shared.checks.outcome import Outcome
from shared.checks.vocabulary import (
    CheckKind,
    Lane,
    LoginOutcome,
    LoginPermission,
    MissedReason,
    OutcomeKind,
    Phase,
)
from shared.probing.job_handling.worker import flush_size, prefetches
from shared.probing.probe import OnPhase, ProbeRequest
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
    serving,
)

RETRY_KEY = checks_key("imap", LOCATION, Lane.RETRY)


@pytest.fixture(autouse=True)
def plain_logging() -> Iterator[None]:
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


async def done(task: "asyncio.Task[None]") -> None:
    async with asyncio.timeout(20):
        await task


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
        handling = worker.broker.hand_out(a_batch(a_job(start_at=PUBLISHED + 50)))
        for _ in range(10):
            await asyncio.sleep(0)
        assert probe.requests == []
        await done(handling)
        (result,) = worker.broker.results
        assert result.started_at >= PUBLISHED + 49


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
        await probe.began.wait()
        await asyncio.sleep(0.01)
        assert probe.running == 3
        probe.let_go.set()
        await done(handling)
        assert probe.most_running == 3
        assert len(worker.broker.results) == 10


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


async def test_each_check_leaves_one_log_line_and_no_password_anywhere() -> None:
    job = a_job()
    broker = FakeBroker()
    with capture_logs() as lines:
        async with serving(FakeProbe(), broker) as worker:
            await done(worker.broker.hand_out(a_batch(job)))
    (line,) = [line for line in lines if line["event"] == "check_probed"]
    assert line["check_id"] == str(job.check_id)
    assert (line["monitor_id"], line["kind"], line["total_ms"]) == (7, "ok", 5.0)
    said = str(lines) + str([message.body for message in broker.published])
    assert PASSWORD.decode() not in said


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
    monkeypatch.setattr("shared.probing.job_handling.worker.DRAIN_ANSWERS_SECONDS", 0.05)
    broker = FakeBroker()
    broker.away.update({RESULTS, CHECKS})
    async with serving(FakeProbe(), broker) as worker:
        checked, waiting = a_batch(a_job()), a_batch(a_job(start_at=PUBLISHED + 30_000))
        handling = [worker.broker.hand_out(delivery) for delivery in (checked, waiting)]
        await asyncio.sleep(0.01)
        await worker.drained()
        for task in handling:
            await done(task)
        assert checked.acks == 0
        assert waiting.acks == 0


async def test_after_stopping_nothing_runs_on() -> None:
    before = asyncio.all_tasks()
    async with serving(FakeProbe()) as worker:
        await done(worker.broker.hand_out(a_batch(a_job(check_id=uuid4(), target=a_target(logs_in=False)))))
    assert asyncio.all_tasks() == before
