"""Any time, told from what is kept of it, equals what going through every check and belief says.

Uptime and counts to the millisecond and the check; percentiles to the check where the checks are there, and within the
steps' stated error where only hours and days added up are left.
"""

import math
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.api_gateway.history.models import ResponseTimes
from services.api_gateway.history.spans import Span
from services.api_gateway.history.spending import Told, told_of
from services.api_gateway.history.timings import FRACTIONS, RELATIVE_ERROR
from services.api_gateway.history.uptime_store import Stand, read_now
from services.result_recorder.rollups.keeping import keep_rollups
from services.result_recorder.rollups.rollup_store import DAY_MS, HOUR_MS
from shared.database.pool import transaction
from tests.integration.result_recorder.test_rollup_sums import (
    DAY,
    PARTS,
    History,
    begin_anew,
    keep,
    naive,
    naive_checks,
    windows_for,
)
from tests.support.recorder_desk import RecorderDesk

LENGTH_MS = 4 * DAY_MS
# Two digits are shown; half of the last one, and what binary fractions make of it.
ROUNDING_MS = 0.005 + 1e-9

moments = st.integers(DAY, DAY + LENGTH_MS - 1)
histories = st.builds(
    History,
    beliefs=st.dictionaries(moments, st.sampled_from(["up", "degraded", "down", "unknown"]), max_size=15),
    windows=st.lists(st.tuples(moments, st.integers(1, 30 * HOUR_MS)).map(lambda p: (p[0], sum(p))), max_size=3),
    checks=st.dictionaries(moments, st.sampled_from(["ok", "ok", "ok", "connect_refused", "internal"]), max_size=60),
)
durations = st.lists(st.floats(0.125, 60_000, width=32), min_size=1, max_size=20)
edges = st.tuples(moments, moments).filter(lambda pair: pair[0] != pair[1]).map(lambda pair: (min(pair), max(pair)))


def took_ms(slot: int, each: list[float]) -> float:
    return each[slot % len(each)]


def naive_percentiles(history: History, each: list[float], span: Span) -> list[float] | None:
    took = sorted(
        took_ms(slot, each)
        for slot, outcome in history.checks.items()
        if outcome == "ok" and span.from_ms <= slot < span.until_ms
    )
    return [took[max(1, math.ceil(fraction * len(took))) - 1] for fraction in FRACTIONS] if took else None


def assert_told(told: Told, history: History, *, widest: Span) -> None:
    assert told.span.from_ms >= widest.from_ms
    assert told.span.until_ms <= widest.until_ms
    expected = naive(history, told.span.from_ms, told.span.until_ms)
    assert {part: getattr(told.spent, f"{part}_ms") for part in PARTS} == expected
    assert (told.spent.checks, told.spent.failures) == naive_checks(history, told.span.from_ms, told.span.until_ms)


def assert_percentiles(times: ResponseTimes | None, expected: list[float] | None, *, relative: float) -> None:
    if expected is None or times is None:
        assert times is expected is None
        return
    for value, true in zip((times.p50, times.p95, times.p99), expected, strict=True):
        assert abs(value - true) <= max(relative * true, 0.1 if relative else 0.0) + ROUNDING_MS


async def told(desk: RecorderDesk, span: Span, stand: Stand) -> Told:
    async with transaction(desk.pool) as connection:
        return await told_of(connection, 1, span, stand, hours_kept_days=190)


async def results_gone(desk: RecorderDesk, *, since_ms: int) -> None:
    await desk.pool.execute("DELETE FROM results WHERE slot_at < $1", since_ms)
    await desk.run_as_owner(f"UPDATE mailprobe.results_kept SET since_at = {since_ms}")


async def planted(desk: RecorderDesk, history: History, each: list[float], windows: list[int]) -> Stand:
    await begin_anew(desk)
    await desk.run_as_owner("UPDATE mailprobe.results_kept SET since_at = 0")
    await keep(desk, 1, history, windows)
    await desk.pool.execute("UPDATE results SET total_ms = ($1::real[])[1 + slot_at % $2::bigint]", each, len(each))
    await desk.set_clock(DAY + LENGTH_MS + 1_234_567)
    await keep_rollups(desk.pool)
    async with transaction(desk.pool) as connection:
        return await read_now(connection)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories, each=durations, asked=edges, gone_days=st.integers(0, 4))
async def test_any_time_is_told_as_by_going_through_everything(
    desk: RecorderDesk, history: History, each: list[float], asked: tuple[int, int], gone_days: int
) -> None:
    windows: Any = desk.__dict__.setdefault("windows", None) or await windows_for(desk, 1, 3)
    desk.__dict__["windows"] = windows
    stand = await planted(desk, history, each, windows)
    span = Span(*asked)
    everything = await told(desk, span, stand)
    assert_told(everything, history, widest=span)
    exact = naive_percentiles(history, each, span)
    assert_percentiles(everything.times, exact, relative=0.0)
    # The same as if it were too long to go through its checks.
    async with transaction(desk.pool) as connection:
        no_checks = replace(stand, results_since=DAY + LENGTH_MS)
        stepped = await told_of(connection, 1, span, no_checks, hours_kept_days=190)
    assert stepped.times is None or not stepped.times.exact
    within = Span(stepped.span.from_ms, stepped.span.until_ms)
    assert_percentiles(stepped.times, naive_percentiles(history, each, within), relative=RELATIVE_ERROR + 1e-6)

    gone_until = DAY + gone_days * DAY_MS
    await results_gone(desk, since_ms=gone_until)
    left = await told(desk, span, replace(stand, results_since=gone_until))
    widest = Span(span.from_ms // HOUR_MS * HOUR_MS, -(-span.until_ms // HOUR_MS) * HOUR_MS)
    assert_told(left, history, widest=widest)
    error = 0.0 if left.times is not None and left.times.exact else RELATIVE_ERROR + 1e-6
    assert_percentiles(left.times, naive_percentiles(history, each, left.span), relative=error)


async def test_of_months_without_any_check_left_days_tell_all(desk: RecorderDesk) -> None:
    slots = [DAY + day * DAY_MS + hour * HOUR_MS for day in range(60) for hour in range(24)]
    history = History({DAY - 1: "up", DAY + 10 * DAY_MS + 5: "down", DAY + 11 * DAY_MS: "up"}, [], {})
    await begin_anew(desk)
    await keep(desk, 1, replace(history, checks=dict.fromkeys(slots, "ok")), [])
    await desk.pool.execute("UPDATE results SET total_ms = 20 + (slot_at / 3600000) % 100")
    await desk.set_clock(DAY + 61 * DAY_MS)
    while await keep_rollups(desk.pool):
        pass
    await results_gone(desk, since_ms=DAY + 61 * DAY_MS)
    await desk.pool.execute("DELETE FROM rollups WHERE span = 'hour'")
    async with transaction(desk.pool) as connection:
        # Begun and ended in the middle of days of which no hours are left: told of the whole days.
        middle = Span(DAY + 7_777, DAY + 60 * DAY_MS - 7_777)
        month = await told_of(connection, 1, middle, await read_now(connection), hours_kept_days=0)
    assert month.span == Span(DAY, DAY + 60 * DAY_MS)
    assert (month.spent.checks, month.spent.down_ms) == (60 * 24, DAY_MS - 5)
    took = sorted(20.0 + slot // HOUR_MS % 100 for slot in slots)
    expected = [took[math.ceil(fraction * len(took)) - 1] for fraction in FRACTIONS]
    assert_percentiles(month.times, expected, relative=RELATIVE_ERROR)
