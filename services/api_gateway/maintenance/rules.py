"""What a window's fields may be together, and whom it is for. Pure.

Works on what was sent laid over what is stored, so that a change is judged by what comes of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from services.api_gateway.maintenance.models import RecurrencePattern, WindowFields
from services.api_gateway.problems import Fault
from shared.checks.maintenance import (
    LONGEST_RECURRING_MS,
    Window,
    longest_pause_ms,
    occurrences,
    window_from_pattern,
)

_DAY_MS = 86_400_000
_LONGEST_DAYS = LONGEST_RECURRING_MS // _DAY_MS
UPCOMING = 5
# Looked for nearby first: a daily window has five within a week, and a list may show hundreds of them.
_AHEAD_DAYS = (8, 62, 800)


@dataclass(frozen=True, slots=True)
class Plan:
    """When a window is, and whether: the values a request may set apart from whom it is for."""

    name: str
    description: str | None
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    pattern: Mapping[str, Any] | None
    is_active: bool

    def window(self) -> Window:
        """What its occurrences are worked out from."""
        return window_from_pattern(
            starts_ms=round(self.starts_at.timestamp() * 1000),
            ends_ms=round(self.ends_at.timestamp() * 1000),
            time_zone=self.time_zone,
            pattern=self.pattern,
        )


@dataclass(frozen=True, slots=True)
class Selection:
    """Whom a window is for: monitors and tags of one customer, tags of everybody (no customer), or a whole customer."""

    monitor_ids: tuple[int, ...] = ()
    tag_ids: tuple[int, ...] = ()
    customer_id: int | None = None
    whole_customer: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom a request says it is for, in its own names; None: not said."""

    monitor: int | UUID | None = None
    targets: Sequence[int | UUID] | None = None
    tags: Sequence[int | UUID] | None = None
    customer: int | UUID | None = None

    @property
    def says_nothing(self) -> bool:
        return self == Wanted()


def planned(sent: WindowFields, *, stored: Plan | None) -> tuple[Plan | None, list[Fault]]:
    """The plan that comes of a request, and what is wrong with it. `sent` is sound field by field."""
    told = sent.model_fields_set

    def value(name: str, before: Any) -> Any:
        return getattr(sent, name) if stored is None or name in told else before

    plan = Plan(
        name=value("name", stored and stored.name),
        description=value("description", stored and stored.description),
        starts_at=value("start_time", stored and stored.starts_at),
        ends_at=value("end_time", stored and stored.ends_at),
        time_zone=value("time_zone", stored and stored.time_zone),
        pattern=None,
        is_active=value("is_active", stored and stored.is_active),
    )
    pattern, faults = _pattern(sent, stored)
    plan = replace(plan, pattern=pattern)
    at_fault = "/endTime" if stored is None or "end_time" in told or "start_time" not in told else "/startTime"
    if plan.ends_at <= plan.starts_at:
        faults.append(Fault(pointer=at_fault, detail="End time must be after start time"))
    elif pattern is not None and (plan.ends_at - plan.starts_at).total_seconds() * 1000 > LONGEST_RECURRING_MS:
        faults.append(Fault(pointer=at_fault, detail=f"a recurring window may last {_LONGEST_DAYS} days at most"))
    elif pattern is not None and _never_ends(plan.window()):
        said = "End time has to be before the window begins again, or nobody would ever be told of a failure"
        faults.append(Fault(pointer=at_fault, detail=said))
    return (None if faults else plan), faults


def upcoming(plan: Plan, *, now: datetime) -> list[tuple[int, int]]:
    """The next times it is open (begin, end), the current one first: five at most, within a little over two years."""
    if not plan.is_active:
        return []
    window = plan.window()
    now_ms = round(now.timestamp() * 1000)
    ahead_of_ms = max(now_ms, window.starts_ms)
    found: list[tuple[int, int]] = []
    for days in _AHEAD_DAYS:
        found = occurrences(window, from_ms=now_ms, until_ms=ahead_of_ms + days * _DAY_MS)
        if len(found) >= UPCOMING or window.recurrence is None:
            break
    return sorted(found)[:UPCOMING]


def _never_ends(window: Window) -> bool:
    lasts_ms = window.ends_ms - window.starts_ms
    return window.recurrence is not None and lasts_ms >= longest_pause_ms(window.recurrence)


def _pattern(sent: WindowFields, stored: Plan | None) -> tuple[Mapping[str, Any] | None, list[Fault]]:
    told = sent.model_fields_set
    before = None if stored is None else stored.pattern
    recurring = sent.is_recurring if stored is None or "is_recurring" in told else before is not None
    pattern: RecurrencePattern | None = sent.recurrence_pattern
    if not recurring:
        # A form sends what stands in its fields, whether it is ticked or not.
        if pattern is not None and "is_recurring" not in told:
            said = "isRecurring must be true for a window with a recurrencePattern"
            return None, [Fault(pointer="/isRecurring", detail=said)]
        return None, []
    kept = before if stored is not None and "recurrence_pattern" not in told else None
    if pattern is None and kept is None:
        said = "recurrencePattern is required for a recurring window"
        return None, [Fault(pointer="/recurrencePattern", detail=said)]
    return (kept if pattern is None else pattern.stored()), []


def wanted(sent: WindowFields, *, shown: Mapping[str, Any] | None = None) -> Wanted:
    """Whom a request says a window is for. What it repeats of the answer that was `shown` says nothing."""
    told = sent.model_fields_set
    shown = shown or {}

    def repeated(name: str, value: Any) -> bool:
        return name not in told or (name in shown and value == shown[name])

    targets = None if sent.targets is None else [target.id for target in sent.targets]
    return Wanted(
        monitor=None if repeated("imap_pop_monitor_id", sent.imap_pop_monitor_id) else sent.imap_pop_monitor_id,
        targets=None if repeated("targets", targets) else targets or [],
        tags=None if repeated("tag_ids", sent.tag_ids) else sent.tag_ids or [],
        customer=None if repeated("customer_id", sent.customer_id) else sent.customer_id,
    )


def way_faults(wanted: Wanted, *, stored: Selection | None) -> list[Fault]:
    """There is exactly one way to say whom a window is for; targets and tags go together, and tags with a customer."""
    targets = bool(wanted.targets)
    if wanted.targets is None and wanted.monitor is None and stored is not None:
        targets = bool(stored.monitor_ids)
    tags = bool(wanted.tags) if wanted.tags is not None or stored is None else bool(stored.tag_ids)
    faults = []
    if wanted.monitor is not None:
        faults += [
            Fault(pointer=f"/{name}", detail=f"{name} does not go with imapPopMonitorId")
            for name, said in (
                ("targets", bool(wanted.targets)),
                ("tagIds", bool(wanted.tags)),
                ("customerId", wanted.customer is not None),
            )
            if said
        ]
    elif targets and wanted.customer is not None:
        faults.append(Fault(pointer="/customerId", detail="customerId does not go with targets, which have theirs"))
    elif not targets and not tags and wanted.customer is None and (stored is None or not stored.whole_customer):
        said = "a window is for one of imapPopMonitorId, targets, tagIds and customerId"
        faults.append(Fault(pointer="/targets", detail=said))
    return faults


def selected(
    wanted: Wanted,
    *,
    stored: Selection | None,
    monitors: Mapping[int | UUID, int],
    tags: Mapping[int | UUID, int],
    customer_of_monitors: int | None,
    customer_id: int | None,
) -> Selection:
    """Whom it is for in the end.

    Args:
        monitors, tags: the numbers of those wanted, by the names they were wanted by.
        customer_of_monitors: of the monitors wanted. customer_id: of the customer wanted.
    """
    before = stored or Selection()
    if wanted.monitor is not None:
        return Selection(monitor_ids=(monitors[wanted.monitor],), customer_id=customer_of_monitors)
    monitor_ids, tag_ids = before.monitor_ids, before.tag_ids
    if wanted.targets is not None:
        monitor_ids = tuple(dict.fromkeys(monitors[name] for name in wanted.targets))
    if wanted.tags is not None:
        tag_ids = tuple(dict.fromkeys(tags[name] for name in wanted.tags))
    if wanted.targets:
        customer = customer_of_monitors
    else:
        customer = before.customer_id if wanted.customer is None else customer_id
    whole = not monitor_ids and not tag_ids and (wanted.customer is not None or before.whole_customer)
    return Selection(monitor_ids=monitor_ids, tag_ids=tag_ids, customer_id=customer, whole_customer=whole)
