"""From findings to incidents, within the transaction that keeps the findings; and what time alone brings about.

For those who hold the monitors' locks. The rules are the engine's, the tables those of `keeping`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from services.result_recorder.clock_steps import incident_by_now
from services.result_recorder.health import Finding
from services.result_recorder.incidents import incident_store, state_store
from services.result_recorder.incidents.engine import advance, stopped
from services.result_recorder.incidents.incident_store import IncidentRow
from services.result_recorder.incidents.keeping import Change, IncidentNews, keep_changes
from services.result_recorder.incidents.newcomers import tell_makers
from services.result_recorder.incidents.rules import Rules
from services.result_recorder.incidents.state import NOWHERE, Open, State
from services.result_recorder.incidents.transitions import (
    GotPast,
    Observation,
    Resolution,
    Seen,
    Stopped,
    TimePassed,
    Transition,
)
from services.result_recorder.incidents.watched_store import Watched, read_watched
from services.result_recorder.monitor_store import MonitorFacts
from shared.checks.vocabulary import OutcomeKind
from shared.database.pool import Connection

# A check that began so lately is a sign of life of its location.
_LIVELY_MS = 120_000


@dataclass(frozen=True, slots=True)
class Heard:
    """What a batch says of one monitor.

    Args:
        findings: (location, finding) of those that were in order, in their order.
        ended: (location, slot) of every new result, whatever it says.
    """

    findings: Sequence[tuple[int, Finding]] = ()
    ended: Sequence[tuple[int, int]] = field(default=())


async def keep_incidents(
    connection: Connection, heard: Mapping[int, Heard], monitors: Mapping[int, MonitorFacts], *, now_ms: int
) -> list[IncidentNews]:
    """Take incidents on by these findings. Monitors that are well and stay so cost one look for all of them."""
    states = await state_store.read_states(connection, sorted(heard))
    concerned = [
        monitors[monitor_id]
        for monitor_id, each in sorted(heard.items())
        if monitor_id in states or any(_failed(finding) for _, finding in each.findings)
    ]
    if not concerned:
        return []
    watched = await read_watched(connection, concerned, now_ms=now_ms)
    failing = [each for at, each in sorted(watched.items()) if any(_failed(found) for _, found in heard[at].findings)]
    await tell_makers(connection, failing, now_ms=now_ms)
    changes = [
        change
        for monitor_id, each in sorted(watched.items())
        if (change := _after(each, states.get(monitor_id), heard[monitor_id], now_ms)) is not None
    ]
    return await keep_changes(connection, changes, now_ms=now_ms)


async def keep_passing_time(
    connection: Connection, monitors: Mapping[int, MonitorFacts], *, now_ms: int
) -> list[IncidentNews]:
    """Take on by time alone: what is disabled ends, what no longer flaps settles, lost follow-ups come anew."""
    ids = sorted(monitors)
    states = await _states_or_restored(connection, ids, monitors)
    over = await state_store.follow_ups_over(connection, ids, now_ms=now_ms)
    watched = await read_watched(connection, [monitors[each] for each in ids], now_ms=now_ms)
    changes = []
    for monitor_id, each in sorted(watched.items()):
        observed: Observation = TimePassed(follow_up_over=monitor_id in over)
        if not each.facts.checked:
            observed = Stopped(Resolution.DISABLED)
        changes.append(_change(each, states.get(monitor_id), [observed], each.rules(), now_ms))
    return await keep_changes(connection, changes, now_ms=now_ms)


async def end_deleted(connection: Connection, monitor_ids: Sequence[int], *, now_ms: int) -> list[IncidentNews]:
    """End the open incidents of monitors that are gone; what was remembered of them went with them."""
    opened = await incident_store.open_incidents(connection, monitor_ids)
    changes = []
    for monitor_id, row in sorted(opened.items()):
        transitions = stopped(_restored(row, 0), Resolution.DELETED, now=now_ms)
        changes.append(Change(monitor_id, None, None, transitions))
    return await keep_changes(connection, changes, now_ms=now_ms)


async def _states_or_restored(
    connection: Connection, monitor_ids: Sequence[int], monitors: Mapping[int, MonitorFacts]
) -> dict[int, State]:
    """What is remembered; of an open incident that nothing is remembered of, what its row says."""
    states = await state_store.read_states(connection, monitor_ids)
    opened = await incident_store.open_incidents(connection, [each for each in monitor_ids if each not in states])
    return states | {each: _restored(row, monitors[each].revision) for each, row in opened.items()}


def _restored(row: IncidentRow, revision: int) -> State:
    return State(revision, open=Open(row.kind, row.phase, NOWHERE, row.quiet), flapping=row.quiet)


def _after(watched: Watched, state: State | None, heard: Heard, now_ms: int) -> Change | None:
    if not watched.facts.checked:
        return _change(watched, state, [Stopped(Resolution.DISABLED)], watched.rules(), now_ms)
    lively = {at for at, finding in heard.findings if finding.started_at > now_ms - _LIVELY_MS}
    rules = watched.rules(heard_from=frozenset(lively))
    observed = _observations(heard.findings, watched.facts.revision)
    change = _change(watched, state, observed, rules, now_ms)
    pending = change.state.pending if change.state is not None else None
    if pending is None or not any(at == pending.location_id and slot >= pending.start_at for at, slot in heard.ended):
        return change
    # The follow-up came, and told nothing: it was late, or the fault was ours.
    more = _change(watched, change.state, [TimePassed(follow_up_over=True)], rules, now_ms)
    return Change(watched.id, watched, more.state, [*change.transitions, *more.transitions])


def _change(
    watched: Watched, state: State | None, observed: Iterable[Observation], rules: Rules, now_ms: int
) -> Change:
    happened: list[Transition] = []
    state = incident_by_now(state, now_ms=now_ms) if state is not None else None
    for each in observed:
        state, transitions = advance(state, each, rules, now=now_ms)
        happened += transitions
    return Change(watched.id, watched, state, happened)


def _observations(findings: Iterable[tuple[int, Finding]], revision: int) -> Iterable[Seen | GotPast]:
    for location_id, finding in findings:
        if not finding.counts:
            continue
        if finding.withheld and finding.kind is OutcomeKind.OK:
            yield GotPast(location_id, finding.slot_at, revision)
            continue
        yield Seen(
            location_id=location_id,
            slot_at=finding.slot_at,
            check_id=finding.check_id,
            revision=revision,
            kind=finding.kind,
            phase=finding.phase,
            message=finding.message,
            hint=finding.hint,
            server_words=finding.server_words,
            login=finding.login,
            started_at=finding.started_at,
        )


def _failed(finding: Finding) -> bool:
    return finding.counts and finding.kind is not OutcomeKind.OK
