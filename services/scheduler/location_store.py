"""Which queues there are: every protocol a location has had a worker for, and when one was last seen."""

from shared.database.errors import translated_errors
from shared.database.pool import Pool

_QUEUES = """
SELECT w.location_id, l.code, w.protocol, max(w.last_seen_at) AS last_seen_at, clock_ms() AS now_ms
FROM location_workers w JOIN locations l ON l.id = w.location_id
GROUP BY w.location_id, l.code, w.protocol
ORDER BY w.location_id, w.protocol
"""


async def served_queues(pool: Pool) -> list[tuple[int, str, str, int]]:
    """(location id, location code, protocol, ms since a worker was seen) of every queue."""
    with translated_errors():
        rows = await pool.fetch(_QUEUES, timeout=10)
    return [(row["location_id"], row["code"], row["protocol"], row["now_ms"] - row["last_seen_at"]) for row in rows]
