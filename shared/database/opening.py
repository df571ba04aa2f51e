"""Opening a database a service can work on: one that answers and has our tables. Waiting for it is left to callers."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from shared.database.errors import DatabaseUnavailable, translated_errors
from shared.database.migrations import applied_and_wanted
from shared.database.pool import Pool, connect, is_reachable, open_pool


def database_name(dsn: str) -> str:
    """Which database an address means, for people: host, port and name, without user and password."""
    parts = urlsplit(dsn)
    host = parts.netloc.rpartition("@")[2]
    return f"the database {host}{parts.path}" if host else "the database"


@asynccontextmanager
async def open_migrated_pool(dsn: str, *, role: str, application_name: str, max_size: int) -> AsyncIterator[Pool]:
    """A pool on a database of at least this version; raises DatabaseUnavailable where it is older or does not answer.

    Looked at as nobody in particular: until the database is migrated, the role may not exist.
    """
    connection = await connect(dsn, role=None, application_name=application_name)
    try:
        with translated_errors():
            applied, wanted = await applied_and_wanted(connection)
    finally:
        await connection.close(timeout=5)
    if applied < wanted:
        raise DatabaseUnavailable("it is not migrated to this version; run `mailprobe migrate`")
    async with open_pool(dsn, role=role, application_name=application_name, max_size=max_size) as pool:
        yield pool


class DatabaseReadiness:
    """A readiness check for a pool that is yet to be opened: who waits for the database is alive, and says so.

    Args:
        look: what is wrong with the pool, once it is given as `pool`.
    """

    def __init__(self, dsn: str, look: Callable[[Pool], Awaitable[str | None]] = is_reachable) -> None:
        self._name = database_name(dsn)
        self._look = look
        self.pool: Pool | None = None

    async def __call__(self) -> str | None:
        return f"waiting for {self._name}" if self.pool is None else await self._look(self.pool)
