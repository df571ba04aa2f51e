"""The tables `rollups`, `rollups_due` and `rollup_progress`. How hours are added up is the SQL function `roll_up`.

Everything here may be done again, and by several recorders: whoever goes on holds the row of `rollup_progress`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.database.pool import Connection

HOUR_MS = 3_600_000
DAY_MS = 86_400_000
# An hour is added up when so much time has passed since its end that nearly every result of it is there.
PATIENCE_MS = 600_000
# What is stored later than this after its hour's end is noted. Less than the patience by more than any transaction
# takes, so that nothing falls between the two.
LATE_MS = 300_000

# Where things stand, held by whoever goes on; and which hours have ended, with patience.
_STAND = """
SELECT hours_until, rolling_until, next_monitor, (clock_ms() - $1::bigint) / 3600000 * 3600000 AS ended_until
FROM rollup_progress FOR UPDATE SKIP LOCKED"""

_BEGIN = "UPDATE rollup_progress SET rolling_until = $1, next_monitor = 0"
_MONITORS = "SELECT id FROM monitors WHERE id > $1 ORDER BY id LIMIT $2"
_GO_ON = "UPDATE rollup_progress SET next_monitor = $1"
_HOURS_DONE = "UPDATE rollup_progress SET hours_until = rolling_until, next_monitor = 0"

_COLUMNS = """checks, failures, total_ms_sum, total_ms_min, total_ms_max, up_ms, degraded_ms, down_ms, unknown_ms,
    maintenance_ms"""
_TIMINGS = "timing_steps, timing_counts"
_EXCLUDED = ", ".join(f"excluded.{name.strip()}" for name in f"{_COLUMNS}, {_TIMINGS}".split(","))
_REPLACE = f"""ON CONFLICT (monitor_id, span, starts_at) DO UPDATE
    SET ({_COLUMNS}, {_TIMINGS}) = ROW ({_EXCLUDED})"""  # noqa: S608 - our constants

_KEEP_HOURS = f"""
INSERT INTO rollups (monitor_id, organization_id, span, starts_at, {_COLUMNS}, {_TIMINGS})
SELECT u.monitor_id, u.organization_id, 'hour', u.starts_at, {_COLUMNS},
       coalesce(t.timing_steps, '{{}}'), coalesce(t.timing_counts, '{{}}')
FROM roll_up($1::bigint[], $2::bigint, $3::bigint, 3600000) AS u
LEFT JOIN roll_up_timings($1::bigint[], $2::bigint, $3::bigint, 3600000) AS t
    ON t.monitor_id = u.monitor_id AND t.starts_at = u.starts_at
ORDER BY u.monitor_id, u.starts_at
{_REPLACE}"""  # noqa: S608 - our constants

# Rows somebody holds are about something not committed yet: they wait for the next time.
_TAKE_DUE = """
DELETE FROM rollups_due d
USING (SELECT monitor_id, starts_at FROM rollups_due WHERE starts_at < $1::bigint
       ORDER BY starts_at, monitor_id LIMIT $2 FOR UPDATE SKIP LOCKED) AS first
WHERE d.monitor_id = first.monitor_id AND d.starts_at = first.starts_at
RETURNING d.monitor_id, d.starts_at"""

# What was added up before may have to go altogether: its only belief may turn out to have begun later.
_FORGET_HOURS = """
DELETE FROM rollups r USING unnest($1::bigint[], $2::bigint[]) AS given(monitor_id, starts_at)
WHERE r.monitor_id = given.monitor_id AND r.starts_at = given.starts_at AND r.span = 'hour'"""
_FORGET_DAYS = """
DELETE FROM rollups r USING unnest($1::bigint[], $2::bigint[]) AS given(monitor_id, starts_at)
WHERE r.monitor_id = given.monitor_id AND r.starts_at = given.starts_at AND r.span = 'day'
  AND NOT EXISTS (SELECT FROM rollups h WHERE h.monitor_id = r.monitor_id AND h.span = 'hour'
                  AND h.starts_at >= r.starts_at AND h.starts_at < r.starts_at + 86400000)"""

_FORGET_OLD = "DELETE FROM rollups WHERE monitor_id = ANY ($1::bigint[]) AND span = $2 AND starts_at < $3"

_KEEP_DUE_HOURS = f"""
INSERT INTO rollups (monitor_id, organization_id, span, starts_at, {_COLUMNS}, {_TIMINGS})
SELECT u.monitor_id, u.organization_id, 'hour', u.starts_at, {_COLUMNS},
       coalesce(t.timing_steps, '{{}}'), coalesce(t.timing_counts, '{{}}')
FROM (SELECT hour, array_agg(monitor_id) AS monitors
      FROM unnest($1::bigint[], $2::bigint[]) AS due(monitor_id, hour) GROUP BY hour) AS due
CROSS JOIN LATERAL roll_up(due.monitors, due.hour, due.hour + 3600000, 3600000) AS u
LEFT JOIN LATERAL roll_up_timings(due.monitors, due.hour, due.hour + 3600000, 3600000) AS t
    ON t.monitor_id = u.monitor_id
ORDER BY u.monitor_id, u.starts_at
{_REPLACE}
RETURNING monitor_id, starts_at"""  # noqa: S608 - our constants

# Days are the sums of their hours, the day that is not over as well.
_KEEP_DAYS = f"""
WITH hours AS (
    SELECT d.day, h.*
    FROM (SELECT DISTINCT monitor_id, day FROM unnest($1::bigint[], $2::bigint[]) AS given(monitor_id, day)) AS d
    JOIN rollups h ON h.monitor_id = d.monitor_id AND h.span = 'hour'
        AND h.starts_at >= d.day AND h.starts_at < d.day + 86400000
), timed AS (
    SELECT s.monitor_id, s.day, array_agg(s.step ORDER BY s.step) AS steps, array_agg(s.times ORDER BY s.step) AS counts
    FROM (SELECT h.monitor_id, h.day, u.step, sum(u.times)::integer AS times
          FROM hours h CROSS JOIN LATERAL unnest(h.timing_steps, h.timing_counts) AS u(step, times)
          GROUP BY 1, 2, 3) AS s
    GROUP BY 1, 2
)
INSERT INTO rollups (monitor_id, organization_id, span, starts_at, {_COLUMNS}, {_TIMINGS})
SELECT h.monitor_id, h.organization_id, 'day', h.day, sum(checks), sum(failures), sum(total_ms_sum),
       min(total_ms_min), max(total_ms_max), sum(up_ms), sum(degraded_ms), sum(down_ms), sum(unknown_ms),
       sum(maintenance_ms), coalesce(t.steps, '{{}}'), coalesce(t.counts, '{{}}')
FROM hours h LEFT JOIN timed t ON t.monitor_id = h.monitor_id AND t.day = h.day
GROUP BY h.monitor_id, h.organization_id, h.day, t.steps, t.counts
ORDER BY h.monitor_id, h.day
{_REPLACE}"""  # noqa: S608 - our constants

# Hours whose results are gone stay as they were added up: what came late to one of them is all that would be left.
_KEPT_SINCE = "SELECT since_at FROM results_kept"

_NOTE = """
INSERT INTO rollups_due (monitor_id, starts_at)
SELECT * FROM unnest($1::bigint[], $2::bigint[])
ON CONFLICT (monitor_id, starts_at) DO UPDATE SET starts_at = excluded.starts_at"""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Hours to add up, for the monitors above `next_monitor`."""

    from_ms: int
    until_ms: int
    next_monitor: int


async def take_stretch(connection: Connection, *, most_hours: int) -> Stretch | None:
    """What is to be added up next, held until the transaction ends; None: nothing, or another recorder is at it."""
    row = await connection.fetchrow(_STAND, PATIENCE_MS)
    if row is None:
        return None
    if row["rolling_until"] > row["hours_until"]:
        return Stretch(row["hours_until"], row["rolling_until"], row["next_monitor"])
    until_ms = min(row["hours_until"] + most_hours * HOUR_MS, row["ended_until"])
    if until_ms <= row["hours_until"]:
        return None
    await connection.execute(_BEGIN, until_ms)
    return Stretch(row["hours_until"], until_ms, 0)


async def keep_stretch(connection: Connection, stretch: Stretch, *, most_monitors: int) -> int:
    """Add it up for the next monitors and note how far it went; answers how many monitors that were."""
    monitors = [row["id"] for row in await connection.fetch(_MONITORS, stretch.next_monitor, most_monitors)]
    if monitors:
        await connection.execute(_KEEP_HOURS, monitors, stretch.from_ms, stretch.until_ms)
        days = range(stretch.from_ms // DAY_MS * DAY_MS, stretch.until_ms, DAY_MS)
        await _keep_days(connection, [(monitor_id, day) for monitor_id in monitors for day in days])
    if len(monitors) < most_monitors:
        await connection.execute(_HOURS_DONE)
    else:
        await connection.execute(_GO_ON, monitors[-1])
    return len(monitors)


async def keep_due(connection: Connection, *, most: int) -> int:
    """Add up anew hours of which something became known late; answers how many were noted. 0 also where another
    recorder is at it: two that add up hours of one day at once would each miss the other's in its sum.
    """
    standing = await connection.fetchrow(_STAND, PATIENCE_MS)
    if standing is None:
        return 0
    taken = await connection.fetch(_TAKE_DUE, standing["hours_until"], most)
    kept_since = await connection.fetchval(_KEPT_SINCE)
    due = [(row["monitor_id"], row["starts_at"]) for row in taken if row["starts_at"] >= kept_since]
    if due:
        days = sorted({(monitor_id, hour // DAY_MS * DAY_MS) for monitor_id, hour in due})
        # What is kept comes first: it locks the monitor, as whoever deletes one does before its hours.
        kept = await connection.fetch(_KEEP_DUE_HOURS, *_columns(due))
        if gone := sorted(set(due) - {(row["monitor_id"], row["starts_at"]) for row in kept}):
            await connection.execute(_FORGET_HOURS, *_columns(gone))
            await connection.execute(_FORGET_DAYS, *_columns(days))
        await _keep_days(connection, days)
    return len(taken)


async def next_monitors(connection: Connection, after_id: int, *, most: int) -> list[int]:
    """The monitors above this one."""
    return [row["id"] for row in await connection.fetch(_MONITORS, after_id, most)]


async def forget_rollups(connection: Connection, monitors: list[int], *, hours_before: int, days_before: int) -> int:
    """Delete the hours and days of these monitors that began before then; answers how many."""
    gone = 0
    for span, before in (("hour", hours_before), ("day", days_before)):
        gone += int((await connection.execute(_FORGET_OLD, monitors, span, before)).rpartition(" ")[2])
    return gone


async def note_late(connection: Connection, stored: Iterable[tuple[int, int, int]]) -> None:
    """Note which hours have to be added up anew.

    Args:
        stored: (monitor, slot, when it was stored) of new results; those that came in time need no note.
    """
    late = {
        (monitor_id, slot_at // HOUR_MS * HOUR_MS)
        for monitor_id, slot_at, recorded_at in stored
        if slot_at // HOUR_MS * HOUR_MS + HOUR_MS + LATE_MS <= recorded_at
    }
    if late:
        await connection.execute(_NOTE, *_columns(sorted(late)))


async def _keep_days(connection: Connection, days: Iterable[tuple[int, int]]) -> None:
    await connection.execute(_KEEP_DAYS, *_columns(list(days)))


def _columns(pairs: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    return [first for first, _ in pairs], [second for _, second in pairs]
