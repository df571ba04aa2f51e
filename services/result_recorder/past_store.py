"""What the recorder wrote and nobody looks back to any more, deleted a bounded number of rows at a time."""

from services.result_recorder.rollups.rollup_store import DAY_MS, forget_rollups, next_monitors
from shared.database.pool import Connection, Pool, transaction

MONITORS_AT_ONCE = 500

# $1 the time, $2 how many rows at most. Ids follow time closely enough to find the oldest by.
_MISSED = """
DELETE FROM missed WHERE id IN (SELECT id FROM missed ORDER BY id LIMIT $2) AND recorded_at < $1"""
_INCIDENTS = """
DELETE FROM incidents WHERE id IN (SELECT id FROM incidents WHERE resolved_at < $1 ORDER BY id LIMIT $2)"""
_GROUPS = """
DELETE FROM incident_groups WHERE id IN (
    SELECT g.id FROM incident_groups g
    WHERE g.resolved_at < $1 AND NOT EXISTS (SELECT FROM incidents i WHERE i.group_id = g.id) ORDER BY g.id LIMIT $2)"""
_OPENINGS = """
DELETE FROM maintenance_occurrences WHERE (window_id, starts_at) IN (
    SELECT window_id, starts_at FROM maintenance_occurrences WHERE ends_at < $1 LIMIT $2)"""
_NOTICES = """
DELETE FROM certificate_notices WHERE ctid IN (SELECT ctid FROM certificate_notices WHERE at < $1 LIMIT $2)"""
_HOST_OUTAGES = """
DELETE FROM host_login_outages WHERE host IN (
    SELECT host FROM host_login_outages WHERE greatest(seen_at, ended_at) < $1 LIMIT $2)"""
# How the logins went of passwords that no monitor has any more.
_CREDENTIALS = """
DELETE FROM login_credentials WHERE credential_id IN (
    SELECT c.credential_id FROM login_credentials c
    WHERE c.at_ms < $1 AND NOT EXISTS (SELECT FROM monitors m WHERE m.credential_id = c.credential_id) LIMIT $2)"""

_OF_RESULTS = (_MISSED, _CREDENTIALS)
_OF_HISTORY = (_INCIDENTS, _GROUPS, _OPENINGS, _NOTICES, _HOST_OUTAGES)

# What was believed before then, but for what was believed then.
_BELIEFS = """
DELETE FROM health_changes c
WHERE c.monitor_id = ANY ($1::bigint[]) AND c.since < $2
  AND EXISTS (SELECT FROM health_changes n WHERE n.monitor_id = c.monitor_id AND n.since > c.since AND n.since <= $2)"""

# One recorder at a time; another one's turn comes the next time.
_LOCK = "SELECT pg_try_advisory_xact_lock(hashtext('mailprobe.recorder.past'))"


async def forget_rows(pool: Pool, *, results_before: int, history_before: int, at_once: int, most_steps: int) -> int:
    """Delete what is about results, or about history, from before these times; answers how many rows went."""
    gone = 0
    for statements, before in ((_OF_RESULTS, results_before), (_OF_HISTORY, history_before)):
        for statement in statements:
            for _ in range(most_steps):
                async with transaction(pool) as connection:
                    rows = int((await connection.execute(statement, before, at_once)).rpartition(" ")[2])
                gone += rows
                if rows < at_once:
                    break
    return gone


async def forget_added_up(pool: Pool, *, hours_before: int, history_before: int) -> int:
    """Delete hours, days and beliefs from before these times, a few monitors at a time; answers how many rows went."""
    gone, last = 0, 0
    while True:
        async with transaction(pool) as connection:
            if not await connection.fetchval(_LOCK):
                return gone
            monitors = await next_monitors(connection, last, most=MONITORS_AT_ONCE)
            if monitors:
                gone += await _forget_of(connection, monitors, hours_before, history_before)
        if len(monitors) < MONITORS_AT_ONCE:
            return gone
        last = monitors[-1]


async def _forget_of(connection: Connection, monitors: list[int], hours_before: int, history_before: int) -> int:
    days_before = history_before // DAY_MS * DAY_MS
    gone = await forget_rollups(connection, monitors, hours_before=hours_before, days_before=days_before)
    return gone + int((await connection.execute(_BELIEFS, monitors, history_before)).rpartition(" ")[2])
