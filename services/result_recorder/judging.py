"""From the states of locations to the row of their monitor, for those who hold its lock: batches and the sweep."""

from collections.abc import Mapping, Sequence

from services.result_recorder import health_store
from services.result_recorder.health import LocationState, Verdict, agreement_matters, judged
from services.result_recorder.health_store import MonitorState
from services.result_recorder.monitor_store import MonitorFacts, read_monitors
from shared.checks.messages import CheckResult
from shared.checks.vocabulary import OURS, OutcomeKind
from shared.database.pool import Connection


def monitor_after(state: MonitorState, results: Sequence[CheckResult]) -> MonitorState:
    """The monitor's row with the times of these checks; they never go back."""
    newest = max(results, key=lambda each: (each.started_at, each.check_id))
    is_newer = newest.started_at >= state.last_checked_at
    counted = [each.started_at for each in results if each.outcome.kind not in OURS]
    first_passed_at = state.first_passed_at
    if first_passed_at is None:
        passed = (each.started_at for each in results if each.outcome.kind is OutcomeKind.OK and not each.withheld)
        first_passed_at = min(passed, default=None)
    return MonitorState(
        monitor_id=state.monitor_id,
        health=state.health,
        since=state.since,
        last_checked_at=newest.started_at if is_newer else state.last_checked_at,
        last_counted_at=max([*counted, state.last_counted_at or 0]) if counted else state.last_counted_at,
        outcome=state.outcome,
        phase=state.phase,
        message=state.message,
        location_id=state.location_id,
        total_ms=newest.outcome.total_ms if is_newer else state.total_ms,
        first_passed_at=first_passed_at,
    )


async def write_verdicts(
    connection: Connection,
    monitors_before: Mapping[int, MonitorState],
    *,
    before: Mapping[int, Mapping[int, LocationState]],
    after: Mapping[int, Mapping[int, LocationState]],
    monitors: Mapping[int, MonitorFacts],
    reordered: set[int],
    now_ms: int | None = None,
) -> None:
    """Judge these monitors anew and write what has changed.

    Args:
        before: states of the locations as stored; after: as they are to be.
        reordered: monitors whose past has changed, so that `since` may as well.
        now_ms: where it is time, and no check, that changed what is believed.
    """
    thresholds = {monitor_id: _threshold(monitors, monitor_id) for monitor_id in monitors_before}
    undecided = [each for each, threshold in thresholds.items() if agreement_matters(after[each], threshold)]
    unheard = await health_store.unheard_locations(connection, undecided) if undecided else {}
    rows: list[MonitorState] = []
    checked: list[MonitorState] = []
    changed: list[tuple[int, int, LocationState]] = []
    heard: list[tuple[int, int, int]] = []
    for monitor_id, known in sorted(monitors_before.items()):
        verdict = judged(after[monitor_id], threshold=thresholds[monitor_id], unheard=unheard.get(monitor_id, 0))
        row = _with_verdict(known, verdict, reordered=monitor_id in reordered)
        (checked if row is known else rows).append(row)
        for location_id, state in after[monitor_id].items():
            was = before[monitor_id].get(location_id)
            if was is None or not _believed_as_before(was, state):
                changed.append((monitor_id, location_id, state))
            elif was.last_slot != state.last_slot:
                heard.append((monitor_id, location_id, state.last_slot))
    await health_store.write_states(connection, rows, changed)
    await health_store.write_checked(connection, checked, heard)
    await _keep_history(connection, monitors_before, rows, monitors, reordered, now_ms)


async def _keep_history(
    connection: Connection,
    before: Mapping[int, MonitorState],
    rows: Sequence[MonitorState],
    monitors: Mapping[int, MonitorFacts],
    reordered: set[int],
    now_ms: int | None,
) -> None:
    """Write down when belief changed. What came late changes the past, anything else begins after what is known."""
    changes = []
    for row in rows:
        was = before[row.monitor_id]
        monitor = monitors.get(row.monitor_id)
        past = row.monitor_id in reordered
        if monitor is None or (row.health is was.health and not (past and row.since != was.since)):
            continue
        since = row.since if past else max(row.since, was.since)
        changes.append((row.monitor_id, monitor.organization_id, since if now_ms is None else now_ms, row.health))
    await health_store.write_changes(connection, changes)


async def judge_silent(connection: Connection, *, now_ms: int, most: int) -> int:
    """Believe nothing any more of locations that told nothing for too long; of how many monitors there were such."""
    silent = await health_store.forget_silent(connection, now_ms=now_ms, most=most)
    if silent:
        facts = await read_monitors(connection, silent)
        rows, states = await health_store.read_states(connection, silent)
        await write_verdicts(
            connection, rows, before=states, after=states, monitors=facts, reordered=set(), now_ms=now_ms
        )
    return len(silent)


def _with_verdict(state: MonitorState, verdict: Verdict, *, reordered: bool) -> MonitorState:
    """The row with this verdict; the very same one where it says what was believed before."""
    same = state.health is verdict.health and not reordered
    since = min(state.since, verdict.since) if same else verdict.since
    said = (verdict.health, since, verdict.outcome, verdict.phase, verdict.message, verdict.location_id)
    if said == (state.health, state.since, state.outcome, state.phase, state.message, state.location_id):
        return state
    return MonitorState(
        monitor_id=state.monitor_id,
        health=verdict.health,
        since=since,
        last_checked_at=state.last_checked_at,
        last_counted_at=state.last_counted_at,
        outcome=verdict.outcome,
        phase=verdict.phase,
        message=verdict.message,
        location_id=verdict.location_id,
        total_ms=state.total_ms,
        first_passed_at=state.first_passed_at,
    )


def _believed_as_before(was: LocationState, state: LocationState) -> bool:
    """Whether all there is to write of a location is its newest slot."""
    return (
        was.health is state.health
        and was.since == state.since
        and was.failures == state.failures
        and was.outcome == state.outcome
        and was.phase == state.phase
        and was.message == state.message
        and was.last_refusal == state.last_refusal
    )


def _threshold(monitors: Mapping[int, MonitorFacts], monitor_id: int) -> int | None:
    monitor = monitors.get(monitor_id)
    return monitor.thresholds.wanted if monitor is not None else None
