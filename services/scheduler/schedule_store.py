"""The schedule: claiming what is due, and pulling back what a clock has run ahead of.

Which rows there are is for the reconciliation; what became of the slots, for the audit.
"""

from typing import Any, TypeAlias

from services.scheduler.plan import Queue
from services.scheduler.windows import PhaseRange
from shared.database.pool import Connection

Row: TypeAlias = Any  # asyncpg.Record

# The intervals in use at a queue: one probe of schedule_due each, however many rows there are.
_INTERVALS = """
WITH RECURSIVE intervals AS (
    (SELECT interval_ms FROM schedule WHERE active AND location_id = $1 AND protocol = $2
     ORDER BY interval_ms LIMIT 1)
    UNION ALL
    SELECT (SELECT s.interval_ms FROM schedule s
            WHERE s.active AND s.location_id = $1 AND s.protocol = $2 AND s.interval_ms > i.interval_ms
            ORDER BY s.interval_ms LIMIT 1)
    FROM intervals i WHERE i.interval_ms IS NOT NULL
)
SELECT interval_ms FROM intervals WHERE interval_ms IS NOT NULL
"""

# Claims the newest slot at or before $6 of every row within the phase ranges whose newest claimed slot is older, in
# the order of ids (neighbours share pages), and answers with the monitors as they stand. `was` is the slot claimed
# before: those between are passed over, and counted as claimed too.
_CLAIM = """
WITH due AS (
    SELECT d.monitor_id, d.last_slot, d.slot
    FROM unnest($1::int[], $2::int[], $3::int[]) AS r (interval_ms, lowest, highest)
    CROSS JOIN LATERAL (
        SELECT s.monitor_id, s.last_slot, $6::bigint - ($6::bigint - s.phase_ms) % s.interval_ms AS slot
        FROM schedule s
        WHERE s.active AND s.location_id = $4 AND s.protocol = $5 AND s.interval_ms = r.interval_ms
          AND s.phase_ms BETWEEN r.lowest AND r.highest
          AND s.last_slot < $6::bigint - ($6::bigint - s.phase_ms) % s.interval_ms
        OFFSET 0  -- or a plan made for all windows would read the schedule whole, and compare
    ) d
    ORDER BY d.monitor_id LIMIT $7
)
UPDATE schedule s
SET last_slot = due.slot, slots_claimed = s.slots_claimed + (due.slot - s.last_slot) / s.interval_ms
FROM due
JOIN monitors m ON m.id = due.monitor_id AND m.status <> 'disabled'
LEFT JOIN login_credentials c ON c.credential_id = m.credential_id
WHERE s.monitor_id = due.monitor_id AND s.location_id = $4 AND s.active AND s.last_slot = due.last_slot
RETURNING s.monitor_id, s.location_id, s.organization_id, s.monitor_public_id, s.interval_ms, s.last_slot AS slot,
    due.last_slot AS was, m.revision, m.hostname, m.port, m.timeout_seconds, m.config, m.sealed_password,
    m.credential_id, c.outcome = 'accepted' AS proven, c.ever_accepted
"""

# A clock that ran ahead and came back: slots claimed for a time not yet here are taken back, as never claimed.
_PULL_BACK = """
UPDATE schedule s
SET last_slot = back.slot,
    since_slot = least(s.since_slot, back.slot),
    slots_claimed = s.slots_claimed - (s.last_slot - greatest(s.since_slot, back.slot)) / s.interval_ms
FROM (
    SELECT monitor_id, $3::bigint - ($3::bigint - phase_ms) % interval_ms AS slot FROM schedule
    WHERE active AND location_id = $1 AND protocol = $2 AND last_slot > $3::bigint + interval_ms
    ORDER BY monitor_id
) back
WHERE s.monitor_id = back.monitor_id AND s.location_id = $1
"""


async def intervals(connection: Connection, queue: Queue) -> list[int]:
    """The distinct intervals of the rows of a queue."""
    return [row["interval_ms"] for row in await connection.fetch(_INTERVALS, queue.location_id, queue.protocol)]


async def claim(connection: Connection, queue: Queue, ranges: list[PhaseRange], *, until: int, most: int) -> list[Row]:
    """Claim what is due until then within the phase ranges, `most` rows of it."""
    if not ranges:
        return []
    return list(
        await connection.fetch(
            _CLAIM,
            [found.interval_ms for found in ranges],
            [found.lowest for found in ranges],
            [found.highest for found in ranges],
            queue.location_id,
            queue.protocol,
            until,
            most,
        )
    )


async def pull_back(connection: Connection, queue: Queue, *, now_ms: int) -> int:
    """Take back slots claimed more than an interval ahead of now; answers how many rows had any."""
    status = await connection.execute(_PULL_BACK, queue.location_id, queue.protocol, now_ms)
    return int(status.rpartition(" ")[2])
