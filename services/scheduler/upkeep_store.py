"""Partitions of the results, made ahead by the function the migrations bring along."""

from shared.database.errors import translated_errors
from shared.database.pool import Pool

_ENSURE_PARTITIONS = "SELECT ensure_result_partitions($1)"


async def ensure_result_partitions(pool: Pool, *, days_ahead: int) -> int:
    """Make the daily partitions up to so many days ahead; answers how many were missing."""
    with translated_errors():
        return int(await pool.fetchval(_ENSURE_PARTITIONS, days_ahead, timeout=60))
