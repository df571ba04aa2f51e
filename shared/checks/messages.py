"""The messages between services: jobs out, results and presence back. JSON an operator can read.

Versions stand in the message property `type`; a reader ignores fields it does not know.
"""

from typing import Annotated, Literal, NamedTuple
from uuid import UUID

from pydantic import Field

from shared.checks.outcome import Outcome
from shared.checks.target import CheckTarget, Message
from shared.checks.vocabulary import (
    CheckKind,
    LoginOutcome,
    LoginPermission,
    MailProtocol,
    MissedReason,
)

JOBS_TYPE = "check-jobs.v1"
RESULTS_TYPE = "check-results.v1"
PRESENCE_TYPE = "presence.v1"
NEWS_TYPE = "news.v1"


class CheckJob(Message):
    """One check to make.

    `slot_at` is identity and never changes; `start_at` is when to begin; past `not_after` it is stale. A check of
    kind `test` has no monitor: `monitor_id` is 0 and `monitor_public_id` a one-time UUID its password is sealed to.
    Nor has a `canary`, whose target is the worker's to choose: of this one, only the protocol counts. It travels in
    a message of its own both ways, so that a reader too old to know its kind loses nothing else with it.
    """

    check_id: UUID
    kind: CheckKind
    organization_id: int
    monitor_id: int
    monitor_public_id: UUID
    revision: int
    location: str
    slot_at: int
    start_at: int
    not_after: int
    interval_ms: int
    login: LoginPermission = LoginPermission.ALLOWED
    login_proven: bool = False
    credential_id: UUID | None = None
    started: bool = True  # False on a job handed back untouched by a draining worker
    reply_to: str | None = None  # routing key on the replies exchange; such a check is not recorded in history
    target: CheckTarget


class JobBatch(Message):
    """1..n jobs of one queue. `published_at` lets the worker correct its own clock."""

    published_at: int
    jobs: tuple[CheckJob, ...]


class WrittenJob(NamedTuple):
    """A `CheckJob` as JSON, and what its message says of it outside."""

    check_id: UUID
    not_after: int
    text: str


class LoginAttempt(Message):
    """How one login went, for the ladder that (host, user) climbs."""

    check_id: UUID
    organization_id: int
    host: str
    user: str
    credential_id: UUID
    outcome: LoginOutcome
    at_ms: int


class CheckResult(Message):
    """A worker's answer to one job."""

    type: Literal["result"] = "result"
    check_id: UUID
    kind: CheckKind
    organization_id: int
    monitor_id: int
    monitor_public_id: UUID
    revision: int
    location: str
    slot_at: int
    start_at: int
    started_at: int  # when the worker really began
    interval_ms: int
    withheld: bool = False
    record: bool = True  # False: only the login attempt is kept (`test`), or that it came through (`canary`)
    outcome: Outcome
    login_attempt: LoginAttempt | None = None
    protocol: MailProtocol | None = None  # None: from a worker too old to say
    worker: str = ""
    loop_lag_ms: float = 0.0


class MissedSlots(Message):
    """Slots (or one request) that ended without a result: `count` of them, `interval_ms` apart.

    From the scheduler, or from a worker for a job it may not do any more. `check_id` is set where it is one known
    check; of a request, `kind` is not `scheduled`.
    """

    type: Literal["missed"] = "missed"
    kind: CheckKind = CheckKind.SCHEDULED
    organization_id: int
    monitor_id: int
    monitor_public_id: UUID
    revision: int
    location: str
    first_slot: int
    last_slot: int
    count: Annotated[int, Field(ge=1)] = 1
    interval_ms: int
    reason: MissedReason
    check_id: UUID | None = None
    retry_at: int | None = None  # to somebody who waits for the answer: when it may be asked again
    record: bool = True
    login_attempt: LoginAttempt | None = None


ResultMessage = Annotated[CheckResult | MissedSlots, Field(discriminator="type")]


class ResultBatch(Message):
    """1..n results; each is recorded at most once, by its `check_id`."""

    results: tuple[ResultMessage, ...]


class Presence(Message):
    """A worker's sign of life, every few seconds."""

    location: str
    location_name: str
    country_code: str | None = None  # ISO 3166-1 alpha-2
    protocol: MailProtocol
    worker: str  # service@host:pid
    capacity: int  # checks at once
    in_flight: int = 0
    canaries: bool = False  # it knows jobs of this kind; a worker too old to say so gets none


class News(Message):
    """Something was stored that somebody may be watching for: where to look, not what it is.

    `organizations` have new events; `checks` are new results, as (monitor_id, check_id, slot_at).
    """

    organizations: tuple[int, ...] = ()
    checks: tuple[tuple[int, UUID, int], ...] = ()
