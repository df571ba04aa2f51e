"""How a page stands: its lines with their states and days, incidents, planned work, and all of it in a word. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import reduce
from operator import add
from uuid import UUID, uuid5

from services.api_gateway.field_types import moment_of_ms
from services.api_gateway.history.spans import DAY_MS
from services.api_gateway.status_pages.discretion import Discretion, readable
from services.api_gateway.status_pages.page_store import Line, StoredPage
from services.api_gateway.status_pages.view_store import (
    DAYS,
    NOTHING,
    Day,
    Seen,
    SeenIncident,
    SeenMonitor,
    SeenWindow,
)
from shared.checks.vocabulary import Health, MonitorStatus, Phase

# More of a day than this lost, and it was not available at all, to look at.
_BAD_DAY_BELOW = 9_500
_HUNDREDTHS = 10_000

_WRONG: Mapping[str, str] = {
    Phase.DNS: "The server's name is not found",
    Phase.CONNECT: "The server cannot be reached",
    Phase.TLS: "No secure connection can be made",
    Phase.GREETING: "The server does not answer as a mail server",
    Phase.CAPABILITY: "The server does not answer as a mail server",
    Phase.AUTH: "Signing in fails",
    Phase.MAILBOX: "The mailbox cannot be opened",
}


class State(StrEnum):
    """How something is; those of Statuspage, and that nothing is known of it."""

    MAJOR = "major_outage"
    PARTIAL = "partial_outage"
    DEGRADED = "degraded_performance"
    UNKNOWN = "unknown"
    MAINTENANCE = "under_maintenance"
    OPERATIONAL = "operational"


class DayLook(StrEnum):
    """How a day is drawn."""

    UP = "up"
    DEGRADED = "degraded"
    PARTIAL = "partial"
    DOWN = "down"
    MAINTENANCE = "maintenance"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class DayShown:
    """One of the ninety days. `uptime`: percent, in hundredths; None: nothing is known."""

    look: DayLook
    uptime: int | None = None


@dataclass(frozen=True, slots=True)
class Component:
    """One line. `members`: of a tag whose monitors stand below each other; the line is their heading then."""

    id: str
    name: str
    state: State
    created_at: datetime
    updated_at: datetime
    monitor_ids: frozenset[int]
    days: tuple[DayShown, ...] = ()
    uptime: int | None = None
    members: tuple["Component", ...] = ()


@dataclass(frozen=True, slots=True)
class Incident:
    """One outage of what is shown. `messages`: what exactly was wrong, where that is told."""

    id: str
    title: str
    started_at: datetime
    opened_at: datetime
    acknowledged_at: datetime | None
    resolved_at: datetime | None
    components: tuple[Component, ...]
    whole_page: bool
    messages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Work:
    """Planned work that is under way or to come."""

    id: str
    name: str
    is_open: bool
    created_at: datetime
    updated_at: datetime
    starts_at: datetime
    ends_at: datetime
    components: tuple[Component, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """All that a page shows."""

    id: str
    title: str
    text: str | None
    today: datetime
    state: State
    components: tuple[Component, ...]
    incidents: tuple[Incident, ...]
    work: tuple[Work, ...]
    updated_at: datetime


def standing(page: StoredPage, seen: Seen) -> Standing:
    """What the page shows of what there is to see."""
    described = page.described
    discretion = Discretion(hosts=described.shows_hostnames, users=described.shows_users)
    make = _Lines(page, seen, discretion)
    lines = [Line(monitor_id=each.id) for each in make.in_order] if described.lines is None else described.lines
    components = tuple(component for line in lines if (component := make.component(line)) is not None)
    by_monitor: dict[int, list[Component]] = {}
    for each in leaves(components):
        for number in each.monitor_ids:
            by_monitor.setdefault(number, []).append(each)
    incidents = _incidents(page, seen, by_monitor)
    work = tuple(_work(page, seen, window, by_monitor, discretion) for window in seen.windows)
    return Standing(
        id=page.public_id.hex,
        title=readable(described.title),
        text=described.text,
        today=moment_of_ms(seen.now_ms // DAY_MS * DAY_MS),
        state=together(each.state for each in leaves(components)),
        components=components,
        incidents=incidents,
        work=work,
        updated_at=max(
            [page.updated_at, *(each.updated_at for each in components)]
            + [moment for each in incidents for moment in (each.opened_at, each.resolved_at) if moment is not None]
        ),
    )


def leaves(components: Iterable[Component]) -> list[Component]:
    """The lines that have a state of their own: not headings."""
    return [leaf for each in components for leaf in (each.members or (each,))]


def together(states: Iterable[State]) -> State:
    """The state of several things at once: an outage of all is a major one, of some a partial one."""
    found = set(states)
    if not found:
        return State.OPERATIONAL
    if State.MAJOR in found and len(found) > 1:
        return State.PARTIAL
    return next(state for state in State if state in found)


def hundredths(day: Day) -> int | None:
    """How much of the known time it was available, in hundredths of a percent, never rounded up."""
    known = day.up_ms + day.degraded_ms + day.down_ms
    return None if known == 0 else (day.up_ms + day.degraded_ms) * _HUNDREDTHS // known


def day_shown(day: Day) -> DayShown:
    """How a day is drawn."""
    uptime = hundredths(day)
    if uptime is None:
        return DayShown(DayLook.MAINTENANCE if day.maintenance_ms else DayLook.NOTHING)
    if day.down_ms:
        return DayShown(DayLook.DOWN if uptime < _BAD_DAY_BELOW else DayLook.PARTIAL, uptime)
    if day.degraded_ms * 20 > day.up_ms:
        return DayShown(DayLook.DEGRADED, uptime)
    return DayShown(DayLook.UP, uptime)


class _Lines:
    """Makes components of a page's lines."""

    def __init__(self, page: StoredPage, seen: Seen, discretion: Discretion) -> None:
        self._page = page
        self._seen = seen
        self._discretion = discretion
        self._monitors = {each.id: each for each in seen.monitors}
        self._numbers = {number: place for place, number in enumerate(sorted(self._monitors), 1)}
        self.in_order = sorted(seen.monitors, key=self._place)
        self._open = {each.monitor_id for each in seen.incidents if each.resolved_at is None}
        self._maintained = {
            number for each in seen.windows if each.starts_at <= seen.now_ms for number in each.monitor_ids
        }

    def component(self, line: Line) -> Component | None:
        """The component of a line; None where there is nothing to show of it."""
        if line.monitor_id is not None:
            monitor = self._monitors.get(line.monitor_id)
            return None if monitor is None else self._of_monitors(line, [monitor], line.name or self._name(monitor))
        carried = [each for each in self.in_order if line.tag_id in each.tag_ids]
        if not carried:
            return None
        own = line.tag_name or ""
        name = line.name or (own if own and self._discretion.allows(own, *carried) else "Mailboxes")
        if line.combined:
            return self._of_monitors(line, carried, name)
        members = tuple(self._of_monitors(line, [each], self._name(each), each) for each in carried)
        return Component(
            id=self._id(line),
            name=readable(name),
            state=together(each.state for each in members),
            created_at=min(each.created_at for each in members),
            updated_at=max(each.updated_at for each in members),
            monitor_ids=frozenset(each.id for each in carried),
            members=members,
        )

    def _of_monitors(
        self, line: Line, monitors: Sequence[SeenMonitor], name: str, member: SeenMonitor | None = None
    ) -> Component:
        kept = [self._seen.days[each.id] for each in monitors if each.id in self._seen.days]
        days = [reduce(add, spent) for spent in zip(*kept, strict=True)] if kept else [NOTHING] * DAYS
        created_at = min(each.created_at for each in monitors)
        since = [moment_of_ms(each.since) for each in monitors if each.since]
        return Component(
            id=self._id(line, member),
            name=readable(name),
            state=together(self._state(each) for each in monitors),
            created_at=created_at,
            updated_at=max([created_at, *since]),
            monitor_ids=frozenset(each.id for each in monitors),
            days=tuple(day_shown(day) for day in days),
            uptime=hundredths(reduce(add, days)),
        )

    def _id(self, line: Line, member: SeenMonitor | None = None) -> str:
        within = "" if member is None else f" {member.id}"
        return _opaque(self._page, f"component {line.monitor_id} {line.tag_id}{within}")

    def _name(self, monitor: SeenMonitor) -> str:
        if self._discretion.allows(monitor.name, monitor):
            return monitor.name
        return f"Mailbox {self._numbers[monitor.id]}"

    def _place(self, monitor: SeenMonitor) -> tuple[bool, str, int]:
        """By the name that is shown: the order would tell something of one that is not."""
        shown = self._discretion.allows(monitor.name, monitor)
        return not shown, monitor.name.lower() if shown else "", self._numbers[monitor.id]

    def _state(self, monitor: SeenMonitor) -> State:
        if monitor.status == MonitorStatus.MAINTENANCE or monitor.id in self._maintained:
            return State.MAINTENANCE
        if monitor.id in self._open:
            return State.MAJOR
        # An outage that is not confirmed is none to tell the world of.
        match monitor.health:
            case Health.UP:
                return State.OPERATIONAL
            case Health.DOWN | Health.DEGRADED:
                return State.DEGRADED
            case _:
                return State.UNKNOWN


def _incidents(page: StoredPage, seen: Seen, by_monitor: Mapping[int, list[Component]]) -> tuple[Incident, ...]:
    """Those of one outage of a host as one; open ones first, else the newest first."""
    groups: dict[tuple[str, int], list[SeenIncident]] = {}
    for each in seen.incidents:
        if each.monitor_id in by_monitor:
            key = ("incident", each.id) if each.group_id is None else ("group", each.group_id)
            groups.setdefault(key, []).append(each)
    found = [_incident(page, parts, by_monitor) for parts in groups.values()]
    return tuple(sorted(found, key=lambda each: (each.resolved_at is None, each.started_at), reverse=True))


def _incident(page: StoredPage, parts: list[SeenIncident], by_monitor: Mapping[int, list[Component]]) -> Incident:
    oldest = parts[-1]
    ends = [each.resolved_at for each in parts if each.resolved_at is not None]
    acknowledged = [each.acknowledged_at for each in parts if each.acknowledged_at is not None]
    messages = dict.fromkeys(readable(each.message) for each in parts) if page.described.shows_messages else {}
    numbers = {each.monitor_id for each in parts}
    return Incident(
        id=_opaque(page, f"incident {oldest.public_id}"),
        title=_WRONG.get(oldest.phase, "The service is disturbed"),
        started_at=moment_of_ms(min(each.started_at for each in parts)),
        opened_at=moment_of_ms(min(each.opened_at for each in parts)),
        acknowledged_at=moment_of_ms(min(acknowledged)) if acknowledged else None,
        resolved_at=moment_of_ms(max(ends)) if len(ends) == len(parts) else None,
        components=_affected(numbers, by_monitor),
        whole_page=numbers == by_monitor.keys(),
        messages=tuple(messages)[:5],
    )


def _work(
    page: StoredPage,
    seen: Seen,
    window: SeenWindow,
    by_monitor: Mapping[int, list[Component]],
    discretion: Discretion,
) -> Work:
    numbers = set(window.monitor_ids)
    told = discretion.allows(window.name, *(each for each in seen.monitors if each.id in numbers))
    return Work(
        id=_opaque(page, f"work {window.public_id} {window.starts_at}"),
        name=readable(window.name) if told else "Planned maintenance",
        is_open=window.starts_at <= seen.now_ms,
        created_at=window.created_at.astimezone(UTC),
        updated_at=window.updated_at.astimezone(UTC),
        starts_at=moment_of_ms(window.starts_at),
        ends_at=moment_of_ms(window.ends_at),
        components=_affected(numbers, by_monitor),
    )


def _affected(numbers: Iterable[int], by_monitor: Mapping[int, list[Component]]) -> tuple[Component, ...]:
    found = {each.id: each for number in numbers for each in by_monitor.get(number, ())}
    return tuple(sorted(found.values(), key=lambda each: each.name))


def _opaque(page: StoredPage, what: str) -> str:
    """A name for a part of the page that leads to nothing of ours."""
    return uuid5(UUID(int=page.public_id.int), what).hex
