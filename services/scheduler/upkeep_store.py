"""Partitions of the results, made ahead by the function the migrations bring along."""

from shared.database.pool import Pool, transaction

_ENSURE_PARTITIONS = "SELECT ensure_result_partitions($1)"


async def ensure_result_partitions(pool: Pool, *, days_ahead: int) -> int:
    """Make the daily partitions up to so many days ahead; answers how many were missing."""
    async with transaction(pool) as connection:
        return int(await connection.fetchval(_ENSURE_PARTITIONS, days_ahead, timeout=60))
