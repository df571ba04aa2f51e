"""What the scheduler thinks in: queues, checks to be made, and what is decided about each of them."""

import asyncio
import json
from dataclasses import dataclass, field
from uuid import UUID

from services.scheduler.known_targets import Known, written
from shared.checks.messages import LoginAttempt, MissedSlots, WrittenJob
from shared.checks.slots import NOT_AFTER_CAP_MS, not_after
from shared.checks.target import CheckTarget
from shared.checks.vocabulary import CheckKind, Lane, LoginPermission, MissedReason

TEST_NOT_AFTER_MS = 10_000


@dataclass(slots=True, eq=False)
class Queue:
    """One protocol at one location. `turn` is held by whoever changes its rows of the schedule.

    Args:
        live: a worker was seen lately. takes_canaries: all that were know what that is.
        claimed_until: slots due until then have been claimed, by us; 0: nothing is known.
        canary_sent_at: when the last one was, by us.
    """

    location_id: int
    location: str
    protocol: str
    live: bool = True
    takes_canaries: bool = False
    claimed_until: int = 0
    canary_sent_at: int = 0
    requests_near: asyncio.Event = field(default_factory=asyncio.Event)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def key(self) -> tuple[int, str]:
        return self.location_id, self.protocol


@dataclass(frozen=True, slots=True)
class Check:
    """One run of a monitor (or of a test) that is to be made, as it stands before anything is decided.

    Args:
        slot_at: its identity. start_at: when it is to begin. give_up_at: when it is not worth making any more.
        proven: the credential's last login was accepted. ever_accepted: one was.
        waited: a row of check_requests; `waits_for` is why, where the scheduler itself let it wait.
        known: `target` with how it is written in a job, where that was done before.
    """

    check_id: UUID
    kind: CheckKind
    organization_id: int
    monitor_id: int
    monitor_public_id: UUID
    revision: int
    location: str
    location_id: int
    slot_at: int
    start_at: int
    give_up_at: int
    interval_ms: int
    target: CheckTarget
    credential_id: UUID | None
    proven: bool
    ever_accepted: bool
    waited: bool = False
    waits_for: MissedReason | None = None
    reply_to: str | None = None
    known: Known | None = field(default=None, repr=False, compare=False)

    @property
    def is_slot(self) -> bool:
        return self.kind is CheckKind.SCHEDULED

    @property
    def host(self) -> str:
        return self.target.hostname.lower()

    @property
    def lane(self) -> Lane:
        return Lane.DUE if self.is_slot else Lane.NOW

    def not_after(self, start_at: int) -> int:
        """When its job is stale, if it is to begin then."""
        if self.kind is CheckKind.TEST:
            return start_at + TEST_NOT_AFTER_MS
        return not_after(start_at, self.interval_ms or NOT_AFTER_CAP_MS)

    def missed(
        self, reason: MissedReason, *, retry_at: int | None = None, login_attempt: LoginAttempt | None = None
    ) -> MissedSlots:
        """The message that it was not made."""
        return MissedSlots(
            kind=self.kind,
            organization_id=self.organization_id,
            monitor_id=self.monitor_id,
            monitor_public_id=self.monitor_public_id,
            revision=self.revision,
            location=self.location,
            first_slot=self.slot_at,
            last_slot=self.slot_at,
            interval_ms=self.interval_ms,
            reason=reason,
            check_id=self.check_id,
            retry_at=retry_at,
            record=self.kind is not CheckKind.TEST,
            login_attempt=login_attempt,
        )


@dataclass(frozen=True, slots=True)
class Send:
    """Publish it. `granted`: it holds the account's one login, so that its end has to be watched."""

    check: Check
    start_at: int
    login: LoginPermission = LoginPermission.ALLOWED
    granted: bool = False

    @property
    def not_after(self) -> int:
        return self.check.not_after(self.start_at)

    @property
    def may_log_in(self) -> bool:
        return self.login is LoginPermission.ALLOWED and self.check.target.logs_in

    @property
    def is_trial(self) -> bool:
        return not self.check.ever_accepted and self.may_log_in

    @property
    def is_watched(self) -> bool:
        """Whether a row of check_requests follows it until its result is there."""
        return self.granted or self.check.waited

    def job(self) -> WrittenJob:
        """The message asking for it: a `CheckJob`, written from what was checked before rather than made and read."""
        check = self.check
        not_after = self.not_after
        known = check.known
        if known is None or known.target is not check.target:
            known = written(check.target)
        return WrittenJob(
            check.check_id,
            not_after,
            f'{{"check_id":"{check.check_id}","kind":"{check.kind}","organization_id":{check.organization_id},'
            f'"monitor_id":{check.monitor_id},"monitor_public_id":"{check.monitor_public_id}",'
            f'"revision":{check.revision},"location":"{check.location}","slot_at":{check.slot_at},'
            f'"start_at":{self.start_at},"not_after":{not_after},"interval_ms":{check.interval_ms},'
            f'"login":"{self.login}","login_proven":{"true" if check.proven else "false"},'
            f'"credential_id":{_or_null(check.credential_id)},"started":true,"reply_to":{json.dumps(check.reply_to)},'
            f'"target":{known.written}}}',
        )


def _or_null(value: UUID | None) -> str:
    return "null" if value is None else f'"{value}"'


@dataclass(frozen=True, slots=True)
class Wait:
    """Look at it again at `start_at`; past `give_up_at` it is missed for what it waits for."""

    check: Check
    start_at: int
    waits_for: MissedReason | None
    give_up_at: int


@dataclass(frozen=True, slots=True)
class Miss:
    """It is not made. `retry_at`: when somebody who waits for the answer may ask again."""

    check: Check
    reason: MissedReason
    retry_at: int | None = None


Decision = Send | Wait | Miss
