"""Applies the SQL files beside this one, under an advisory lock, so that any number may call it at once.

Migrations only expand: processes of the version before must survive each of them.
"""

import asyncio
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from shared.database.errors import translated_errors
from shared.database.pool import Connection, connect

_LOCK_KEY = 0x6D61696C70726F62  # "mailprob"
_LOCK_WAIT_SECONDS = 300


class MigrationError(Exception):
    """The database is not what the files expect; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations() -> list[Migration]:
    """All migrations, in order."""
    found = []
    for path in sorted(Path(__file__).parent.glob("*.sql")):
        match = re.fullmatch(r"(\d{4})_(\w+)\.sql", path.name)
        if match is None:
            raise MigrationError(f"{path.name} is not named like 0001_something.sql")
        found.append(Migration(int(match[1]), match[2], path.read_text()))
    return found


async def migrate(dsn: str, *, said: Callable[[str], None] = lambda line: None) -> int:
    """Bring the database up to date; answers how many migrations were applied.

    Args:
        said: told, in a line each, what happens.
    Raises:
        DatabaseUnavailable, MigrationError.
    """
    connection = await connect(dsn, role=None, application_name="mailprobe migrate", command_timeout_seconds=None)
    try:
        with translated_errors():
            await _lock(connection, said)
            await connection.execute(
                """CREATE SCHEMA IF NOT EXISTS mailprobe;
                CREATE TABLE IF NOT EXISTS mailprobe.schema_migrations (
                    version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
                    applied_at timestamptz NOT NULL DEFAULT now());"""
            )
            return await _apply(connection, said)
    except asyncpg.PostgresError as error:
        raise MigrationError(f"The database refused a migration: {error}") from error
    finally:
        await connection.close(timeout=5)


async def applied_and_wanted(connection: Connection) -> tuple[int, int]:
    """The newest version applied to this database (0: none), and the newest there is."""
    wanted = migrations()[-1].version
    if await connection.fetchval("SELECT to_regclass('mailprobe.schema_migrations')") is None:
        return 0, wanted
    return await connection.fetchval("SELECT coalesce(max(version), 0) FROM mailprobe.schema_migrations"), wanted


async def _lock(connection: Connection, said: Callable[[str], None]) -> None:
    # Polled: a blocking lock would deadlock with another migration's CREATE INDEX CONCURRENTLY.
    for attempt in range(_LOCK_WAIT_SECONDS * 2):
        if await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK_KEY):
            return
        if attempt == 0:
            said("Another migration is under way; waiting for it.")
        await asyncio.sleep(0.5)
    raise MigrationError(f"Another migration has held its lock for {_LOCK_WAIT_SECONDS} s; look at pg_locks.")


async def _apply(connection: Connection, said: Callable[[str], None]) -> int:
    done = {
        row["version"]: row["checksum"]
        for row in await connection.fetch("SELECT version, checksum FROM mailprobe.schema_migrations")
    }
    wanted = migrations()
    if unknown := set(done) - {migration.version for migration in wanted}:
        raise MigrationError(
            f"This database was migrated by a newer mailprobe (to {max(unknown):04d}); run that version or newer."
        )
    applied = 0
    for migration in wanted:
        if migration.version in done:
            if done[migration.version] != migration.checksum:
                raise MigrationError(f"Migration {migration.version:04d} differs from the one this database has.")
            continue
        said(f"Applying {migration.version:04d} {migration.name}")
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(
                "INSERT INTO mailprobe.schema_migrations (version, name, checksum) VALUES ($1, $2, $3)",
                migration.version,
                migration.name,
                migration.checksum,
            )
        applied += 1
    return applied
