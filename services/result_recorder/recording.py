"""One transaction that keeps a batch of answers: results, what they mean for health, missed slots, logins.

All of it or nothing; told again it changes nothing. Locks are taken in one order (monitors without a health row, rows
to be made, health rows by id, accounts, hosts, then groups of incidents), so that recorders side by side wait for each
other and never for ever. What becomes of the messages is for `settling`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from services.result_recorder import health_store, missed_store, monitor_store, result_store
from services.result_recorder.clock_steps import AHEAD_MS, is_ahead, locations_by_now, monitor_by_now
from services.result_recorder.event_store import organizations_told
from services.result_recorder.folding import Folded, fold, folded_anew
from services.result_recorder.health import LocationState, refusal_elsewhere
from services.result_recorder.health_store import Newcomer
from services.result_recorder.incidents.certificates import ToldCertificates, keep_certificate_notices
from services.result_recorder.incidents.incident_book import Heard, keep_incidents
from services.result_recorder.incidents.keeping import IncidentNews
from services.result_recorder.judging import monitor_after, write_verdicts
from services.result_recorder.location_store import location_numbers
from services.result_recorder.login_book import Told, keep_logins
from services.result_recorder.monitor_store import MonitorFacts
from services.result_recorder.result_store import LateAt
from services.result_recorder.rows import finding_of, finding_of_row, row_of
from shared.checks.messages import CheckResult, MissedSlots
from shared.checks.vocabulary import CheckKind
from shared.database.errors import DatabaseConflict
from shared.database.pool import Connection, Pool, transaction
from shared.runtime import crash_points
from shared.runtime.crash_points import CrashPoint

Answer = CheckResult | MissedSlots


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a batch changed: the new results with the time they were recorded, those already there, missed slots.

    told: the organizations that have new events by it.
    """

    new: Sequence[tuple[CheckResult, int]] = ()
    duplicates: int = 0
    missed: Mapping[str, int] = field(default_factory=dict)
    incidents: Sequence[IncidentNews] = ()
    told: Sequence[int] = ()


async def record(pool: Pool, answers: Sequence[Answer], *, certificates: ToldCertificates | None = None) -> Recorded:
    """Keep a batch.

    Args:
        certificates: what this process has told of already.

    Raises:
        DatabaseUnavailable, DatabaseConflict: nothing was kept; the same batch may be kept later.
        DatabaseRejected: nothing was kept, and something in this batch can never be.
    """
    certificates = certificates or ToldCertificates()
    async with transaction(pool) as connection:
        recorded = await record_within(connection, answers, certificates=certificates)
        crash_points.reach(CrashPoint.WRITTEN)
    crash_points.reach(CrashPoint.RECORDED)
    certificates.confirm(each for each, _ in recorded.new)
    return recorded


async def record_within(
    connection: Connection, answers: Sequence[Answer], *, certificates: ToldCertificates | None = None
) -> Recorded:
    """The same inside a transaction of the caller's, which holds the locks until it ends."""
    results = _once_each([each for each in answers if isinstance(each, CheckResult) and each.record])
    missed = [each for each in answers if isinstance(each, MissedSlots) and each.record]
    missed = [each for each in missed if each.kind is not CheckKind.TEST]
    now_ms = await monitor_store.clock_ms(connection)
    numbers = await location_numbers(connection, sorted({each.location for each in answers}))
    monitors = await _lock_monitors(connection, results, missed, numbers, [each.monitor_id for each in answers])
    new, heard = await _keep_results(connection, results, monitors, numbers, now_ms=now_ms)
    # Before incidents: where a host is seen to refuse everybody, one refusal is answer enough.
    await keep_logins(connection, _logins(answers, monitors, numbers), now_ms=now_ms)
    incidents = await keep_incidents(connection, heard, monitors, now_ms=now_ms) if heard else []
    current = [each for each, _ in new if _is_current(each, monitors)]
    await keep_certificate_notices(connection, current, certificates or ToldCertificates(), now_ms=now_ms)
    await _free(connection, new, numbers)
    counts = await _keep_missed(connection, missed, numbers)
    await result_store.finish_tests(
        connection, sorted({each.check_id for each in answers if not each.record and each.check_id is not None})
    )
    return Recorded(
        new=new,
        duplicates=_count_results(answers) - len(new),
        missed=counts,
        incidents=incidents,
        told=await organizations_told(connection),
    )


async def _lock_monitors(
    connection: Connection,
    results: Sequence[CheckResult],
    missed: Sequence[MissedSlots],
    numbers: Mapping[str, int],
    mentioned: Sequence[int],
) -> dict[int, MonitorFacts]:
    """Lock all monitors that anything is recorded of; answers with those of the mentioned that exist."""
    monitors = await monitor_store.read_monitors(connection, sorted(set(mentioned)))
    ids = sorted({each.monitor_id for each in results} | {each.monitor_id for each in missed})
    rowless = [each for each in ids if each not in monitors or not monitors[each].has_health]
    await monitor_store.lock_without_row(connection, rowless)
    newcomers = [
        Newcomer(each.monitor_id, numbers[each.location], each.organization_id, each.slot_at, each.started_at)
        for each in results
        if _is_current(each, monitors) and not _has_rows(monitors[each.monitor_id], numbers[each.location])
    ]
    if newcomers:
        await health_store.make_rows(connection, newcomers)
    await monitor_store.lock_rows(connection, ids)
    return monitors


async def _keep_results(
    connection: Connection,
    results: Sequence[CheckResult],
    monitors: Mapping[int, MonitorFacts],
    numbers: Mapping[str, int],
    *,
    now_ms: int,
) -> tuple[list[tuple[CheckResult, int]], dict[int, Heard]]:
    if not results:
        return [], {}
    current: dict[int, list[CheckResult]] = {}
    for each in results:
        if _is_current(each, monitors):
            current.setdefault(each.monitor_id, []).append(each)
    before, states = await health_store.read_states(connection, sorted(current))
    if set(current) - set(before):
        raise DatabaseConflict("a monitor was deleted while its results were being recorded")
    believed = {each: locations_by_now(states[each], now_ms=now_ms) for each in current}
    folded = {each: _fold(believed[each], of, numbers, monitors[each]) for each, of in current.items()}
    shown = {key: refusal for each in folded.values() for key, refusal in each.shown.items()}
    rows = [
        row_of(each, numbers[each.location], shown.get((each.check_id, each.slot_at)))
        for each in sorted(results, key=lambda each: (each.monitor_id, each.location, each.slot_at, each.check_id))
    ]
    recorded_at, known = await result_store.insert_results(connection, rows)
    new = [(each, recorded_at) for each in results if not known or (each.check_id, each.slot_at) not in known]
    if known:  # only what is new counts
        current = {
            monitor_id: fresh
            for monitor_id, of in current.items()
            if (fresh := [each for each in of if (each.check_id, each.slot_at) not in known])
        }
        folded = {each: _fold(believed[each], of, numbers, monitors[each]) for each, of in current.items()}
    after, reordered = await _work_in_late(connection, folded, monitors, now_ms=now_ms)
    reordered |= {each for each in current if is_ahead(before[each].since, now_ms=now_ms)}
    checked = {each: monitor_after(monitor_by_now(before[each], now_ms=now_ms), of) for each, of in current.items()}
    await write_verdicts(connection, checked, before=states, after=after, monitors=monitors, reordered=reordered)
    heard = {
        monitor_id: Heard(folded[monitor_id].applied, [(numbers[each.location], each.slot_at) for each in of])
        for monitor_id, of in current.items()
    }
    return new, heard


async def _work_in_late(
    connection: Connection, folded: Mapping[int, Folded], monitors: Mapping[int, MonitorFacts], *, now_ms: int
) -> tuple[dict[int, Mapping[int, LocationState]], set[int]]:
    """States with late findings worked in, and the monitors that had any."""
    after = {monitor_id: each.states for monitor_id, each in folded.items()}
    late = [
        LateAt(monitor_id, location_id, monitors[monitor_id].revision, min(finding.slot_at for finding in findings))
        for monitor_id, each in folded.items()
        for location_id, findings in each.late.items()
    ]
    if not late:
        return after, set()
    windows = await result_store.findings_since_last_pass(connection, late, until=now_ms + AHEAD_MS)
    for at in late:
        states = after[at.monitor_id]
        anew = folded_anew(
            states[at.location_id],
            [finding_of_row(row) for row in windows.get((at.monitor_id, at.location_id), ())],
            folded[at.monitor_id].late[at.location_id],
            elsewhere=refusal_elsewhere(states, at.location_id),
            soft_tolerated=monitors[at.monitor_id].thresholds.soft_tolerated,
        )
        after[at.monitor_id] = {**states, at.location_id: anew}
    return after, {at.monitor_id for at in late}


async def _free(connection: Connection, new: Sequence[tuple[CheckResult, int]], numbers: Mapping[str, int]) -> None:
    slots = [
        (each.monitor_id, numbers[each.location], each.slot_at) for each, _ in new if each.kind is CheckKind.SCHEDULED
    ]
    await missed_store.free_slots(connection, slots)
    await missed_store.free_requests(
        connection, [each.check_id for each, _ in new if each.kind is not CheckKind.SCHEDULED]
    )


async def _keep_missed(
    connection: Connection, missed: Sequence[MissedSlots], numbers: Mapping[str, int]
) -> dict[str, int]:
    located = [(numbers[each.location], each) for each in missed]
    slots = [each for each in located if each[1].kind is CheckKind.SCHEDULED]
    requests = [each for each in located if each[1].kind is not CheckKind.SCHEDULED]
    counts = await missed_store.insert_missed_slots(connection, slots)
    for reason, count in (await missed_store.insert_missed_requests(connection, requests)).items():
        counts[reason] = counts.get(reason, 0) + count
    return counts


def _fold(
    states: Mapping[int, LocationState],
    results: Sequence[CheckResult],
    numbers: Mapping[str, int],
    monitor: MonitorFacts,
) -> Folded:
    findings = [(numbers[each.location], finding_of(each)) for each in results]
    return fold(states, findings, soft_tolerated=monitor.thresholds.soft_tolerated)


def _logins(answers: Sequence[Answer], monitors: Mapping[int, MonitorFacts], numbers: Mapping[str, int]) -> list[Told]:
    return [
        Told(
            attempt=each.login_attempt,
            monitor=monitors[each.monitor_id] if _is_current(each, monitors) else None,
            location_id=numbers[each.location],
            kept=not each.record,
        )
        for each in answers
        if each.login_attempt is not None
    ]


def _is_current(answer: Answer, monitors: Mapping[int, MonitorFacts]) -> bool:
    """Whether its monitor exists and is checked as it was when this check was asked for."""
    monitor = monitors.get(answer.monitor_id)
    return monitor is not None and answer.revision >= monitor.revision


def _has_rows(monitor: MonitorFacts, location_id: int) -> bool:
    return monitor.has_health and location_id in monitor.locations


def _once_each(results: Sequence[CheckResult]) -> list[CheckResult]:
    first: dict[tuple[UUID, int], CheckResult] = {}
    for each in results:
        first.setdefault((each.check_id, each.slot_at), each)
    return list(first.values())


def _count_results(answers: Sequence[Answer]) -> int:
    return sum(isinstance(each, CheckResult) and each.record for each in answers)
