"""Slots that were claimed and ought to have left a trace: a result, a missed one, or a request that follows them.

The windows are the claim's, shifted back. Reporting is left to the audit.
"""

from typing import Any, TypeAlias

from services.scheduler.windows import PhaseRange
from shared.database.pool import Connection

Row: TypeAlias = Any  # asyncpg.Record

# Every (location, protocol, interval) in use: one probe of schedule_due each.
_COMBINATIONS = """
WITH RECURSIVE used AS (
    (SELECT location_id, protocol, interval_ms FROM schedule WHERE active
     ORDER BY location_id, protocol, interval_ms LIMIT 1)
    UNION ALL
    SELECT n.* FROM used u CROSS JOIN LATERAL (
        SELECT s.location_id, s.protocol, s.interval_ms FROM schedule s
        WHERE s.active AND (s.location_id, s.protocol, s.interval_ms) > (u.location_id, u.protocol, u.interval_ms)
        ORDER BY s.location_id, s.protocol, s.interval_ms LIMIT 1) n
)
SELECT location_id, protocol, interval_ms FROM used
"""

# Whether a slot left a trace, each kind looked for by its key. As values, not as joins: a join may read all there ever
# was of a monitor, each second. Missed ranges of one monitor and location do not overlap, so the last one that begins
# by then is the one to look at.
_NO_TRACE = """
NOT coalesce((
    SELECT true FROM results r
    WHERE r.monitor_id = s.monitor_id AND r.slot_at = s.slot AND r.location_id = s.location_id
      AND r.kind = 'scheduled' LIMIT 1), false)
AND NOT coalesce((
    SELECT x.last_slot >= s.slot FROM missed x
    WHERE x.kind = 'scheduled' AND x.monitor_id = s.monitor_id AND x.location_id = s.location_id
      AND x.first_slot <= s.slot
    ORDER BY x.first_slot DESC LIMIT 1), false)
AND NOT coalesce((
    SELECT true FROM check_requests q
    WHERE q.monitor_id = s.monitor_id AND q.location_id = s.location_id AND q.slot_at = s.slot
      AND q.kind = 'scheduled' AND q.state <> 'finished' LIMIT 1), false)
"""

# Claimed slots due within [$6, $7) that left no trace, in order. OFFSET 0: each window is looked up by itself.
_UNANSWERED = f"""
WITH claimed AS MATERIALIZED (
    SELECT s.monitor_id, s.location_id, s.organization_id, s.monitor_public_id, s.protocol, s.interval_ms, s.revision,
        due.slot
    FROM unnest($1::int[], $2::text[], $3::int[], $4::int[], $5::int[])
        AS w (location_id, protocol, interval_ms, lowest, highest)
    CROSS JOIN LATERAL (
        SELECT * FROM schedule s
        WHERE s.active AND s.location_id = w.location_id AND s.protocol = w.protocol
          AND s.interval_ms = w.interval_ms AND s.phase_ms BETWEEN w.lowest AND w.highest
          AND s.last_slot >= $6::bigint AND s.since_slot < $7::bigint OFFSET 0) s
    CROSS JOIN LATERAL generate_series(
        greatest(s.since_slot + s.interval_ms, $6::bigint + ((s.phase_ms - $6::bigint) % s.interval_ms + s.interval_ms)
            % s.interval_ms),
        least(s.last_slot, $7::bigint - 1), s.interval_ms) AS due (slot)
)
SELECT s.*, l.code AS location FROM claimed s JOIN locations l ON l.id = s.location_id
WHERE {_NO_TRACE}
ORDER BY s.monitor_id, s.location_id, s.slot LIMIT $8
"""  # noqa: S608 - made of constants

# The plan by keys also where statistics know nothing yet of what was stored since: a table read whole for a second's
# slots would be read again the next second. Made once: with a partition for each day it takes longer than what it does.
_BY_KEYS = """
SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
    set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true),
    set_config('plan_cache_mode', 'force_generic_plan', true)
"""

# Of slots whose interval is no longer in force.
_RETIRED = """
SELECT id FROM schedule_retired WHERE audit_at <= $1 ORDER BY audit_at LIMIT $2
"""

_RETIRED_UNANSWERED = f"""
WITH claimed AS MATERIALIZED (
    SELECT s.id, s.monitor_id, s.location_id, s.organization_id, s.monitor_public_id, s.interval_ms, s.revision,
        s.reason, due.slot
    FROM schedule_retired s
    CROSS JOIN LATERAL generate_series(s.first_slot, s.last_slot, s.interval_ms) AS due (slot)
    WHERE s.id = ANY ($1::bigint[])
)
SELECT s.*, l.code AS location FROM claimed s JOIN locations l ON l.id = s.location_id
WHERE {_NO_TRACE}
ORDER BY s.id, s.slot
"""  # noqa: S608

_FORGET_RETIRED = "DELETE FROM schedule_retired WHERE id = ANY ($1::bigint[])"


async def combinations(connection: Connection) -> list[tuple[int, str, int]]:
    """The (location id, protocol, interval) of the active rows."""
    rows = await connection.fetch(_COMBINATIONS)
    return [(row["location_id"], row["protocol"], row["interval_ms"]) for row in rows]


async def unanswered(
    connection: Connection,
    windows: list[tuple[int, str, PhaseRange]],
    *,
    since: int,
    until: int,
    most: int,
) -> list[Row]:
    """Claimed slots due in [since, until) that left no trace; `windows` are the phases that have any."""
    if not windows:
        return []
    await connection.execute(_BY_KEYS)
    return list(
        await connection.fetch(
            _UNANSWERED,
            [location_id for location_id, _, _ in windows],
            [protocol for _, protocol, _ in windows],
            [found.interval_ms for _, _, found in windows],
            [found.lowest for _, _, found in windows],
            [found.highest for _, _, found in windows],
            since,
            until,
            most,
            timeout=25,
        )
    )


async def retired(connection: Connection, *, now_ms: int, most: int) -> list[int]:
    """Retired ranges whose time is up, by id."""
    return [row["id"] for row in await connection.fetch(_RETIRED, now_ms, most)]


async def retired_unanswered(connection: Connection, ids: list[int]) -> list[Row]:
    """The slots of these retired ranges that left no trace."""
    return list(await connection.fetch(_RETIRED_UNANSWERED, ids))


async def forget_retired(connection: Connection, ids: list[int]) -> None:
    """Their slots are accounted for."""
    await connection.execute(_FORGET_RETIRED, ids)
