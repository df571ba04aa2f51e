"""From rows to checks: what was claimed, and what was asked for, as one kind of thing. Pure."""

from typing import Any, TypeAlias
from uuid import UUID

import structlog
from pydantic import ValidationError

from services.scheduler.known_targets import KnownTargets
from services.scheduler.plan import Check, Queue
from shared.checks.messages import MissedSlots
from shared.checks.slots import check_id
from shared.checks.target import CheckTarget, target_from_monitor
from shared.checks.vocabulary import CheckKind, MissedReason

Row: TypeAlias = Any  # asyncpg.Record

_log = structlog.get_logger()

# Asked for when nothing is known of the monitor any more, nor of how often it was checked.
UNKNOWN_INTERVAL_MS = 60_000
_NO_TARGET = CheckTarget.model_construct(hostname="", port=1)


def slot_check(row: Row, queue: Queue, targets: KnownTargets) -> Check | None:
    """The check of a slot just claimed; None where the monitor does not read as one (that is a bug, and logged)."""
    known = targets.of(row, queue.protocol, _target)
    if known is None:
        return None
    return Check(
        check_id=check_id(row["monitor_public_id"], queue.location, row["slot"]),
        kind=CheckKind.SCHEDULED,
        organization_id=row["organization_id"],
        monitor_id=row["monitor_id"],
        monitor_public_id=row["monitor_public_id"],
        revision=row["revision"],
        location=queue.location,
        location_id=queue.location_id,
        slot_at=row["slot"],
        start_at=row["slot"],
        give_up_at=row["slot"] + row["interval_ms"],
        interval_ms=row["interval_ms"],
        target=known.target,
        credential_id=row["credential_id"],
        proven=bool(row["proven"]),
        ever_accepted=bool(row["ever_accepted"]),
        known=known,
    )


def request_check(row: Row) -> tuple[Check, MissedReason | None]:
    """The check asked for, with its monitor as it stands now, and why it cannot be made, if so."""
    is_test = row["kind"] == CheckKind.TEST
    if is_test:
        target, impossible = _given_target(row), None
    else:
        target = _target(row, row["protocol"]) if row["stands"] else None
        impossible = None if row["stands"] else MissedReason.DELETED
    if target is None and impossible is None:
        impossible = MissedReason.UNANSWERED
    check = Check(
        check_id=row["check_id"],
        kind=CheckKind(row["kind"]),
        organization_id=row["organization_id"],
        monitor_id=row["monitor_id"],
        monitor_public_id=row["monitor_public_id"],
        revision=row["revision"] or row["published_revision"] or 0,
        location=row["location"],
        location_id=row["location_id"],
        slot_at=row["slot_at"],
        start_at=row["start_at"],
        give_up_at=row["give_up_at"],
        interval_ms=row["interval_ms"] or UNKNOWN_INTERVAL_MS,
        target=target or _NO_TARGET,
        credential_id=row["known_credential_id"] if is_test else row["credential_id"],
        proven=bool(row["proven"]),
        ever_accepted=bool(row["ever_accepted"]),
        waited=True,
        waits_for=MissedReason(row["waits_for"]) if row["waits_for"] else None,
        reply_to=row["reply_to"],
    )
    return check, impossible


def passed_over(row: Row, location: str) -> MissedSlots | None:
    """The slots between the one claimed before and the one claimed now, if there are any."""
    interval = row["interval_ms"]
    count = (row["slot"] - row["was"]) // interval - 1
    if count < 1:
        return None
    return missed_slots(row, location, row["was"] + interval, count, MissedReason.OUTAGE)


def missed_slots(row: Row, location: str, first_slot: int, count: int, reason: MissedReason) -> MissedSlots:
    """`count` slots of a row of the schedule that end without a result."""
    public_id: UUID = row["monitor_public_id"]
    return MissedSlots(
        organization_id=row["organization_id"],
        monitor_id=row["monitor_id"],
        monitor_public_id=public_id,
        revision=row["revision"],
        location=location,
        first_slot=first_slot,
        last_slot=first_slot + (count - 1) * row["interval_ms"],
        count=count,
        interval_ms=row["interval_ms"],
        reason=reason,
        check_id=check_id(public_id, location, first_slot) if count == 1 else None,
    )


def _target(row: Row, protocol: str) -> CheckTarget | None:
    try:
        target = target_from_monitor(
            hostname=row["hostname"],
            port=row["port"],
            timeout_seconds=row["timeout_seconds"],
            config=row["config"],
            sealed_password=row["sealed_password"],
        )
        if target.protocol != protocol:
            # Its job would go to the other protocol's workers; nor may one such row stop the rest of its queue.
            raise ValueError("the protocol differs from its configuration's")
    except (ValueError, TypeError, AttributeError) as error:
        _say_unreadable(row, error)
        return None
    return target


def _given_target(row: Row) -> CheckTarget | None:
    try:
        return CheckTarget.model_validate(row["target"])
    except ValueError as error:
        _say_unreadable(row, error)
        return None


def _say_unreadable(row: Row, error: Exception) -> None:
    # Without the values: a target carries a sealed password.
    where = [fault["loc"] for fault in error.errors()] if isinstance(error, ValidationError) else type(error).__name__
    _log.error("target_unreadable", monitor_id=row["monitor_id"], faults=where)
