"""Where the schedule differs from the monitors, and the statements that bring it in line.

Rows are never deleted: an inactive one keeps the count of the slots claimed.
"""

from collections.abc import Iterable
from typing import Any, TypeAlias

from shared.checks.vocabulary import CheckKind
from shared.database.errors import translated_errors
from shared.database.pool import Connection, Pool

Row: TypeAlias = Any  # asyncpg.Record

FIRST_GIVE_UP_MS = 300_000

# Monitors at the locations that may check them (a country list of the monitor's own, else its customer's), against
# the active rows of the schedule; what has no counterpart or another revision comes out.
_DIFFERENCES = """
WITH wanted AS (
    SELECT m.id AS monitor_id, w.location_id, m.organization_id, m.public_id, m.protocol, m.interval_ms, m.revision
    FROM monitors m
    JOIN customers c ON c.id = m.customer_id
    CROSS JOIN LATERAL (
        SELECT coalesce(nullif(m.allowed_check_country_codes, '{{}}'), nullif(c.allowed_check_country_codes, '{{}}'))
            AS codes) allowed
    JOIN (SELECT DISTINCT location_id, protocol FROM location_workers) w ON w.protocol = m.protocol
    JOIN locations l ON l.id = w.location_id
    WHERE m.status <> 'disabled' {of_monitors}
      AND (allowed.codes IS NULL OR l.country_code = ANY (allowed.codes))
), scheduled AS (
    SELECT monitor_id, location_id, protocol, interval_ms, revision FROM schedule WHERE active {of_schedule}
)
SELECT monitor_id, location_id, w.organization_id, w.public_id, w.protocol, w.interval_ms, w.revision,
    s.interval_ms AS scheduled_interval_ms, s.protocol AS scheduled_protocol
FROM wanted w FULL JOIN scheduled s USING (monitor_id, location_id)
WHERE w.revision IS NULL OR s.revision IS NULL OR s.revision <> w.revision
   OR s.interval_ms <> w.interval_ms OR s.protocol <> w.protocol
ORDER BY monitor_id, location_id LIMIT $1
"""

_ALL_DIFFERENCES = _DIFFERENCES.format(of_monitors="", of_schedule="")
_SOME_DIFFERENCES = _DIFFERENCES.format(
    of_monitors="AND m.id = ANY ($2::bigint[])", of_schedule="AND monitor_id = ANY ($2::bigint[])"
)

# A new row, or an old one taken up again: it starts after what was claimed of it, or of its queue's window, so that
# no slot is claimed twice and none between now and the window's end is passed by. $9: claimed until.
_START = """
INSERT INTO schedule AS s (monitor_id, location_id, organization_id, monitor_public_id, protocol, interval_ms,
    phase_ms, revision, active, since_slot, last_slot)
SELECT n.*, true, $9::bigint - ($9::bigint - n.phase_ms) % n.interval_ms,
    $9::bigint - ($9::bigint - n.phase_ms) % n.interval_ms
FROM unnest($1::bigint[], $2::int[], $3::bigint[], $4::uuid[], $5::text[], $6::int[], $7::int[], $8::bigint[])
    AS n (monitor_id, location_id, organization_id, monitor_public_id, protocol, interval_ms, phase_ms, revision)
ORDER BY n.monitor_id, n.location_id
ON CONFLICT (monitor_id, location_id) DO UPDATE
SET protocol = excluded.protocol, interval_ms = excluded.interval_ms, phase_ms = excluded.phase_ms,
    revision = excluded.revision, active = true,
    since_slot = greatest(s.last_slot, $9::bigint)
        - (greatest(s.last_slot, $9::bigint) - excluded.phase_ms) % excluded.interval_ms,
    last_slot = greatest(s.last_slot, $9::bigint)
        - (greatest(s.last_slot, $9::bigint) - excluded.phase_ms) % excluded.interval_ms
"""

# Slots claimed and not yet audited move to a list of their own before their interval is forgotten.
_RETIRE = """
INSERT INTO schedule_retired (monitor_id, location_id, organization_id, monitor_public_id, interval_ms, revision,
    first_slot, last_slot, reason, audit_at)
SELECT s.monitor_id, s.location_id, s.organization_id, s.monitor_public_id, s.interval_ms, s.revision,
    s.since_slot + s.interval_ms * greatest(1, ceil((l.audited_until - s.since_slot)::numeric / s.interval_ms))::bigint,
    s.last_slot, $4, s.last_slot + $3::bigint
FROM unnest($1::bigint[], $2::int[]) AS n (monitor_id, location_id)
JOIN schedule s USING (monitor_id, location_id)
JOIN shard_leases l ON l.shard = s.shard
WHERE s.active AND s.last_slot > s.since_slot AND s.last_slot >= l.audited_until
"""

_STOP = """
UPDATE schedule s SET active = false, since_slot = s.last_slot
FROM unnest($1::bigint[], $2::int[]) AS n (monitor_id, location_id)
WHERE s.monitor_id = n.monitor_id AND s.location_id = n.location_id AND s.active
"""

_REVISE = """
UPDATE schedule s SET revision = n.revision
FROM unnest($1::bigint[], $2::int[], $3::bigint[]) AS n (monitor_id, location_id, revision)
WHERE s.monitor_id = n.monitor_id AND s.location_id = n.location_id
"""

# A monitor described before any worker of its location was there has never been checked: it need not wait for its
# first slot, which may be a day away.
_ASK_FOR_FIRST = """
INSERT INTO check_requests (check_id, kind, organization_id, monitor_id, monitor_public_id, location_id, slot_at,
    start_at, give_up_at)
SELECT gen_random_uuid(), $1, n.organization_id, n.monitor_id, n.public_id, n.location_id, n.start_at,
    n.start_at, n.start_at + $7::bigint
FROM unnest($2::bigint[], $3::int[], $4::bigint[], $5::uuid[], $6::bigint[])
    AS n (monitor_id, location_id, organization_id, public_id, start_at)
WHERE NOT EXISTS (SELECT FROM monitor_health h WHERE h.monitor_id = n.monitor_id)
  AND NOT EXISTS (SELECT FROM check_requests q WHERE q.monitor_id = n.monitor_id AND q.location_id = n.location_id)
ON CONFLICT DO NOTHING
"""

_REQUIRED_CONCURRENCY = """
SELECT s.protocol, l.code, sum(least(coalesce(h.total_ms, 1000), 60000)::float8 / s.interval_ms) AS checks
FROM schedule s JOIN locations l ON l.id = s.location_id LEFT JOIN monitor_health h ON h.monitor_id = s.monitor_id
WHERE s.active GROUP BY s.protocol, l.code
"""


async def differences(pool: Pool, *, most: int, monitor_ids: Iterable[int] | None = None) -> list[Row]:
    """What is wanted and not scheduled so, or scheduled and not wanted (then `revision` is null)."""
    with translated_errors():
        if monitor_ids is None:
            return list(await pool.fetch(_ALL_DIFFERENCES, most, timeout=60))
        return list(await pool.fetch(_SOME_DIFFERENCES, most, list(monitor_ids), timeout=30))


async def retire(connection: Connection, rows: list[Row], *, audit_after_ms: int, reason: str) -> None:
    """Note the slots of these rows that may still be under way, to be looked after when their time is up."""
    await connection.execute(_RETIRE, *_places(rows), audit_after_ms, reason)


async def stop(connection: Connection, rows: list[Row]) -> None:
    """No more slots of these."""
    await connection.execute(_STOP, *_places(rows))


async def start(connection: Connection, rows: list[Row], phases: list[int], *, claimed_until: int) -> None:
    """Claim slots of these, as wanted, from then on."""
    await connection.execute(
        _START,
        *_places(rows),
        [row["organization_id"] for row in rows],
        [row["public_id"] for row in rows],
        [row["protocol"] for row in rows],
        [row["interval_ms"] for row in rows],
        phases,
        [row["revision"] for row in rows],
        claimed_until,
    )


async def revise(connection: Connection, rows: list[Row]) -> None:
    """Nothing about the slots has changed."""
    await connection.execute(_REVISE, *_places(rows), [row["revision"] for row in rows])


async def ask_for_first(connection: Connection, rows: list[Row], starts: list[int]) -> None:
    """Ask for a check of those among these that never had one, at the times given."""
    await connection.execute(
        _ASK_FOR_FIRST,
        CheckKind.FIRST,
        *_places(rows),
        [row["organization_id"] for row in rows],
        [row["public_id"] for row in rows],
        starts,
        FIRST_GIVE_UP_MS,
    )


async def required_concurrency(pool: Pool) -> dict[tuple[str, str], float]:
    """Checks at once that the schedule asks for, by protocol and location, from how often and how long."""
    with translated_errors():
        rows = await pool.fetch(_REQUIRED_CONCURRENCY, timeout=60)
    return {(row["protocol"], row["code"]): row["checks"] for row in rows}


def _places(rows: list[Row]) -> tuple[list[int], list[int]]:
    return [row["monitor_id"] for row in rows], [row["location_id"] for row in rows]
