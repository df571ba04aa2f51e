"""What a status page is made of, as others keep it: so many statements for a page, however many monitors. Read only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.api_gateway.history.spans import DAY_MS, HOUR_MS, Span, pieces_of
from services.api_gateway.history.uptime_store import read_now
from shared.database.pool import Connection

DAYS = 90
INCIDENT_DAYS = 14
MOST_MONITORS = 1000
_MOST_INCIDENTS = 1000
_MOST_WINDOWS = 50
_AHEAD_MS = 35 * DAY_MS

# What is not checked is not shown.
_MONITORS = f"""
    SELECT m.id, m.public_id, m.name, m.hostname, m.config ->> 'user' AS user_name, m.status, h.health, h.since,
        m.created_at, ARRAY(SELECT g.tag_id FROM monitor_tags g WHERE g.monitor_id = m.id) AS tag_ids
    FROM monitors m LEFT JOIN monitor_health h ON h.monitor_id = m.id
    WHERE m.organization_id = $1 AND m.customer_id = $2 AND m.status <> 'disabled'
      AND ($3 OR m.id = ANY ($4::bigint[])
           OR EXISTS (SELECT FROM monitor_tags g WHERE g.monitor_id = m.id AND g.tag_id = ANY ($5::bigint[])))
    ORDER BY lower(m.name), m.id LIMIT {MOST_MONITORS}"""  # noqa: S608 - our constants

# Not what a monitor went through as another customer's.
_INCIDENTS = f"""
    SELECT i.id, i.public_id, i.group_id, i.monitor_id, i.started_at, i.opened_at, i.resolved_at, i.phase, i.message,
        i.acknowledged_at
    FROM incidents i
    WHERE i.organization_id = $1 AND i.monitor_id = ANY ($2::bigint[]) AND i.customer_id = $4
      AND (i.resolved_at IS NULL OR i.resolved_at >= $3)
    ORDER BY i.id DESC LIMIT {_MOST_INCIDENTS}"""  # noqa: S608 - our constants

# Of each window the time that is open now, else the next one.
_WINDOWS = f"""
    SELECT w.public_id, w.name, w.created_at, w.updated_at, next.starts_at, next.ends_at,
        next.monitor_ids
    FROM (SELECT DISTINCT ON (v.window_id) v.window_id, v.starts_at, v.ends_at, array_agg(v.monitor_id) AS monitor_ids
          FROM monitor_maintenance v
          WHERE v.organization_id = $1 AND v.monitor_id = ANY ($2::bigint[])
            AND v.ends_at > $3 AND v.starts_at < $3 + {_AHEAD_MS}
          GROUP BY v.window_id, v.starts_at, v.ends_at ORDER BY v.window_id, v.starts_at) AS next
    JOIN maintenance_windows w ON w.id = next.window_id
    WHERE w.deleted_at IS NULL
    ORDER BY next.starts_at, next.window_id LIMIT {_MOST_WINDOWS}"""  # noqa: S608 - our constants

# $2..$3 days, $4..$5 and $6..$7 hours, from $8 until $9 what is added up only now; $10 the first day.
_DAYS = f"""
    WITH spent AS (
        SELECT monitor_id, starts_at, up_ms, degraded_ms, down_ms, maintenance_ms FROM rollups
        WHERE monitor_id = ANY ($1::bigint[]) AND span = 'day' AND starts_at >= $2 AND starts_at < $3
        UNION ALL
        SELECT monitor_id, starts_at, up_ms, degraded_ms, down_ms, maintenance_ms FROM rollups
        WHERE monitor_id = ANY ($1::bigint[]) AND span = 'hour'
          AND (starts_at >= $4 AND starts_at < $5 OR starts_at >= $6 AND starts_at < $7)
        UNION ALL
        SELECT monitor_id, starts_at, up_ms, degraded_ms, down_ms, maintenance_ms
        FROM roll_up($1::bigint[], $8::bigint, $9::bigint, {HOUR_MS})
    ), days AS (
        SELECT monitor_id, ((starts_at - $10::bigint) / {DAY_MS})::integer AS day, sum(up_ms)::bigint AS up_ms,
            sum(degraded_ms)::bigint AS degraded_ms, sum(down_ms)::bigint AS down_ms,
            sum(maintenance_ms)::bigint AS maintenance_ms
        FROM spent GROUP BY 1, 2
    )
    SELECT monitor_id, array_agg(day) AS day, array_agg(up_ms) AS up_ms, array_agg(degraded_ms) AS degraded_ms,
        array_agg(down_ms) AS down_ms, array_agg(maintenance_ms) AS maintenance_ms
    FROM days GROUP BY monitor_id"""  # noqa: S608 - our constants


@dataclass(frozen=True, slots=True)
class SeenMonitor:
    """As much of a monitor as a page takes; what of it is shown is for `standing` to say."""

    id: int
    public_id: UUID
    name: str
    hostname: str
    user_name: str | None
    status: str
    health: str | None
    since: int | None
    created_at: Any
    tag_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SeenIncident:
    """An incident of one of the monitors."""

    id: int
    public_id: UUID
    group_id: int | None
    monitor_id: int
    started_at: int
    opened_at: int
    resolved_at: int | None
    phase: str
    message: str
    acknowledged_at: int | None


@dataclass(frozen=True, slots=True)
class SeenWindow:
    """Planned work on some of the monitors."""

    public_id: UUID
    name: str
    created_at: Any
    updated_at: Any
    starts_at: int
    ends_at: int
    monitor_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """How a day was spent; time of which nothing is known is left out."""

    up_ms: int = 0
    degraded_ms: int = 0
    down_ms: int = 0
    maintenance_ms: int = 0

    def __add__(self, other: "Day") -> "Day":
        return Day(
            self.up_ms + other.up_ms,
            self.degraded_ms + other.degraded_ms,
            self.down_ms + other.down_ms,
            self.maintenance_ms + other.maintenance_ms,
        )


NOTHING = Day()


@dataclass(frozen=True, slots=True)
class Seen:
    """All that a page is made of. `days`: by monitor, the last ninety, the oldest first; empty where not asked for."""

    now_ms: int
    monitors: tuple[SeenMonitor, ...]
    incidents: tuple[SeenIncident, ...]
    windows: tuple[SeenWindow, ...]
    days: dict[int, tuple[Day, ...]]


async def read_seen(
    connection: Connection,
    organization_id: int,
    customer_id: int,
    *,
    monitor_ids: Sequence[int] | None,
    tag_ids: Sequence[int],
    with_days: bool,
) -> Seen:
    """What there is to see of a customer's monitors.

    Args:
        monitor_ids: None: of all of them. with_days: also how the last ninety days were spent.
    """
    stand = await read_now(connection)
    now_ms, hours_until = stand.now_ms, stand.hours_until
    wanted = (monitor_ids is None, list(monitor_ids or ()), list(tag_ids))
    rows = await connection.fetch(_MONITORS, organization_id, customer_id, *wanted)
    monitors = tuple(SeenMonitor(**{**row, "tag_ids": tuple(row["tag_ids"])}) for row in rows)
    numbers = [monitor.id for monitor in monitors]
    since_ms = now_ms - INCIDENT_DAYS * DAY_MS
    incidents = await connection.fetch(_INCIDENTS, organization_id, numbers, since_ms, customer_id)
    windows = await connection.fetch(_WINDOWS, organization_id, numbers, now_ms)
    return Seen(
        now_ms=now_ms,
        monitors=monitors,
        incidents=tuple(SeenIncident(**row) for row in incidents),
        windows=tuple(SeenWindow(**{**row, "monitor_ids": tuple(row["monitor_ids"])}) for row in windows),
        days=await _read_days(connection, numbers, now_ms, hours_until) if with_days else {},
    )


async def _read_days(
    connection: Connection, numbers: Sequence[int], now_ms: int, hours_until: int
) -> dict[int, tuple[Day, ...]]:
    first_ms = (now_ms // DAY_MS - (DAYS - 1)) * DAY_MS
    pieces = pieces_of(Span(first_ms, now_ms), hours_until=hours_until)
    bounds = [
        bound
        for piece in (pieces.days, pieces.hours_before, pieces.hours_after, pieces.live)
        for bound in (piece.from_ms, piece.until_ms)
    ]
    rows = await connection.fetch(_DAYS, numbers, *bounds, first_ms)
    return {row["monitor_id"]: _days(row) for row in rows}


def _days(row: Any) -> tuple[Day, ...]:
    spent = zip(row["up_ms"], row["degraded_ms"], row["down_ms"], row["maintenance_ms"], strict=True)
    by_day = {day: Day(*each) for day, each in zip(row["day"], spent, strict=True)}
    return tuple(by_day.get(day, NOTHING) for day in range(DAYS))
