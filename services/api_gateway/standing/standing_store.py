"""Monitors with what is believed of them now, and their certificates. Read only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.database.pool import Connection

_DAY_MS = 86_400_000

_SCOPE = "m.organization_id = $1 AND ($2::bigint[] IS NULL OR m.customer_id = ANY($2))"

# The newest check that saw a certificate is among the last few: most see one, or none ever does. Two days and their
# partitions are looked through at most.
_SUBJECTS = f"""
    SELECT m.public_id, m.name, m.hostname, m.protocol, m.status, c.name AS customer_name,
        coalesce(h.health, 'unknown') AS health, h.since, h.last_checked_at, h.total_ms, seen.not_after_ms,
        EXISTS (SELECT FROM incidents i WHERE i.monitor_id = m.id AND i.resolved_at IS NULL) AS has_incident
    FROM monitors m
    JOIN customers c ON c.organization_id = m.organization_id AND c.id = m.customer_id
    LEFT JOIN monitor_health h ON h.monitor_id = m.id
    LEFT JOIN LATERAL (
        SELECT (few.certificate ->> 'notAfterMs')::bigint AS not_after_ms
        FROM (SELECT r.slot_at, r.detail -> 'certificate' AS certificate FROM results r
              WHERE r.monitor_id = m.id AND r.organization_id = $1 AND r.slot_at > $3::bigint
              ORDER BY r.slot_at DESC LIMIT 5) AS few
        WHERE jsonb_typeof(few.certificate) = 'object' ORDER BY few.slot_at DESC LIMIT 1) AS seen ON true
    WHERE {_SCOPE} ORDER BY m.id"""  # noqa: S608 - our constants

_COUNTS = f"""
    SELECT count(*) AS monitors,
        count(*) FILTER (WHERE m.status = 'disabled') AS paused,
        count(*) FILTER (WHERE m.status = 'maintenance') AS maintenance,
        count(*) FILTER (WHERE m.status <> 'disabled' AND h.health = 'up') AS up,
        count(*) FILTER (WHERE m.status <> 'disabled' AND h.health = 'degraded') AS degraded,
        count(*) FILTER (WHERE m.status <> 'disabled' AND h.health = 'down') AS down,
        count(*) FILTER (WHERE m.status <> 'disabled' AND coalesce(h.health, 'unknown') = 'unknown') AS unknown,
        max(h.last_checked_at) AS last_checked_at
    FROM monitors m LEFT JOIN monitor_health h ON h.monitor_id = m.id WHERE {_SCOPE}"""  # noqa: S608

_OPEN = """
    SELECT count(*) AS open_incidents, count(*) FILTER (WHERE acknowledged_at IS NULL) AS unacknowledged_incidents
    FROM incidents WHERE organization_id = $1 AND resolved_at IS NULL
        AND ($2::bigint[] IS NULL OR customer_id = ANY($2))"""

_WORST = f"""
    SELECT m.name, h.health, h.since, h.message
    FROM monitors m JOIN monitor_health h ON h.monitor_id = m.id
    WHERE {_SCOPE} AND m.status <> 'disabled' AND h.health IN ('down', 'degraded')
    ORDER BY h.health = 'down' DESC, h.since, m.id LIMIT 1"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Subject:
    """One monitor, as metrics tell of it."""

    public_id: UUID
    name: str
    hostname: str
    protocol: str
    status: str
    customer_name: str
    health: str
    since: int | None
    last_checked_at: int | None
    total_ms: float | None
    not_after_ms: int | None
    has_incident: bool


async def read_subjects(
    connection: Connection, organization_id: int, customer_ids: Sequence[int] | None
) -> list[Subject]:
    """All monitors in scope."""
    now_ms: int = await connection.fetchval("SELECT clock_ms()")
    rows = await connection.fetch(_SUBJECTS, organization_id, customer_ids, now_ms - 2 * _DAY_MS)
    return [Subject(**row) for row in rows]


async def read_counts(
    connection: Connection, organization_id: int, customer_ids: Sequence[int] | None
) -> dict[str, Any]:
    """How many are how, and `worst`: the row of the one that is worst for longest, or None."""
    counts = await connection.fetchrow(_COUNTS, organization_id, customer_ids)
    incidents = await connection.fetchrow(_OPEN, organization_id, customer_ids)
    worst = await connection.fetchrow(_WORST, organization_id, customer_ids)
    return {**counts, **incidents, "worst": worst}
