"""What a check is to the scheduler: its lane, its end, the job it becomes and the message that it was not made."""

import json
from dataclasses import replace
from uuid import UUID

from services.scheduler.plan import TEST_NOT_AFTER_MS, Queue, Send
from shared.checks.messages import CheckJob, LoginAttempt
from shared.checks.slots import NOT_AFTER_CAP_MS
from shared.checks.vocabulary import CheckKind, Lane, LoginOutcome, LoginPermission, MissedReason
from tests.support.scheduled_checks import CREDENTIAL, INTERVAL, SLOT, check, waited


def test_a_queue_is_known_by_location_and_protocol_and_lives_until_said_otherwise() -> None:
    queue = Queue(location_id=3, location="here", protocol="imap")
    assert queue.key == (3, "imap")
    assert queue.live
    assert not queue.takes_canaries
    assert (queue.claimed_until, queue.canary_sent_at) == (0, 0)


def test_slots_go_the_lane_of_slots_and_what_people_wait_for_the_other() -> None:
    assert (check().is_slot, check().lane) == (True, Lane.DUE)
    assert (waited().is_slot, waited().lane) == (False, Lane.NOW)
    assert check().host == "mail.example"


def test_a_job_is_stale_after_its_interval_and_after_a_minute_at_the_latest() -> None:
    assert replace(check(), interval_ms=30_000).not_after(SLOT) == SLOT + 30_000
    assert check(interval_ms=10 * INTERVAL).not_after(SLOT) == SLOT + NOT_AFTER_CAP_MS
    assert replace(check(), interval_ms=0).not_after(SLOT) == SLOT + NOT_AFTER_CAP_MS
    assert waited(kind="test").not_after(SLOT) == SLOT + TEST_NOT_AFTER_MS


def test_ten_seconds_are_what_people_wait_for_a_test() -> None:
    assert TEST_NOT_AFTER_MS == 10_000


def test_one_that_is_not_made_is_missed_by_its_own_name() -> None:
    attempt = LoginAttempt(
        check_id=UUID(int=11),
        organization_id=2,
        host="mail.example",
        user="anna",
        credential_id=CREDENTIAL,
        outcome=LoginOutcome.UNKNOWN,
        at_ms=SLOT,
    )
    said = waited().missed(MissedReason.BUSY, retry_at=SLOT + 5, login_attempt=attempt)
    assert (said.kind, said.check_id, said.location) == (CheckKind.TRIGGER, UUID(int=11), "here")
    assert (said.first_slot, said.last_slot, said.count, said.interval_ms) == (SLOT, SLOT, 1, INTERVAL)
    assert (said.organization_id, said.monitor_id, said.revision) == (2, 5, 4)
    assert (said.reason, said.retry_at, said.login_attempt) == (MissedReason.BUSY, SLOT + 5, attempt)
    assert said.record
    assert not waited(kind="test").missed(MissedReason.BUSY).record


def _asked(send: Send) -> CheckJob:
    """The job as the worker reads it."""
    written = send.job()
    job = CheckJob.model_validate_json(written.text)
    assert (job.check_id, job.not_after) == (written.check_id, written.not_after)
    assert set(json.loads(written.text)) == set(CheckJob.model_fields)
    return job


def test_a_job_says_all_a_worker_needs() -> None:
    job = _asked(Send(check(), SLOT + 7))
    assert (job.check_id, job.kind, job.organization_id) == (check().check_id, CheckKind.SCHEDULED, 2)
    assert (job.monitor_id, job.monitor_public_id, job.revision) == (5, check().monitor_public_id, 4)
    assert (job.location, job.slot_at, job.start_at, job.interval_ms) == ("here", SLOT, SLOT + 7, INTERVAL)
    assert job.not_after == SLOT + 7 + INTERVAL
    assert (job.login, job.login_proven, job.credential_id) == (LoginPermission.ALLOWED, True, CREDENTIAL)
    assert (job.reply_to, job.started, job.target) == (None, True, check().target)
    assert not _asked(Send(check(proven=False), SLOT)).login_proven
    assert _asked(Send(check(credential_id=None), SLOT)).credential_id is None
    assert _asked(Send(check(), SLOT, LoginPermission.WITHHELD)).login is LoginPermission.WITHHELD
    asked = _asked(Send(waited(reply_to='amq."gen'), SLOT))
    assert (asked.kind, asked.reply_to) == (CheckKind.TRIGGER, 'amq."gen')


def test_a_job_has_the_target_of_its_check_and_not_the_one_written_before() -> None:
    moved = check().target.model_copy(update={"hostname": "elsewhere.example"})
    assert _asked(Send(replace(check(), target=moved), SLOT)).target == moved


def test_only_a_login_with_what_was_never_let_in_is_a_trial() -> None:
    strange = check(ever_accepted=False)
    assert Send(strange, SLOT).is_trial
    assert not Send(check(), SLOT).is_trial
    assert not Send(strange, SLOT, LoginPermission.WITHHELD).is_trial
    without = replace(strange, target=strange.target.model_copy(update={"user": None, "sealed_password": None}))
    assert Send(without, SLOT).may_log_in == without.target.logs_in


def test_what_was_granted_or_has_waited_is_watched() -> None:
    assert not Send(check(), SLOT).is_watched
    assert Send(check(), SLOT, granted=True).is_watched
    assert Send(waited(), SLOT).is_watched
