"""Whether the database is one that mailprobe's migrations have been applied to."""

from shared.database.errors import translated_errors
from shared.database.pool import Pool

_DEADLINE_SECONDS = 2

_MIGRATED = "SELECT to_regclass('mailprobe.monitors') IS NOT NULL"


async def is_migrated(pool: Pool) -> bool:
    """Asked with a short deadline; raises DatabaseUnavailable."""
    with translated_errors():
        async with pool.acquire(timeout=_DEADLINE_SECONDS) as connection:
            return bool(await connection.fetchval(_MIGRATED, timeout=_DEADLINE_SECONDS))
