"""A connection for what an operator does by hand: whatever the server refuses, rights included, is said in words."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from shared.database.errors import DatabaseRejected, translated_errors
from shared.database.pool import Connection, connect


@asynccontextmanager
async def operators_connection(dsn: str, *, role: str | None, application_name: str) -> AsyncIterator[Connection]:
    """One connection of its own, acting as this role (None: as whoever logs in). Raises DatabaseError alone."""
    try:
        connection = await connect(dsn, role=role, application_name=application_name)
        try:
            with translated_errors():
                yield connection
        finally:
            await connection.close(timeout=5)
    except asyncpg.PostgresError as error:
        raise DatabaseRejected(f"it refuses: {error}") from error
