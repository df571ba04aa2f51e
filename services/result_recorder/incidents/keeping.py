"""Keeps what the engine answered with: incidents, groups, timelines, follow-ups, and what people are to be told.

For those who hold the locks of the monitors. A monitor's transitions are kept in their order; those of different
monitors go together, so that a whole host going down is a few statements.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from services.result_recorder.incidents import follow_up_store, incident_store, state_store
from services.result_recorder.incidents.follow_up_store import FollowUp
from services.result_recorder.incidents.incident_store import Group, IncidentRow, OutboxRow
from services.result_recorder.incidents.rules import layer_of
from services.result_recorder.incidents.state import State
from services.result_recorder.incidents.transitions import (
    CauseChanged,
    FlappingBegan,
    FollowUpAsked,
    FollowUpWithdrawn,
    Opened,
    Resolved,
    Settled,
    Transition,
)
from services.result_recorder.incidents.watched_store import Watched
from shared.database.pool import Connection

_IN_WORDS = {"recovered": "It passes again.", "disabled": "The monitor was disabled.", "deleted": "It was deleted."}


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one monitor. watched: None where it is deleted; then nothing but its end is kept."""

    monitor_id: int
    watched: Watched | None
    state: State | None
    transitions: Sequence[Transition]


@dataclass(frozen=True, slots=True)
class IncidentNews:
    """An incident that was opened or resolved, for the log."""

    event: str
    monitor_id: int
    incident_id: int
    cause: str


async def keep_changes(connection: Connection, changes: Sequence[Change], *, now_ms: int) -> list[IncidentNews]:
    """Keep all of it; what was opened and resolved."""
    states = {each.monitor_id: (each.watched.organization_id, each.state) for each in changes if each.watched}
    await state_store.write_states(connection, states)
    await _keep_follow_ups(connection, changes, now_ms)
    lived = {each.monitor_id: (each, _of_incidents(each.transitions)) for each in changes}
    lived = {monitor_id: (each, told) for monitor_id, (each, told) in lived.items() if told}
    if not lived:
        return []
    rows = await incident_store.newest_incidents(connection, sorted(lived))
    ledger = _Ledger(connection, rows, now_ms)
    await ledger.lock([(each, told) for each, told in lived.values()])
    for turn in range(max(len(told) for _, told in lived.values())):
        await ledger.keep([(each, told[turn]) for _, (each, told) in sorted(lived.items()) if turn < len(told)])
    return ledger.news


async def _keep_follow_ups(connection: Connection, changes: Sequence[Change], now_ms: int) -> None:
    asked, withdrawn = [], []
    for each in changes:
        last = [t for t in each.transitions if isinstance(t, FollowUpAsked | FollowUpWithdrawn)][-1:]
        match last:
            case [FollowUpAsked(location_id, start_at)] if each.watched is not None:
                watched = each.watched
                asked.append(FollowUp(watched.organization_id, watched.id, watched.public_id, location_id, start_at))
            case [FollowUpWithdrawn()]:
                withdrawn.append(each.monitor_id)
    await follow_up_store.withdraw(connection, withdrawn)
    await follow_up_store.ask(connection, asked, now_ms=now_ms)


def _of_incidents(transitions: Sequence[Transition]) -> list[Transition]:
    return [each for each in transitions if not isinstance(each, FollowUpAsked | FollowUpWithdrawn)]


class _Ledger:
    """One transaction's incidents: the newest of each monitor, and what is to be written of them together."""

    def __init__(self, connection: Connection, newest: dict[int, IncidentRow], now_ms: int) -> None:
        self.news: list[IncidentNews] = []
        self._connection = connection
        self._newest = newest
        self._now_ms = now_ms

    async def lock(self, changes: Sequence[tuple[Change, Sequence[Transition]]]) -> None:
        """Lock every group that members may come to or go from."""
        groups = {self._newest[each.monitor_id].group for each, _ in changes if each.monitor_id in self._newest}
        groups |= {
            _group(each.watched, t) for each, told in changes for t in told if isinstance(t, Opened) and each.watched
        }
        await incident_store.lock_groups(self._connection, sorted(groups))

    async def keep(self, told: Sequence[tuple[Change, Transition]]) -> None:
        """Keep at most one transition of each monitor."""
        outbox: list[OutboxRow] = []
        events: list[tuple[int, int, str, str | None]] = []
        opened = [(each.watched, t) for each, t in told if isinstance(t, Opened) and each.watched]
        if opened:
            outbox += await self._open(opened, events)
        causes, ended, louder = [], [], []
        for each, transition in told:
            row = self._newest.get(each.monitor_id)
            if row is None:
                continue
            match transition:
                case CauseChanged(cause) if row.is_open:
                    causes.append((row.id, cause))
                    events.append((row.organization_id, row.id, "cause_changed", cause.message))
                case Resolved() if row.is_open:
                    ended.append((row, transition))
                    self._newest[row.monitor_id] = replace(row, is_open=False)
                    events.append((row.organization_id, row.id, "resolved", _IN_WORDS[transition.resolution]))
                    if not transition.quiet:
                        outbox.append(_about(row, "resolved"))
                case FlappingBegan():
                    outbox.append(_about(row, "flapping"))
                case Settled(still_open):
                    outbox.append(_about(row, "settled"))
                    if still_open and row.is_open:
                        louder.append(row.id)
                        outbox.append(_about(row, "opened"))
        await incident_store.change_causes(self._connection, causes)
        await self._resolve(ended)
        await incident_store.speak_up(self._connection, louder)
        await incident_store.note_events(self._connection, events, now_ms=self._now_ms)
        await incident_store.tell(self._connection, outbox, now_ms=self._now_ms)

    async def _open(
        self, opened: Sequence[tuple[Watched, Opened]], events: list[tuple[int, int, str, str | None]]
    ) -> list[OutboxRow]:
        names = [_group(watched, transition) for watched, transition in opened]
        groups = await incident_store.join_groups(self._connection, names, now_ms=self._now_ms)
        rows = [_row(watched, transition, groups[_group(watched, transition)]) for watched, transition in opened]
        ids = await incident_store.insert_incidents(self._connection, rows)
        members: Counter[int] = Counter()
        outbox = []
        for watched, transition in opened:
            if watched.id not in ids:
                continue
            host, layer = _group(watched, transition)[1:]
            row = IncidentRow(
                id=ids[watched.id],
                monitor_id=watched.id,
                organization_id=watched.organization_id,
                customer_id=watched.customer_id,
                group_id=groups[watched.organization_id, host, layer],
                quiet=transition.quiet,
                kind=transition.cause.kind,
                phase=transition.cause.phase,
                host=host,
                layer=layer,
                is_open=True,
            )
            self._newest[watched.id] = row
            members[row.group_id] += 1
            events.append((row.organization_id, row.id, "opened", transition.cause.message))
            self.news.append(IncidentNews("incident_opened", row.monitor_id, row.id, row.kind))
            if not transition.quiet:
                outbox.append(_about(row, "opened"))
        await incident_store.count_members(self._connection, members, now_ms=self._now_ms)
        return outbox

    async def _resolve(self, ended: Sequence[tuple[IncidentRow, Resolved]]) -> None:
        await incident_store.resolve_incidents(
            self._connection, [(row.id, t.resolved_at, t.recovered_at, str(t.resolution)) for row, t in ended]
        )
        members = Counter(row.group_id for row, _ in ended)
        gone: Mapping[int, int] = {group_id: -count for group_id, count in members.items()}
        await incident_store.count_members(self._connection, gone, now_ms=self._now_ms)
        self.news += [IncidentNews("incident_resolved", row.monitor_id, row.id, row.kind) for row, _ in ended]


def _group(watched: Watched, opened: Opened) -> Group:
    return watched.organization_id, watched.host, layer_of(opened.cause.phase)


def _about(row: IncidentRow, kind: str) -> OutboxRow:
    return OutboxRow(row.organization_id, kind, row.customer_id, row.monitor_id, row.id, row.group_id)


def _row(watched: Watched, opened: Opened, group_id: int) -> dict[str, object]:
    cause = opened.cause
    return incident_store.incident_row(
        organization_id=watched.organization_id,
        customer_id=watched.customer_id,
        monitor_id=watched.id,
        monitor_public_id=watched.public_id,
        monitor_name=watched.name,
        protocol=watched.protocol,
        host=watched.host,
        user_name=watched.user,
        group_id=group_id,
        started_at=opened.started_at,
        opened_at=opened.opened_at,
        kind=str(cause.kind),
        phase=str(cause.phase),
        message=cause.message,
        hint=cause.hint,
        server_words=cause.server_words,
        locations=list(opened.locations),
        first_check_id=opened.first_check,
        evidence_check_id=cause.check_id,
        evidence_slot_at=cause.slot_at,
        quiet=opened.quiet,
    )
