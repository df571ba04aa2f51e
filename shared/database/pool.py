"""Connections that act as one of our roles, and transactions that act for one organization."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import asyncpg

from shared.database.errors import DatabaseUnavailable, translated_errors

Connection: TypeAlias = Any  # asyncpg.Connection or its pool proxy: asyncpg carries no types of its own
Pool: TypeAlias = Any  # asyncpg.Pool

GATEWAY_ROLE = "mailprobe_gateway"
PIPELINE_ROLE = "mailprobe_pipeline"
NOTIFIER_ROLE = "mailprobe_notifier"

_ACT_FOR = "SELECT set_config('mailprobe.organization', $1, true), set_config('mailprobe.actor', $2, true)"


# The server's side of a connection that was cut without a word ends after 25 s, and with it what it holds locked. Of a
# transaction that waits between two messages of one statement no other time-out takes notice.
_KEEPALIVES = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}


def _server_settings(role: str | None, application_name: str, extra: dict[str, str] | None) -> dict[str, str]:
    settings = {"search_path": "mailprobe", "application_name": application_name, **_KEEPALIVES, **(extra or {})}
    # A superuser bypasses row-level security even where it is forced; the role never does.
    return settings if role is None else {**settings, "role": role}


async def _prepare(connection: Connection) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


async def connect(
    dsn: str,
    *,
    role: str | None,
    application_name: str,
    server_settings: dict[str, str] | None = None,
    timeout_seconds: float = 10.0,
    command_timeout_seconds: float | None = 30.0,
) -> Connection:
    """One connection of its own, outside any pool; for session locks and fenced transactions."""
    with translated_errors():
        connection = await asyncpg.connect(
            dsn,
            timeout=timeout_seconds,
            command_timeout=command_timeout_seconds,
            server_settings=_server_settings(role, application_name, server_settings),
        )
        await _prepare(connection)
    return connection


@asynccontextmanager
async def open_pool(
    dsn: str,
    *,
    role: str | None,
    application_name: str,
    min_size: int = 1,
    max_size: int = 10,
    command_timeout_seconds: float = 30.0,
    idle_transaction_seconds: float = 30.0,
) -> AsyncIterator[Pool]:
    """A pool whose every connection acts as `role`; raises DatabaseUnavailable where none can be made.

    Args:
        idle_transaction_seconds: after so long without a word the server ends a transaction and its connection, so
            that a process that was frozen in the middle of one does not keep its locks from those beside it.
    """
    frozen = {"idle_in_transaction_session_timeout": str(int(idle_transaction_seconds * 1000))}
    with translated_errors():
        pool = await asyncpg.create_pool(
            dsn,
            min_size=min_size,
            max_size=max_size,
            timeout=10,
            command_timeout=command_timeout_seconds,
            server_settings=_server_settings(role, application_name, frozen),
            init=_prepare,
        )
    try:
        yield pool
    finally:
        # A broken server must not hold up the end of the process.
        try:
            async with asyncio.timeout(5):
                await pool.close()
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            pool.terminate()


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """A connection within one transaction; our errors come out of it, not asyncpg's."""
    with translated_errors():
        async with pool.acquire(timeout=10) as connection:
            try:
                async with transaction_on(connection):
                    yield connection
            except (asyncpg.ReadOnlySQLTransactionError, DatabaseUnavailable) as error:
                # Whether a session may write is settled when it begins: one that began while nobody might never
                # may, and the pool would keep it for good.
                if asyncpg.ReadOnlySQLTransactionError in {type(error), type(error.__cause__)}:
                    connection.terminate()
                raise


@asynccontextmanager
async def transaction_on(connection: Connection) -> AsyncIterator[None]:
    """A transaction that is given up together with its connection where it was cancelled or heard nothing in time.

    Rolling it back would mean waiting for the same silence again, and what that ends with would come out in place of
    the cancellation: a task that was told to end would go on.
    """
    given_up: BaseException | None = None
    try:
        async with connection.transaction():
            try:
                yield
            except BaseException as error:
                if isinstance(error, asyncio.CancelledError) or TimeoutError in {type(error), type(error.__cause__)}:
                    given_up = error
                    connection.terminate()
                raise
    except Exception:
        if given_up is not None:
            raise given_up from None  # rather than that nothing could be rolled back any more
        raise


@asynccontextmanager
async def organization_transaction(pool: Pool, organization_id: int, *, actor: str = "") -> AsyncIterator[Connection]:
    """A transaction that sees and writes the rows of one organization only (row-level security).

    Args:
        actor: who is answerable for it, as JSON, for triggers to keep; empty: nobody in particular.
    """
    async with transaction(pool) as connection:
        await connection.execute(_ACT_FOR, str(organization_id), actor)
        yield connection


async def is_reachable(pool: Pool) -> str | None:
    """None where a query is answered within 2 s, else what is wrong, in words."""
    try:
        with translated_errors():
            async with pool.acquire(timeout=2) as connection:
                await connection.execute("SELECT 1", timeout=2)
    except DatabaseUnavailable as error:
        return f"the database does not answer: {error}"
    return None


@asynccontextmanager
async def savepoint(connection: Connection) -> AsyncIterator[Connection]:
    """A part of a transaction: what fails within is undone, and what was before it stays."""
    with translated_errors():
        async with connection.transaction():
            yield connection
