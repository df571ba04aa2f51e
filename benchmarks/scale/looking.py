"""What the database tells of a stretch of time: how many checks, how late, and what was missed for which reason."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.database.pool import Connection

# A check is on time when it begins within so long of its slot (docs/FAULTS: P1); at the 99th percentile.
ON_TIME_MS = 2_000
MOST_MISSED_SHARE = 0.001

_CHECKS = """
SELECT count(*) AS checks, count(*) FILTER (WHERE NOT passed) AS failed,
    coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY started_at - slot_at), 0) AS p50,
    coalesce(percentile_cont(0.99) WITHIN GROUP (ORDER BY started_at - slot_at), 0) AS p99,
    coalesce(percentile_cont(0.99) WITHIN GROUP (ORDER BY recorded_at - started_at), 0) AS recorded_p99
FROM results WHERE slot_at >= $1 AND slot_at < $2 AND kind = 'scheduled'"""

_MISSED = """
SELECT reason, sum(count)::bigint AS slots FROM missed
WHERE kind = 'scheduled' AND first_slot < $2 AND last_slot >= $1 GROUP BY reason ORDER BY reason"""


@dataclass(frozen=True, slots=True)
class Held:
    """A stretch of scheduling as it was recorded; lateness in milliseconds."""

    seconds: float
    monitors: int
    checks: int
    failed: int
    late_p50: float
    late_p99: float
    recorded_p99: float
    missed: Mapping[str, int]

    @property
    def per_second(self) -> float:
        return self.checks / self.seconds

    @property
    def holds(self) -> bool:
        """Whether all of it was made, in time."""
        missed = sum(self.missed.values())
        return self.late_p99 <= ON_TIME_MS and missed <= MOST_MISSED_SHARE * max(self.checks, 1) and not self.failed


async def look(connection: Connection, since: int, until: int, *, monitors: int) -> Held:
    """The slots from `since` until `until`, which have all ended by now."""
    found = await connection.fetchrow(_CHECKS, since, until)
    missed = await connection.fetch(_MISSED, since, until)
    return Held(
        seconds=(until - since) / 1000,
        monitors=monitors,
        checks=found["checks"],
        failed=found["failed"],
        late_p50=found["p50"],
        late_p99=found["p99"],
        recorded_p99=found["recorded_p99"],
        missed={row["reason"]: row["slots"] for row in missed},
    )


async def clock_ms(connection: Connection) -> int:
    """The clock everything goes by."""
    now: int = await connection.fetchval("SELECT clock_ms()")
    return now
