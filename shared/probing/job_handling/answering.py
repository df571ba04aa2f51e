"""The answers a worker gives: the result of a check, or that a job is missed and why. Pure."""

from dataclasses import dataclass

from shared.checks.messages import CheckJob, CheckResult, LoginAttempt, MissedSlots
from shared.checks.outcome import Outcome
from shared.checks.vocabulary import (
    REFUSALS,
    CheckKind,
    LoginOutcome,
    LoginPermission,
    MissedReason,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """When and where a check was made, on the database's clock."""

    started_at: int
    ended_at: int
    worker: str
    loop_lag_ms: float


def result_of(job: CheckJob, outcome: Outcome, circumstances: Circumstances) -> CheckResult:
    """The result of a check that was made."""
    return CheckResult(
        check_id=job.check_id,
        kind=job.kind,
        organization_id=job.organization_id,
        monitor_id=job.monitor_id,
        monitor_public_id=job.monitor_public_id,
        revision=job.revision,
        location=job.location,
        slot_at=job.slot_at,
        start_at=job.start_at,
        started_at=circumstances.started_at,
        interval_ms=job.interval_ms,
        withheld=job.login is LoginPermission.WITHHELD and job.target.logs_in,
        record=job.reply_to is None and job.kind is not CheckKind.CANARY,
        outcome=outcome,
        login_attempt=login_attempt(job, _login_outcome(outcome), at_ms=circumstances.ended_at),
        protocol=job.target.protocol,
        worker=circumstances.worker,
        loop_lag_ms=round(circumstances.loop_lag_ms, 1),
    )


def missed(job: CheckJob, reason: MissedReason, *, login_unknown: bool, now_ms: int) -> MissedSlots:
    """That this one job was not done; with `login_unknown`, whoever had it before may have sent the password."""
    return MissedSlots(
        kind=job.kind,
        organization_id=job.organization_id,
        monitor_id=job.monitor_id,
        monitor_public_id=job.monitor_public_id,
        revision=job.revision,
        location=job.location,
        first_slot=job.slot_at,
        last_slot=job.slot_at,
        count=1,
        interval_ms=job.interval_ms,
        reason=reason,
        check_id=job.check_id,
        record=job.reply_to is None,
        login_attempt=login_attempt(job, LoginOutcome.UNKNOWN, at_ms=now_ms) if login_unknown else None,
    )


def login_attempt(job: CheckJob, outcome: LoginOutcome, *, at_ms: int) -> LoginAttempt | None:
    """What the ladder of (host, user) has to know; None when no password was sent."""
    if outcome is LoginOutcome.NOT_SENT or job.credential_id is None or job.target.user is None:
        return None
    return LoginAttempt(
        check_id=job.check_id,
        organization_id=job.organization_id,
        host=job.target.hostname.lower(),
        user=job.target.user,
        credential_id=job.credential_id,
        outcome=outcome,
        at_ms=at_ms,
    )


def _login_outcome(outcome: Outcome) -> LoginOutcome:
    """A refusal is one however the probe marked it, once anything was sent."""
    if outcome.kind in REFUSALS and outcome.login is not LoginOutcome.NOT_SENT:
        return LoginOutcome.REFUSED
    return outcome.login
