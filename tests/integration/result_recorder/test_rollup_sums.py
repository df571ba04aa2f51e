"""Hours added up equal time weighed naively, for any history: changes of belief, windows, checks, in any steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.result_recorder.rollups.keeping import keep_rollups
from services.result_recorder.rollups.rollup_store import DAY_MS, HOUR_MS
from tests.support.answers import BEGIN_MS
from tests.support.recorder_desk import RecorderDesk

DAY = (BEGIN_MS // DAY_MS + 1) * DAY_MS
LENGTH_MS = 30 * HOUR_MS  # over the end of a day
HEALTHS = ("up", "degraded", "down", "unknown")
PARTS = (*HEALTHS, "maintenance")


@dataclass(frozen=True)
class History:
    """What one monitor went through: beliefs by the time they began, windows, checks as (slot, outcome)."""

    beliefs: dict[int, str]
    windows: list[tuple[int, int]]
    checks: dict[int, str]


# From before the time looked at until its end; often at the edges of hours.
moments = st.one_of(
    st.integers(DAY - 2 * HOUR_MS, DAY + LENGTH_MS),
    st.integers(-2, LENGTH_MS // HOUR_MS).map(lambda hour: DAY + hour * HOUR_MS),
)
histories = st.builds(
    History,
    beliefs=st.dictionaries(moments, st.sampled_from(HEALTHS), max_size=12),
    windows=st.lists(
        st.tuples(moments, st.integers(1, 10 * HOUR_MS)).map(lambda pair: (pair[0], sum(pair))), max_size=4
    ),
    checks=st.dictionaries(moments, st.sampled_from(["ok", "connect_refused", "internal"]), max_size=12),
)


def naive(history: History, from_ms: int, until_ms: int) -> dict[str, int]:
    """Milliseconds of each part, found by going from one edge to the next."""
    edges = {from_ms, until_ms, *history.beliefs, *(edge for window in history.windows for edge in window)}
    inside = sorted(edge for edge in edges if from_ms <= edge <= until_ms)
    spent = dict.fromkeys(PARTS, 0)
    for begin, end in pairwise(inside):
        known = [since for since in history.beliefs if since <= begin]
        if not known:
            continue
        part = history.beliefs[max(known)]
        if any(starts_at <= begin < ends_at for starts_at, ends_at in history.windows):
            part = "maintenance"
        spent[part] += end - begin
    return spent


def naive_checks(history: History, from_ms: int, until_ms: int) -> tuple[int, int]:
    told = [kind for slot, kind in history.checks.items() if from_ms <= slot < until_ms and kind != "internal"]
    return len(told), told.count("connect_refused")


async def begin_anew(desk: RecorderDesk) -> None:
    for table in ("results", "rollups", "health_changes", "maintenance_occurrences", "rollups_due"):
        await desk.pool.execute(f"DELETE FROM {table}")
    await desk.pool.execute("UPDATE rollup_progress SET hours_until = $1, rolling_until = $1, next_monitor = 0", DAY)


async def keep(desk: RecorderDesk, monitor_id: int, history: History, window_ids: Sequence[int]) -> None:
    await desk.pool.executemany(
        "INSERT INTO health_changes VALUES ($1, 1, $2, $3)",
        [(monitor_id, since, health) for since, health in history.beliefs.items()],
    )
    for window_id, (starts_at, ends_at) in zip(window_ids, history.windows, strict=False):
        await desk.pool.execute(
            "INSERT INTO maintenance_occurrences VALUES ($1, 1, $2, $3)", window_id, starts_at, ends_at
        )
    await desk.pool.executemany(
        """INSERT INTO results (check_id, slot_at, organization_id, monitor_id, location_id, kind, revision, outcome,
               phase, passed, withheld, start_at, started_at, total_ms, message, detail)
           VALUES ($1, $2, 1, $3, 0, 'scheduled', 1, $4, 'connect', $5, false, $2, $2, 1, '', '{}')""",
        [(uuid4(), slot, monitor_id, kind, kind == "ok") for slot, kind in history.checks.items()],
    )


async def windows_for(desk: RecorderDesk, monitor_id: int, count: int) -> list[int]:
    """Windows that are for one monitor alone."""
    ids: list[int] = []
    for _ in range(count):
        await desk.run_as_owner(
            """INSERT INTO mailprobe.maintenance_windows (organization_id, customer_id, name, starts_at, ends_at)
               VALUES (1, 10, 'w', now(), now() + interval '1 hour')"""
        )
        ids.append(await desk.value("SELECT max(id) FROM maintenance_windows"))
        await desk.run_as_owner(f"INSERT INTO mailprobe.maintenance_targets VALUES ({ids[-1]}, 1, {monitor_id}, NULL)")
    return ids


def parts_of(row: dict[str, Any] | None) -> dict[str, int]:
    return {part: int(row[f"{part}_ms"]) if row else 0 for part in PARTS}


@pytest_asyncio.fixture
async def windows(desk: RecorderDesk) -> dict[int, list[int]]:
    """Two monitors, each with windows that are for it alone."""
    await desk.add_monitor(2)
    return {monitor_id: await windows_for(desk, monitor_id, 4) for monitor_id in (1, 2)}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(both=st.tuples(histories, histories), first_end=st.integers(0, LENGTH_MS), at_once=st.sampled_from([1, 2, 500]))
async def test_what_is_kept_and_what_is_added_up_now_equal_time_weighed_naively(
    desk: RecorderDesk,
    windows: dict[int, list[int]],
    both: tuple[History, History],
    first_end: int,
    at_once: int,
) -> None:
    await begin_anew(desk)
    for monitor_id, history in enumerate(both, 1):
        await keep(desk, monitor_id, history, windows[monitor_id])
    for end in (first_end, LENGTH_MS):  # hours are added up as time goes on
        await desk.set_clock(DAY + end)
        await keep_rollups(desk.pool, monitors_at_once=at_once)
    until = await desk.value("SELECT hours_until FROM rollup_progress")
    assert until == DAY + LENGTH_MS - HOUR_MS
    for monitor_id, history in enumerate(both, 1):
        rows = await desk.rows("SELECT * FROM rollups WHERE monitor_id = $1", monitor_id)
        kept = {(row["span"], row["starts_at"]): row for row in rows}
        for hour in range(DAY, until, HOUR_MS):
            row = kept.get(("hour", hour))
            assert parts_of(row) == naive(history, hour, hour + HOUR_MS)
            checks = (row["checks"], row["failures"]) if row else (0, 0)
            assert checks == naive_checks(history, hour, hour + HOUR_MS)
        for day in (DAY, DAY + DAY_MS):
            assert parts_of(kept.get(("day", day))) == naive(history, day, min(day + DAY_MS, until))
        for now in (until + 1, until + 1_234_567):
            live = await desk.rows("SELECT * FROM roll_up(ARRAY[$1::bigint], $2, $3, 3600000)", monitor_id, until, now)
            assert parts_of(live[0] if live else None) == naive(history, until, now)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=histories, late=histories, seen_until=st.integers(0, LENGTH_MS // HOUR_MS))
async def test_what_is_known_late_ends_in_the_same_sums(
    desk: RecorderDesk, windows: dict[int, list[int]], before: History, late: History, seen_until: int
) -> None:
    await begin_anew(desk)
    await keep(desk, 1, before, windows[1])
    await desk.set_clock(DAY + seen_until * HOUR_MS)
    await keep_rollups(desk.pool)
    await desk.set_clock(DAY + LENGTH_MS)
    await desk.pool.execute("DELETE FROM health_changes WHERE since = ANY($1::bigint[])", list(late.beliefs))
    await keep(desk, 1, History(late.beliefs, [], {}), [])
    removed = sorted(before.beliefs)[:1]
    await desk.pool.execute(
        "DELETE FROM health_changes WHERE since = ANY($1::bigint[]) AND since <> ALL($2::bigint[])",
        removed,
        list(late.beliefs),
    )
    await keep_rollups(desk.pool)
    known = {since: health for since, health in before.beliefs.items() if since not in removed}
    history = History({**known, **late.beliefs}, before.windows, {})
    rows = await desk.rows("SELECT * FROM rollups WHERE span = 'hour'")
    kept = {row["starts_at"]: row for row in rows}
    for hour in range(DAY, DAY + LENGTH_MS - HOUR_MS, HOUR_MS):
        assert parts_of(kept.get(hour)) == naive(history, hour, hour + HOUR_MS)
