"""Which queues there are: every protocol a location has had a worker for, and whether one is at work now."""

from dataclasses import dataclass

from shared.database.errors import translated_errors
from shared.database.pool import Pool

# silent_before(): measured against the time until which a recorder has been listening, or everybody would fall silent
# with it. Canaries are for queues all of whose workers know them.
_QUEUES = """
SELECT w.location_id, l.code, w.protocol, max(w.last_seen_at) >= s.at AS live,
    coalesce(bool_and(w.canaries) FILTER (WHERE w.last_seen_at >= s.at), false) AS canaries
FROM (SELECT silent_before() AS at) s, location_workers w JOIN locations l ON l.id = w.location_id
GROUP BY w.location_id, l.code, w.protocol, s.at
ORDER BY w.location_id, w.protocol
"""


@dataclass(frozen=True, slots=True)
class Served:
    """A queue, whether its workers were heard of lately, and whether all of those take canaries."""

    location_id: int
    location: str
    protocol: str
    live: bool
    canaries: bool


async def served_queues(pool: Pool) -> list[Served]:
    """All of them, by location and protocol."""
    with translated_errors():
        rows = await pool.fetch(_QUEUES, timeout=10)
    return [
        Served(row["location_id"], row["code"], row["protocol"], live=row["live"], canaries=row["canaries"])
        for row in rows
    ]
