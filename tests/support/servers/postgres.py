"""A Postgres for the tests, and fresh migrated databases in it.

Provides `DatabasesForTests`: by DATABASE_URL where somebody gave one, else on a private embedded Postgres.
The schema is left to the migrations, which run once; each database is a copy of that one.
"""

import asyncio
import contextlib
import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from shared.database.embedded import OWNER, EmbeddedPostgres
from shared.database.migrations import migrate

_SETTINGS = {"max_connections": "200", "max_wal_size": "128MB"}


class DatabasesForTests:
    """Makes and drops databases as the owner role, which is no superuser."""

    def __init__(self, owner_dsn: str, server: EmbeddedPostgres | None = None) -> None:
        self._owner_dsn = owner_dsn
        self._template: str | None = None
        self.server = server

    @contextlib.asynccontextmanager
    async def empty(self) -> AsyncIterator[str]:
        """A database without any schema; dropped at the end, whoever is still connected."""
        async with self._made() as dsn:
            yield dsn

    @contextlib.asynccontextmanager
    async def fresh(self) -> AsyncIterator[str]:
        """A migrated database of one's own; dropped at the end, whoever is still connected."""
        if self._template is None:
            name = f"mailprobe_template_{secrets.token_hex(4)}"
            await self._execute(f"CREATE DATABASE {name}")
            await migrate(_in_database(self._owner_dsn, name))
            self._template = name
        async with self._made(template=self._template) as dsn:
            yield dsn

    async def close(self) -> None:
        """Drop the template."""
        if self._template is not None:
            await self._drop(self._template)
            self._template = None

    @contextlib.asynccontextmanager
    async def _made(self, template: str = "template1") -> AsyncIterator[str]:
        name = f"mailprobe_test_{secrets.token_hex(6)}"
        # Copied as files: nothing is kept from a crash here, and the log would be written for nothing.
        strategy = "" if self.server is None else "STRATEGY FILE_COPY"
        await self._execute(f"CREATE DATABASE {name} TEMPLATE {template} {strategy}")
        try:
            yield _in_database(self._owner_dsn, name)
        finally:
            await self._drop(name)

    async def _drop(self, name: str) -> None:
        for attempts_left in range(50, -1, -1):
            try:
                await self._execute(f"DROP DATABASE {name} WITH (FORCE)")
            except asyncpg.InsufficientPrivilegeError:
                # An autovacuum worker is at it, and it is a superuser's: it ends by itself in moments.
                if not attempts_left:
                    raise
                await asyncio.sleep(0.2)
            else:
                return

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self._owner_dsn, timeout=30, command_timeout=60)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@contextlib.asynccontextmanager
async def databases_for_tests(state: Path) -> AsyncIterator[DatabasesForTests]:
    """The Postgres of this run: DATABASE_URL, or a private one below `state`."""
    given = os.environ.get("DATABASE_URL")
    async with contextlib.AsyncExitStack() as stack:
        if given:
            databases = DatabasesForTests(given)
        else:
            server = await stack.enter_async_context(
                EmbeddedPostgres(state / "postgres", durable=False, settings=_SETTINGS)
            )
            databases = DatabasesForTests(server.dsn(OWNER), server)
        stack.push_async_callback(databases.close)
        yield databases


def _in_database(dsn: str, name: str) -> str:
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))
