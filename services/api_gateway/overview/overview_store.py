"""The overview of a page of monitors, in one statement however many they are. Read only."""

from collections.abc import Mapping, Sequence
from statistics import quantiles
from typing import Any

from services.api_gateway.history.spans import DAY_MS, HOUR_MS, RANGES_MS, pieces_of, since
from services.api_gateway.history.uptime_store import Spent, read_now
from services.api_gateway.overview.models import Overview
from shared.checks.vocabulary import DEGRADING_WARNINGS, SOFT_FAILURES, Health
from shared.database.pool import Connection

RECENT = 60

_SOFT = ", ".join(f"'{kind}'" for kind in sorted(SOFT_FAILURES))
_DEGRADING = " || ".join(f'@ == "{code}"' for code in sorted(DEGRADING_WARNINGS))
_STATE = f"""CASE
    WHEN NOT check_counts(r.outcome, r.phase, r.withheld) THEN 'unknown'
    WHEN r.passed AND r.warning IS NOT NULL AND r.detail @? '$.warnings[*].code ? ({_DEGRADING})' THEN 'degraded'
    WHEN r.passed THEN 'up'
    WHEN r.outcome IN ({_SOFT}) THEN 'degraded'
    ELSE 'down' END"""

# How far back the last checks of a monitor may lie: what makes it cheap is that few days' partitions are looked at.
# $3 is the earliest of all of them, as a constant, so that the planner leaves out the days before it.
_OF_MONITOR = """FROM results r
    WHERE r.organization_id = $1 AND r.monitor_id = w.id AND r.slot_at >= $3 AND r.slot_at < $4 + 3600000
      AND r.slot_at >= w.recent_from"""

# $2 monitors, $4 now; $5..$6 days of the month, $6..$7 its last hours, $8 the beginning of the day, from $7 on live.
_OVERVIEW = f"""
    WITH wanted AS (
        SELECT m.id, $4::bigint - greatest({RECENT + 1} * m.interval_ms::bigint, {DAY_MS}) AS recent_from
        FROM monitors m WHERE m.organization_id = $1 AND m.id = ANY ($2::bigint[])
    ), spent AS (
        SELECT monitor_id, starts_at, true AS of_month, false AS of_day, up_ms, degraded_ms, down_ms FROM rollups
        WHERE monitor_id = ANY ($2::bigint[]) AND span = 'day' AND starts_at >= $5::bigint AND starts_at < $6::bigint
        UNION ALL
        SELECT monitor_id, starts_at, starts_at >= $6, starts_at >= $8, up_ms, degraded_ms, down_ms FROM rollups
        WHERE monitor_id = ANY ($2::bigint[]) AND span = 'hour'
          AND starts_at >= least($6, $8::bigint) AND starts_at < $7::bigint
        UNION ALL
        SELECT monitor_id, starts_at, true, starts_at >= $8, up_ms, degraded_ms, down_ms
        FROM roll_up($2::bigint[], $7::bigint, $4::bigint, {HOUR_MS})
    ), uptimes AS (
        SELECT monitor_id,
               sum(up_ms + degraded_ms) FILTER (WHERE of_day) AS day_up_ms,
               sum(down_ms) FILTER (WHERE of_day) AS day_down_ms,
               sum(up_ms + degraded_ms) FILTER (WHERE of_month) AS month_up_ms,
               sum(down_ms) FILTER (WHERE of_month) AS month_down_ms
        FROM spent GROUP BY monitor_id
    )
    SELECT w.id, n.states, n.passed_ms, n.not_after_ms, u.day_up_ms, u.day_down_ms, u.month_up_ms, u.month_down_ms
    FROM wanted w
    LEFT JOIN uptimes u ON u.monitor_id = w.id
    CROSS JOIN LATERAL (
        SELECT array_agg(newest.state) AS states,
               array_agg(newest.total_ms) FILTER (WHERE newest.passed) AS passed_ms,
               (array_agg(newest.not_after_ms) FILTER (WHERE newest.not_after_ms IS NOT NULL))[1] AS not_after_ms
        FROM (SELECT r.passed, r.total_ms, {_STATE} AS state,
                     (r.detail -> 'certificate' ->> 'notAfterMs')::bigint AS not_after_ms
              {_OF_MONITOR} ORDER BY r.slot_at DESC LIMIT {RECENT}) AS newest) AS n"""  # noqa: S608 - our constants


async def overviews(
    connection: Connection, organization_id: int, monitors: Mapping[int, int]
) -> Mapping[int, Overview]:
    """The overview of each of these monitors, by number.

    Args:
        monitors: numbers, each with its interval in milliseconds.
    """
    if not monitors:
        return {}
    stand = await read_now(connection)
    now_ms, hours_until = stand.now_ms, stand.hours_until
    month = pieces_of(since(now_ms, RANGES_MS["month"]), hours_until=hours_until)
    day = since(now_ms, RANGES_MS["day"])
    earliest = now_ms - max((RECENT + 1) * max(monitors.values()), DAY_MS)
    rows = await connection.fetch(
        _OVERVIEW,
        organization_id,
        list(monitors),
        earliest,
        now_ms,
        month.days.from_ms,
        month.days.until_ms if month.days.until_ms > month.days.from_ms else month.hours_before.from_ms,
        month.live.from_ms,
        day.from_ms,
    )
    return {row["id"]: _overview(row, now_ms) for row in rows}


def percentiles(took_ms: Sequence[float]) -> tuple[float | None, float | None]:
    """What half and what 95 of 100 of them stay below, between two of them in proportion; None where there are none."""
    ordered = sorted(took_ms)
    if len(ordered) < 2:
        return (ordered[0], ordered[0]) if ordered else (None, None)
    cuts = quantiles(ordered, n=20, method="inclusive")
    return round(cuts[9], 1), round(cuts[18], 1)


def _overview(row: Any, now_ms: int) -> Overview:
    p50, p95 = percentiles(row["passed_ms"] or ())
    not_after_ms = row["not_after_ms"]
    return Overview(
        recent=[Health(state) for state in reversed(row["states"] or ())],
        p50_ms=p50,
        p95_ms=p95,
        uptime_day=_uptime(row["day_up_ms"], row["day_down_ms"]),
        uptime_month=_uptime(row["month_up_ms"], row["month_down_ms"]),
        certificate_days_left=None if not_after_ms is None else (not_after_ms - now_ms) // DAY_MS,
    )


def _uptime(up_ms: int | None, down_ms: int | None) -> float | None:
    return Spent(starts_at=0, up_ms=int(up_ms or 0), down_ms=int(down_ms or 0)).uptime
