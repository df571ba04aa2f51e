"""Monitors with what is believed of them now, and their certificates. Read only."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from shared.database.pool import Connection

_DAY_MS = 86_400_000
_SLICE = 5_000

_SCOPE = "m.organization_id = $1 AND ($2::bigint[] IS NULL OR m.customer_id = ANY($2))"

# Where a slice of so many ends, by their numbers.
_SLICE_ENDS = f"""
    SELECT max(id) FROM (SELECT m.id FROM monitors m WHERE {_SCOPE} AND m.id > $3 ORDER BY m.id LIMIT $4) AS slice"""  # noqa: S608 - our constants

# The newest check that saw a certificate is among the last few: most see one, or none ever does. Two days and their
# partitions are looked through at most. Health is told its bounds too: it would be read as a whole for each slice.
_SUBJECTS = f"""
    SELECT m.public_id::text AS public_id, m.name, m.hostname, m.protocol, m.status, c.name AS customer_name,
        coalesce(h.health, 'unknown') AS health, h.last_checked_at, h.total_ms, seen.not_after_ms,
        EXISTS (SELECT FROM incidents i WHERE i.monitor_id = m.id AND i.resolved_at IS NULL) AS has_incident
    FROM monitors m
    JOIN customers c ON c.organization_id = m.organization_id AND c.id = m.customer_id
    LEFT JOIN monitor_health h ON h.monitor_id = m.id AND h.monitor_id > $4 AND h.monitor_id <= $5
    LEFT JOIN LATERAL (
        SELECT (few.certificate ->> 'notAfterMs')::bigint AS not_after_ms
        FROM (SELECT r.slot_at, r.detail -> 'certificate' AS certificate FROM results r
              WHERE r.monitor_id = m.id AND r.organization_id = $1
                AND r.slot_at > $3::bigint - {2 * _DAY_MS} AND r.slot_at < $3::bigint + {_DAY_MS // 24}
              ORDER BY r.slot_at DESC LIMIT 5) AS few
        WHERE jsonb_typeof(few.certificate) = 'object' ORDER BY few.slot_at DESC LIMIT 1) AS seen ON true
    WHERE {_SCOPE} AND m.id > $4 AND m.id <= $5 ORDER BY m.id"""  # noqa: S608

# Monitors by their status, health by itself, and the few that both decide about: putting all rows of two large tables
# together is several times as dear.
_COUNTS = f"""
    WITH scope AS NOT MATERIALIZED (SELECT m.id, m.status FROM monitors m WHERE {_SCOPE}
    ), ordered AS (
        SELECT count(*) AS monitors, count(*) FILTER (WHERE status = 'disabled') AS paused,
            count(*) FILTER (WHERE status = 'maintenance') AS maintenance
        FROM scope
    ), believed AS (
        SELECT count(*) FILTER (WHERE h.health = 'up') AS up, count(*) FILTER (WHERE h.health = 'degraded') AS degraded,
            count(*) FILTER (WHERE h.health = 'down') AS down, max(h.last_checked_at) AS last_checked_at
        FROM monitor_health h
        WHERE h.organization_id = $1 AND ($2::bigint[] IS NULL OR h.monitor_id IN (SELECT id FROM scope))
    ), of_paused AS (
        SELECT count(*) FILTER (WHERE h.health = 'up') AS up, count(*) FILTER (WHERE h.health = 'degraded') AS degraded,
            count(*) FILTER (WHERE h.health = 'down') AS down
        FROM scope JOIN monitor_health h ON h.monitor_id = scope.id WHERE scope.status = 'disabled'
    ), counted AS (
        SELECT o.monitors, o.paused, o.maintenance, b.up - p.up AS up, b.degraded - p.degraded AS degraded,
            b.down - p.down AS down, b.last_checked_at
        FROM ordered o, believed b, of_paused p
    )
    SELECT *, monitors - paused - up - degraded - down AS unknown FROM counted"""  # noqa: S608

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

    public_id: str
    name: str
    hostname: str
    protocol: str
    status: str
    customer_name: str
    health: str
    last_checked_at: int | None
    total_ms: float | None
    not_after_ms: int | None
    has_incident: bool


async def read_subjects(
    connection: Connection, organization_id: int, customer_ids: Sequence[int] | None
) -> AsyncIterator[list[Subject]]:
    """All monitors in scope, some thousands at a time."""
    now_ms: int = await connection.fetchval("SELECT clock_ms()")
    after = 0
    while (until := await connection.fetchval(_SLICE_ENDS, organization_id, customer_ids, after, _SLICE)) is not None:
        rows = await connection.fetch(_SUBJECTS, organization_id, customer_ids, now_ms, after, until)
        yield [Subject(**row) for row in rows]
        after = until


async def read_counts(
    connection: Connection, organization_id: int, customer_ids: Sequence[int] | None
) -> dict[str, Any]:
    """How many are how, and `worst`: the row of the one that is worst for longest, or None."""
    counts = await connection.fetchrow(_COUNTS, organization_id, customer_ids)
    incidents = await connection.fetchrow(_OPEN, organization_id, customer_ids)
    worst = await connection.fetchrow(_WORST, organization_id, customer_ids)
    return {**counts, **incidents, "worst": worst}
