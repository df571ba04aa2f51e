"""Whether everything that was claimed or asked for ended once: in a result, or as missed with a reason (promise P2).

`assert_conserved` is for the end of any test that lets the pipeline run; it asks the tables, whoever wrote them.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

# Per (monitor, location): slots claimed, and what became of them. Slots after last_slot, which a clock that went back
# has taken back, are not claimed, whatever is known of them. `open`: slots that may still be under way, for they are
# not audited yet, wait or are watched as requests, or are retired and wait for their audit.
_SLOTS = """
SELECT s.monitor_id, s.location_id, s.slots_claimed AS claimed,
    (SELECT count(*) FROM results r
     WHERE r.monitor_id = s.monitor_id AND r.location_id = s.location_id AND r.kind = 'scheduled'
       AND r.slot_at < s.last_slot + s.interval_ms) AS results,
    (SELECT coalesce(sum(least(
        m.count, (s.last_slot + s.interval_ms - 1 - m.first_slot) / m.interval_ms + 1)), 0)::bigint
     FROM missed m
     WHERE m.monitor_id = s.monitor_id AND m.location_id = s.location_id AND m.kind = 'scheduled'
       AND m.first_slot < s.last_slot + s.interval_ms) AS missed,
    greatest(0, (s.last_slot - greatest(s.since_slot, l.audited_until - s.interval_ms)) / s.interval_ms)
    + (SELECT count(*) FROM check_requests q
       WHERE q.monitor_id = s.monitor_id AND q.location_id = s.location_id AND q.kind = 'scheduled'
         AND q.state <> 'finished')
    + (SELECT coalesce(sum((d.last_slot - d.first_slot) / d.interval_ms + 1), 0)::bigint FROM schedule_retired d
       WHERE d.monitor_id = s.monitor_id AND d.location_id = s.location_id) AS open
FROM schedule s JOIN shard_leases l ON l.shard = s.shard
ORDER BY s.monitor_id, s.location_id
"""

# Slots that ended more than once: results and ranges of missed slots taken together.
_TWICE = """
SELECT monitor_id, location_id, slot, count(*) AS times FROM (
    SELECT monitor_id, location_id, slot_at AS slot FROM results WHERE kind = 'scheduled'
    UNION ALL
    SELECT monitor_id, location_id, generate_series(first_slot, last_slot, interval_ms) FROM missed
    WHERE kind = 'scheduled') ended
GROUP BY monitor_id, location_id, slot HAVING count(*) > 1 ORDER BY 1, 2, 3 LIMIT 20
"""

# Requests that ended, by how often: each that is finished once, and none more often.
_REQUESTS = """
SELECT q.check_id, q.kind, q.state,
    (SELECT count(*) FROM results r WHERE r.check_id = q.check_id)
    + (SELECT count(*) FROM missed m WHERE m.kind <> 'scheduled' AND m.check_id = q.check_id) AS ended
FROM check_requests q WHERE q.kind NOT IN ('scheduled', 'test')
"""


@dataclass(frozen=True, slots=True)
class Conservation:
    """What was counted, and what is wrong with it in words."""

    claimed: int
    results: int
    missed: int
    in_flight: int
    requests: int
    requests_open: int
    faults: tuple[str, ...]


async def conservation(pool: Any) -> Conservation:
    """Count everything, in one snapshot. `pool` acts as the pipeline's role."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        slots = await connection.fetch(_SLOTS)
        twice = await connection.fetch(_TWICE)
        requests = await connection.fetch(_REQUESTS)
    faults = []
    for row in slots:
        in_flight = row["claimed"] - row["results"] - row["missed"]
        where = f"monitor {row['monitor_id']} at location {row['location_id']}"
        if in_flight < 0:
            faults.append(f"{where}: {-in_flight} more ended than were claimed ({dict(row)})")
        elif in_flight > row["open"]:
            faults.append(f"{where}: {in_flight - row['open']} slots lost ({dict(row)})")
    faults += [
        f"monitor {row['monitor_id']} at location {row['location_id']}: slot {row['slot']} ended {row['times']} times"
        for row in twice
    ]
    for row in requests:
        if row["ended"] > 1 or (row["state"] == "finished" and row["ended"] == 0):
            faults.append(f"{row['kind']} request {row['check_id']} ({row['state']}) ended {row['ended']} times")
    claimed = sum(row["claimed"] for row in slots)
    results, missed = sum(row["results"] for row in slots), sum(row["missed"] for row in slots)
    return Conservation(
        claimed=claimed,
        results=results,
        missed=missed,
        in_flight=claimed - results - missed,
        requests=len(requests),
        requests_open=sum(row["ended"] == 0 for row in requests),
        faults=tuple(faults),
    )


async def assert_conserved(pool: Any, *, settled: bool = False, timeout_seconds: float = 60.0) -> Conservation:
    """No slot lost, none twice; answers with the counts.

    Args:
        settled: nothing may be in flight any more either; for tests that have stopped claiming.
        timeout_seconds: how long what was reported may take to be recorded.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        found = await conservation(pool)
        at_rest = not settled or (found.in_flight == 0 and found.requests_open == 0)
        if at_rest and not found.faults:
            return found
        if time.monotonic() > deadline:
            raise AssertionError("not conserved:\n" + "\n".join(found.faults or (f"still in flight: {found}",)))
        await asyncio.sleep(0.2)
