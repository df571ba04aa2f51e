"""What may be done with a job that arrived: make the check, leave it, or hand it on alone. Pure rules.

They keep two promises: a login is never repeated by redelivery unless the password is known to be good, and a job
that kills its worker takes no neighbour with it.
"""

from dataclasses import dataclass
from enum import Enum, auto

from shared.checks.messages import CheckJob
from shared.checks.vocabulary import Lane, LoginPermission, MissedReason


class Verdict(Enum):
    """What becomes of a job now."""

    CHECK = auto()
    MISS = auto()  # answered without a check, for `Admission.reason`
    HAND_ON = auto()  # to the retry lane, alone


@dataclass(frozen=True, slots=True)
class Admission:
    verdict: Verdict
    reason: MissedReason = MissedReason.STALE
    login_unknown: bool = False  # a login may have been sent by whoever had the job before


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a job came: its lane, whether and how often the broker has delivered it before, and in what company."""

    lane: Lane
    redelivered: bool
    jobs_in_batch: int
    deliveries_before: int = 0


def may_log_in(job: CheckJob) -> bool:
    """Whether making this check sends the password."""
    return job.target.logs_in and job.login is LoginPermission.ALLOWED


def may_have_begun(job: CheckJob, arrival: Arrival) -> bool:
    """Whether somebody may have begun this very job before.

    In the retry lane a job comes alone and fresh to the broker; there `started` tells one split from a redelivered
    batch from one a draining worker handed back untouched.
    """
    return arrival.redelivered or (arrival.lane is Lane.RETRY and job.started)


def admit(job: CheckJob, arrival: Arrival, *, now_ms: int) -> Admission:
    """What becomes of a job on arrival."""
    if may_have_begun(job, arrival) and may_log_in(job) and not job.login_proven:
        return Admission(Verdict.MISS, MissedReason.REDELIVERED, login_unknown=True)
    if is_stale(job, now_ms=now_ms):
        return Admission(Verdict.MISS, MissedReason.STALE)
    if arrival.redelivered and not _is_alone(arrival):
        return Admission(Verdict.HAND_ON)
    return Admission(Verdict.CHECK)


def _is_alone(arrival: Arrival) -> bool:
    """Whether a job that kills its worker would spare others, and others' deadly ones spare this.

    In the retry lane it would. Elsewhere a message of one job is tried once more where it stands, for that is
    quickest; handed out a third time, it may be the deadly one, or next to it and nearing the delivery limit.
    """
    if arrival.lane is Lane.RETRY:
        return arrival.jobs_in_batch == 1
    return arrival.jobs_in_batch == 1 and arrival.deliveries_before < 2


def is_stale(job: CheckJob, *, now_ms: int) -> bool:
    """Whether it is too late to begin."""
    return now_ms > job.not_after
