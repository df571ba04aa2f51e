"""Incidents, messages, checks and maintenance of one monitor, as others keep them. Read only."""

from collections.abc import Sequence
from typing import Any

from services.api_gateway.channels.channel_store import why_not_sent
from services.api_gateway.field_types import moment_if_known, moment_of_ms
from services.api_gateway.history.models import ChartPoint, LatestCheck, PastAlert, PastIncident, ShownWindow
from services.api_gateway.history.spans import Span
from services.api_gateway.history.wording import duration_text, time_text
from shared.database.pool import Connection

MOST_SHOWN = 100
MOST_POINTS = 2000
_MOST_WINDOWS = 500

_OF_MONITOR = "WHERE i.organization_id = $1 AND i.monitor_id = $2"
# Newest first; of a time: what was going on in it.
_INCIDENTS = f"""
    SELECT i.id, i.public_id, i.started_at, i.opened_at, i.resolved_at, i.kind, i.message
    FROM incidents i {_OF_MONITOR}
      AND ($3::bigint IS NULL OR i.resolved_at IS NULL OR i.resolved_at >= $3)
      AND ($4::bigint IS NULL OR i.started_at < $4) AND ($5::bigint IS NULL OR i.id < $5)
    ORDER BY i.id DESC LIMIT $6"""  # noqa: S608 - our constants
_INCIDENT_COUNT = f"SELECT count(*) FROM incidents i {_OF_MONITOR}"  # noqa: S608 - our constants

# A message about several incidents of a monitor is told of each.
_TOLD = f"""FROM incidents i
    CROSS JOIN LATERAL (SELECT DISTINCT t.delivery_id FROM delivery_incidents t WHERE t.incident_id = i.id) AS told
    JOIN deliveries d ON d.id = told.delivery_id
    {_OF_MONITOR} AND d.state IN ('sent', 'failed')"""  # noqa: S608 - our constants
_ALERTS = f"""
    SELECT d.id, i.id AS incident_id, i.public_id AS incident_public_id, d.channel_type AS type, d.state AS status,
        d.channel_name, d.sent_at, {why_not_sent("$6")} AS error_message, d.event
    {_TOLD} AND ($3::bigint IS NULL OR (d.id, i.id) < ($3, $4::bigint)) ORDER BY d.id DESC, i.id DESC LIMIT $5"""
_ALERT_COUNT = f"SELECT count(*) {_TOLD}"

_CHECKS = """
    SELECT r.check_id, r.passed, r.started_at, r.total_ms, r.message, r.outcome,
        r.detail -> 'phasesMs' AS phases_ms, r.detail -> 'certificate' ->> 'fingerprintSha256' AS certificate,
        coalesce(l.code, '') AS location_code, coalesce(l.name, '') AS location_name
    FROM results r LEFT JOIN locations l ON l.id = r.location_id
    WHERE r.organization_id = $1 AND r.monitor_id = $2 AND r.slot_at >= $3 AND r.slot_at < $4
    ORDER BY r.slot_at DESC, r.check_id DESC LIMIT $5"""
_EVER = Span(0, 2**62)

_WINDOWS = f"""
    SELECT w.id, w.public_id, w.name, w.description, w.recurrence_pattern IS NOT NULL AS is_recurring,
        v.starts_at, v.ends_at
    FROM monitor_maintenance v JOIN maintenance_windows w ON w.id = v.window_id
    WHERE v.organization_id = $1 AND v.monitor_id = $2 AND v.ends_at > $3
    ORDER BY v.starts_at, w.id LIMIT {_MOST_WINDOWS}"""  # noqa: S608 - our constants


async def past_incidents(
    connection: Connection,
    organization_id: int,
    monitor_id: int,
    *,
    now_ms: int,
    span: Span | None = None,
    before: int | None = None,
    limit: int = MOST_SHOWN,
) -> list[PastIncident]:
    """The newest incidents of a monitor: of all, of those of a time, or of those before one (by its number)."""
    bounds = (None, None) if span is None else (span.from_ms, span.until_ms)
    rows = await connection.fetch(_INCIDENTS, organization_id, monitor_id, *bounds, before, limit)
    return [_incident(row, now_ms) for row in rows]


async def count_past_incidents(connection: Connection, organization_id: int, monitor_id: int) -> int:
    """How many there ever were."""
    total: int = await connection.fetchval(_INCIDENT_COUNT, organization_id, monitor_id)
    return total


async def past_alerts(
    connection: Connection,
    organization_id: int,
    monitor_id: int,
    *,
    scope: Sequence[int] | None,
    before: tuple[int, int] | None = None,
    limit: int = MOST_SHOWN,
) -> list[PastAlert]:
    """The newest messages about a monitor: of all, or of those before one (by its number and the incident's).

    Args:
        scope: the customers whoever asks may see; None: every one.
    """
    rows = await connection.fetch(_ALERTS, organization_id, monitor_id, *(before or (None, None)), limit, scope)
    return [PastAlert(**{**row, "sent_at": moment_if_known(row["sent_at"])}) for row in rows]


async def count_past_alerts(connection: Connection, organization_id: int, monitor_id: int) -> int:
    """How many there ever were."""
    total: int = await connection.fetchval(_ALERT_COUNT, organization_id, monitor_id)
    return total


async def latest_check(connection: Connection, organization_id: int, monitor_id: int) -> LatestCheck | None:
    """The newest recorded check."""
    row = await connection.fetchrow(_CHECKS, organization_id, monitor_id, _EVER.from_ms, _EVER.until_ms, 1)
    if row is None:
        return None
    return LatestCheck(
        id=row["check_id"],
        status="success" if row["passed"] else "failure",
        checked_at=moment_of_ms(row["started_at"]),
        timing_imap_pop=round(row["total_ms"], 1),
        location_code=row["location_code"],
        location_name=row["location_name"],
    )


async def check_points(
    connection: Connection, organization_id: int, monitor_id: int, span: Span
) -> tuple[list[ChartPoint], bool]:
    """The checks of a time, oldest first, and whether older ones were left out."""
    rows = await connection.fetch(_CHECKS, organization_id, monitor_id, span.from_ms, span.until_ms, MOST_POINTS + 1)
    return [_point(row) for row in reversed(rows[:MOST_POINTS])], len(rows) > MOST_POINTS


async def maintenance_since(
    connection: Connection, organization_id: int, monitor_id: int, since_ms: int
) -> list[ShownWindow]:
    """When windows were open since then, or will be."""
    return [
        ShownWindow(
            id=row["id"],
            public_id=row["public_id"],
            name=row["name"],
            description=row["description"],
            start_time=moment_of_ms(row["starts_at"]),
            end_time=moment_of_ms(row["ends_at"]),
            is_recurring=row["is_recurring"],
        )
        for row in await connection.fetch(_WINDOWS, organization_id, monitor_id, since_ms)
    ]


def _incident(row: Any, now_ms: int) -> PastIncident:
    ended_at = row["resolved_at"]
    duration_ms = max(0, (now_ms if ended_at is None else ended_at) - row["opened_at"])
    return PastIncident(
        id=row["id"],
        public_id=row["public_id"],
        status="active" if ended_at is None else "resolved",
        started_at=time_text(row["opened_at"]),
        ended_at=None if ended_at is None else time_text(ended_at),
        duration=duration_text(duration_ms),
        started_at_iso=moment_of_ms(row["opened_at"]),
        ended_at_iso=moment_if_known(ended_at),
        duration_ms=duration_ms,
        outage_started_at_iso=moment_of_ms(row["started_at"]),
        is_ongoing=ended_at is None,
        cause=row["kind"],
        details=row["message"],
    )


def _point(row: Any) -> ChartPoint:
    return ChartPoint(
        checked_at=moment_of_ms(row["started_at"]),
        status="success" if row["passed"] else "failure",
        timing_imap_pop=round(row["total_ms"], 1),
        error_message=None if row["passed"] else row["message"],
        cause=row["outcome"],
        location_code=row["location_code"],
        location_name=row["location_name"],
        phases_ms=row["phases_ms"],
        certificate=row["certificate"],
    )
