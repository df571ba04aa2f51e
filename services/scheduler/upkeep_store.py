"""Partitions of the results, made ahead and dropped by functions the migrations bring along, and rows nobody needs."""

from shared.database.pool import Connection, Pool, transaction

_ENSURE_PARTITIONS = "SELECT ensure_result_partitions($1)"
_OUT_OF_PLACE = "SELECT results_out_of_place()"
_DROP_PARTITION = "SELECT drop_result_partition($1)"
# How far results reach beyond the time they are kept, in days.
_OVERDUE = "SELECT greatest(0, clock_ms() / 86400000 - $1 - min(day)) FROM results_days() AS day"

_DELETE_GRANTS = "DELETE FROM login_grants WHERE expires_at < $1"

# Counts of slots whose results are gone: of monitors, or of places of theirs, that are.
_DELETE_SCHEDULE = """
DELETE FROM schedule s WHERE (s.monitor_id, s.location_id) IN (
    SELECT i.monitor_id, i.location_id FROM schedule i
    WHERE NOT i.active AND i.last_slot < $1 AND NOT EXISTS (SELECT FROM monitors m WHERE m.id = i.monitor_id)
    LIMIT $2)
"""


async def ensure_result_partitions(pool: Pool, *, days_ahead: int) -> int:
    """Make the daily partitions up to so many days ahead; answers how many were missing."""
    async with transaction(pool) as connection:
        return int(await connection.fetchval(_ENSURE_PARTITIONS, days_ahead, timeout=60))


async def results_out_of_place(pool: Pool) -> int:
    """How many results lie in no day's partition."""
    async with transaction(pool) as connection:
        return int(await connection.fetchval(_OUT_OF_PLACE))


async def drop_result_partition(pool: Pool, *, kept_days: int) -> str | None:
    """Drop the oldest day that is older than that, unless its hours are not added up yet; answers which.

    Raises DatabaseConflict where somebody uses the table for longer than we make others wait.
    """
    async with transaction(pool) as connection:
        dropped: str | None = await connection.fetchval(_DROP_PARTITION, kept_days, timeout=60)
    return dropped


async def days_overdue(pool: Pool, *, kept_days: int) -> int:
    """By how many days results are older than they are kept."""
    async with transaction(pool) as connection:
        return int(await connection.fetchval(_OVERDUE, kept_days) or 0)


async def delete_spent(connection: Connection, *, grants_before: int, schedule_before: int, most: int) -> None:
    """Forget logins allowed long ago, and the schedule of monitors long gone."""
    await connection.execute(_DELETE_GRANTS, grants_before)
    await connection.execute(_DELETE_SCHEDULE, schedule_before, most)
