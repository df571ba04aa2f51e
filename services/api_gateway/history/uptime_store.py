"""How a monitor's time was spent: hours and days as the recorder keeps them, and the rest added up now. Read only."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.api_gateway.history.spans import DAY_MS, HOUR_MS, Pieces, Span
from shared.database.pool import Connection

_COLUMNS = """starts_at, checks, failures, total_ms_sum, total_ms_min, total_ms_max, up_ms, degraded_ms, down_ms,
    unknown_ms, maintenance_ms"""

_PIECES = f"""
    SELECT {_COLUMNS} FROM rollups
    WHERE monitor_id = $1 AND span = 'day' AND starts_at >= $2 AND starts_at < $3
    UNION ALL
    SELECT {_COLUMNS} FROM rollups
    WHERE monitor_id = $1 AND span = 'hour'
      AND (starts_at >= $4 AND starts_at < $5 OR starts_at >= $6 AND starts_at < $7)
    UNION ALL
    SELECT {_COLUMNS} FROM roll_up(ARRAY[$1::bigint], $8::bigint, $9::bigint, {HOUR_MS})
    UNION ALL
    SELECT {_COLUMNS} FROM roll_up(ARRAY[$1::bigint], $10::bigint, $11::bigint, {HOUR_MS})
    ORDER BY starts_at"""  # noqa: S608 - our constants

# How many checks that passed took how long, in steps (see `timings`).
_TIMINGS = f"""
    SELECT t.step, sum(t.times)::bigint AS times
    FROM (SELECT timing_steps, timing_counts FROM rollups
          WHERE monitor_id = $1 AND span = 'day' AND starts_at >= $2 AND starts_at < $3
          UNION ALL
          SELECT timing_steps, timing_counts FROM rollups
          WHERE monitor_id = $1 AND span = 'hour'
            AND (starts_at >= $4 AND starts_at < $5 OR starts_at >= $6 AND starts_at < $7)
          UNION ALL
          SELECT timing_steps, timing_counts FROM roll_up_timings(ARRAY[$1::bigint], $8::bigint, $9::bigint, {DAY_MS})
          UNION ALL
          SELECT timing_steps, timing_counts
          FROM roll_up_timings(ARRAY[$1::bigint], $10::bigint, $11::bigint, {HOUR_MS})) AS kept
    CROSS JOIN LATERAL unnest(kept.timing_steps, kept.timing_counts) AS t(step, times)
    GROUP BY t.step"""  # noqa: S608 - our constants

# Of the checks themselves.
_PERCENTILES = """
    SELECT percentile_disc($4::float8[]) WITHIN GROUP (ORDER BY total_ms)
    FROM results
    WHERE monitor_id = $1 AND slot_at >= $2 AND slot_at < $3 AND passed AND check_counts(outcome, phase, withheld)"""

# What time it is, until when hours are added up, and since when checks are there.
_NOW = """
    SELECT hours_until, clock_ms() AS now_ms, (SELECT since_at FROM results_kept) AS results_since
    FROM rollup_progress"""


@dataclass(frozen=True, slots=True)
class Stand:
    """What there is now: hours added up until `hours_until`, checks since `results_since`."""

    now_ms: int
    hours_until: int
    results_since: int


@dataclass(frozen=True, slots=True)
class Spent:
    """How some time from `starts_at` on was spent, and what the checks in it told."""

    starts_at: int
    checks: int = 0
    failures: int = 0
    total_ms_sum: float = 0.0
    total_ms_min: float | None = None
    total_ms_max: float | None = None
    up_ms: int = 0
    degraded_ms: int = 0
    down_ms: int = 0
    unknown_ms: int = 0
    maintenance_ms: int = 0

    @property
    def uptime(self) -> float | None:
        """Percent, with three digits, never rounded up; None where nothing was known."""
        known = self.up_ms + self.degraded_ms + self.down_ms
        return None if known == 0 else (self.up_ms + self.degraded_ms) * 100_000 // known / 1000

    @property
    def mean_ms(self) -> float | None:
        """Of checks that passed."""
        passed = self.checks - self.failures
        return None if passed == 0 else round(self.total_ms_sum / passed, 1)


async def read_now(connection: Connection) -> Stand:
    """How things stand."""
    return Stand(**await connection.fetchrow(_NOW))


async def read_spent(connection: Connection, monitor_id: int, pieces: Pieces) -> list[Spent]:
    """Days and hours, in order."""
    return [_spent(row) for row in await connection.fetch(_PIECES, monitor_id, *_bounds_of(pieces))]


async def read_timings(connection: Connection, monitor_id: int, pieces: Pieces) -> dict[int, int]:
    """How many checks that passed there were of each step."""
    rows = await connection.fetch(_TIMINGS, monitor_id, *_bounds_of(pieces))
    return {row["step"]: row["times"] for row in rows}


async def read_percentiles(
    connection: Connection, monitor_id: int, span: Span, fractions: Sequence[float]
) -> list[float] | None:
    """How long the checks that passed took; None where there is none."""
    found: list[float] | None = await connection.fetchval(
        _PERCENTILES, monitor_id, span.from_ms, span.until_ms, fractions
    )
    return found


def added_up(spent: Iterable[Spent], starts_at: int) -> Spent:
    """All of it together."""
    parts = list(spent)
    return Spent(
        starts_at=starts_at,
        checks=sum(each.checks for each in parts),
        failures=sum(each.failures for each in parts),
        total_ms_sum=sum(each.total_ms_sum for each in parts),
        total_ms_min=min((each.total_ms_min for each in parts if each.total_ms_min is not None), default=None),
        total_ms_max=max((each.total_ms_max for each in parts if each.total_ms_max is not None), default=None),
        up_ms=sum(each.up_ms for each in parts),
        degraded_ms=sum(each.degraded_ms for each in parts),
        down_ms=sum(each.down_ms for each in parts),
        unknown_ms=sum(each.unknown_ms for each in parts),
        maintenance_ms=sum(each.maintenance_ms for each in parts),
    )


def in_buckets(spent: Iterable[Spent], length_ms: int) -> list[Spent]:
    """The same in buckets of this length, those that have something."""
    buckets: dict[int, list[Spent]] = {}
    for each in spent:
        buckets.setdefault(each.starts_at // length_ms * length_ms, []).append(each)
    return [added_up(parts, starts_at) for starts_at, parts in sorted(buckets.items())]


def _bounds_of(pieces: Pieces) -> list[int]:
    spans = (pieces.days, pieces.hours_before, pieces.hours_after, pieces.live, pieces.live_before)
    return [bound for span in spans for bound in (span.from_ms, span.until_ms)]


def _spent(row: Mapping[str, Any]) -> Spent:
    return Spent(**row)
