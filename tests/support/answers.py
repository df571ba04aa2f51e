"""Answers as workers and the scheduler send them, for one imagined monitor, with only what a test cares about named."""

from typing import Any
from uuid import UUID, uuid4, uuid5

from shared.checks.messages import CheckResult, LoginAttempt, MissedSlots
from shared.checks.outcome import Outcome
from shared.checks.slots import check_id as slot_check_id
from shared.checks.vocabulary import CheckKind, LoginOutcome, MissedReason, OutcomeKind, Phase

PUBLIC_ID = UUID("7b0c8f1e-5f0a-4c8e-9d55-0a6a58f9f3aa")
CREDENTIAL = UUID("0d9ad5a5-9a32-4a8c-8d6b-6f5b5b1f9c11")
BEGIN_MS = 1_800_000_000_000
INTERVAL_MS = 60_000

_PHASES = {
    OutcomeKind.CONNECT_REFUSED: Phase.CONNECT,
    OutcomeKind.AUTH_REJECTED: Phase.AUTH,
    OutcomeKind.RATE_LIMITED: Phase.AUTH,
    OutcomeKind.MAILBOX_MISSING: Phase.MAILBOX,
    OutcomeKind.INTERNAL: Phase.DNS,
}


def slot(number: int) -> int:
    """The slot of this number: a minute apart."""
    return BEGIN_MS + number * INTERVAL_MS


def public_id_of(monitor_id: int) -> UUID:
    """A monitor's UUID, the same each time."""
    return uuid5(PUBLIC_ID, str(monitor_id))


def answer(
    at: int,
    kind: OutcomeKind = OutcomeKind.OK,
    *,
    monitor_id: int = 1,
    organization_id: int = 1,
    location: str = "here",
    check_kind: CheckKind = CheckKind.SCHEDULED,
    withheld: bool = False,
    phase: Phase | None = None,
    login: LoginOutcome = LoginOutcome.NOT_SENT,
    attempt: LoginAttempt | None = None,
    revision: int = 1,
    **more: Any,
) -> CheckResult:
    """A result for the slot (or asking time) `at`, in ms."""
    known = slot_check_id(public_id_of(monitor_id), location, at)
    started_at = more.pop("started_at", at + 500)
    total_ms = more.pop("total_ms", 120.0)
    warnings = more.pop("warnings", ())
    return CheckResult(
        check_id=more.pop("check_id", known if check_kind is CheckKind.SCHEDULED else uuid4()),
        kind=check_kind,
        organization_id=organization_id,
        monitor_id=monitor_id,
        monitor_public_id=public_id_of(monitor_id),
        revision=revision,
        location=location,
        slot_at=at,
        start_at=at,
        started_at=started_at,
        interval_ms=INTERVAL_MS,
        withheld=withheld,
        login_attempt=attempt,
        outcome=Outcome(
            kind=kind,
            phase=phase or _PHASES.get(kind, Phase.CAPABILITY if withheld else Phase.LOGOUT),
            message=f"It ended in {kind}.",
            server_words="the server's words",
            login=login,
            phases_ms={Phase.DNS: 1.5},
            total_ms=total_ms,
            warnings=warnings,
        ),
        worker=more.pop("worker", "imap_worker@here:1"),
        **more,
    )


def login_attempt(
    outcome: LoginOutcome,
    at_ms: int,
    *,
    check_id: UUID | None = None,
    credential_id: UUID = CREDENTIAL,
    user: str = "Someone@Example.com",
    host: str = "Mail.Example.com",
) -> LoginAttempt:
    """How one login to the account went."""
    return LoginAttempt(
        check_id=check_id or uuid4(),
        organization_id=1,
        host=host,
        user=user,
        credential_id=credential_id,
        outcome=outcome,
        at_ms=at_ms,
    )


def with_login(result: CheckResult, outcome: LoginOutcome, **more: Any) -> CheckResult:
    """The same result, having tried to log in."""
    attempt = login_attempt(outcome, result.started_at, check_id=result.check_id, **more)
    told = result.outcome.model_copy(update={"login": outcome})
    return result.model_copy(update={"login_attempt": attempt, "outcome": told})


def missed(
    first: int,
    count: int = 1,
    *,
    monitor_id: int = 1,
    location: str = "here",
    kind: CheckKind = CheckKind.SCHEDULED,
    interval_ms: int = INTERVAL_MS,
    reason: MissedReason = MissedReason.OUTAGE,
    **more: Any,
) -> MissedSlots:
    """`count` slots from `first` (in ms) on that nobody answered."""
    return MissedSlots(
        kind=kind,
        organization_id=1,
        monitor_id=monitor_id,
        monitor_public_id=public_id_of(monitor_id),
        revision=more.pop("revision", 1),
        location=location,
        first_slot=first,
        last_slot=first + (count - 1) * interval_ms,
        count=count,
        interval_ms=interval_ms,
        reason=reason,
        **more,
    )
