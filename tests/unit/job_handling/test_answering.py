"""The answers: what they repeat of the job, and what they say about the login."""

import pytest

from shared.checks.outcome import Outcome
from shared.checks.vocabulary import CheckKind, LoginOutcome, LoginPermission, MissedReason, OutcomeKind, Phase
from shared.probing.job_handling.answering import Circumstances, missed, result_of
from tests.unit.job_handling.fakes import OK, PUBLISHED, a_job, a_target

WHEN = Circumstances(started_at=PUBLISHED + 10, ended_at=PUBLISHED + 900, worker="imap_worker@x:1", loop_lag_ms=1.26)


def outcome(kind: OutcomeKind, login: LoginOutcome) -> Outcome:
    return Outcome(kind=kind, phase=Phase.AUTH, message="so", login=login)


def test_a_result_repeats_the_identity_of_its_job_and_says_when_and_where() -> None:
    job = a_job(start_at=PUBLISHED + 5, kind=CheckKind.FOLLOW_UP)
    result = result_of(job, OK, WHEN)
    for name in ("check_id", "kind", "organization_id", "monitor_id", "monitor_public_id", "revision", "location"):
        assert getattr(result, name) == getattr(job, name)
    assert (result.slot_at, result.start_at, result.interval_ms) == (PUBLISHED, PUBLISHED + 5, 60_000)
    assert (result.started_at, result.worker, result.loop_lag_ms) == (PUBLISHED + 10, "imap_worker@x:1", 1.3)
    assert result.record
    assert not result.withheld


@pytest.mark.parametrize(
    ("kind", "login", "told"),
    [
        (OutcomeKind.OK, LoginOutcome.ACCEPTED, LoginOutcome.ACCEPTED),
        (OutcomeKind.AUTH_REJECTED, LoginOutcome.REFUSED, LoginOutcome.REFUSED),
        (OutcomeKind.AUTH_EXPIRED, LoginOutcome.UNKNOWN, LoginOutcome.REFUSED),
        (OutcomeKind.CONNECTION_LOST, LoginOutcome.UNKNOWN, LoginOutcome.UNKNOWN),
        (OutcomeKind.AUTH_TEMPORARY, LoginOutcome.UNDECIDED, LoginOutcome.UNDECIDED),
    ],
)
def test_a_login_that_was_sent_is_told_with_how_it_went(
    kind: OutcomeKind, login: LoginOutcome, told: LoginOutcome
) -> None:
    job = a_job()
    attempt = result_of(job, outcome(kind, login), WHEN).login_attempt
    assert attempt is not None
    assert attempt.outcome is told
    assert (attempt.host, attempt.user) == ("mail.example.com", "user@example.com")
    assert (attempt.credential_id, attempt.check_id) == (job.credential_id, job.check_id)
    assert attempt.at_ms == WHEN.ended_at


@pytest.mark.parametrize("kind", [OutcomeKind.CONNECT_REFUSED, OutcomeKind.AUTH_UNSUPPORTED, OutcomeKind.AUTH_REJECTED])
def test_where_no_login_was_sent_there_is_none_to_tell(kind: OutcomeKind) -> None:
    assert result_of(a_job(), outcome(kind, LoginOutcome.NOT_SENT), WHEN).login_attempt is None


def test_only_a_check_that_would_log_in_can_be_withheld() -> None:
    withheld = a_job(login=LoginPermission.WITHHELD)
    assert result_of(withheld, OK, WHEN).withheld
    no_login = a_job(login=LoginPermission.WITHHELD, target=a_target(logs_in=False))
    assert not result_of(no_login, OK, WHEN).withheld


def test_a_missed_job_is_one_slot_of_a_known_check() -> None:
    job = a_job()
    slots = missed(job, MissedReason.STALE, login_unknown=False, now_ms=PUBLISHED)
    assert (slots.first_slot, slots.last_slot, slots.count) == (PUBLISHED, PUBLISHED, 1)
    assert (slots.check_id, slots.reason, slots.kind) == (job.check_id, MissedReason.STALE, CheckKind.SCHEDULED)
    assert slots.login_attempt is None


def test_a_missed_job_whose_login_may_have_been_sent_counts_as_unknown() -> None:
    attempt = missed(a_job(), MissedReason.REDELIVERED, login_unknown=True, now_ms=PUBLISHED).login_attempt
    assert attempt is not None
    assert attempt.outcome is LoginOutcome.UNKNOWN
