"""The lease: one scheduler leads, under an epoch, and whatever it writes is written at that epoch or not at all.

Provides the session lock, the fence every transaction of the leader begins with, and how far the audit has come.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.database.errors import translated_errors
from shared.database.pool import PIPELINE_ROLE, Connection, Pool, connect, transaction, transaction_on

SHARD = 0
_LOCK_CLASS = 0x6D70_7363  # "mpsc": shard locks of the scheduler

# A frozen process loses its connections, and with them its lock and whatever it had claimed but not committed.
FREEZE_MS = 10_000
SESSION_SETTINGS = {
    "idle_session_timeout": str(FREEZE_MS),
    "idle_in_transaction_session_timeout": str(FREEZE_MS),
    "statement_timeout": "20000",
    "lock_timeout": "8000",
    # Every statement of such a session looks for few rows by their keys; where the planner cannot see how few, it
    # would read whole tables.
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_seqscan": "off",
    "jit": "off",
}


class LeadershipLost(Exception):
    """Another scheduler may lead now: nothing more may be claimed under this epoch."""


# Whoever holds this session lock leads.
_TRY_LOCK = "SELECT pg_try_advisory_lock($1::int, $2::int)"

_UNLOCK = "SELECT pg_advisory_unlock($1::int, $2::int)"

# Waits for every transaction that was begun under the old epoch (they hold the row FOR KEY SHARE).
_LOCK_LEASE = "SELECT 1 FROM shard_leases WHERE shard = $1 FOR UPDATE"

_RAISE_EPOCH = """
UPDATE shard_leases SET epoch = epoch + 1, holder = $2, taken_at = clock_ms() WHERE shard = $1 RETURNING epoch
"""

# KEY SHARE is enough to hold up a new epoch, which begins with FOR UPDATE, and leaves the audit free to note its
# progress in the same row while claims wait for the broker.
_FENCE = "SELECT clock_ms() FROM shard_leases WHERE shard = $1 AND epoch = $2 FOR KEY SHARE"

_CLOCK = "SELECT clock_ms()"

_AUDITED_UNTIL = "SELECT audited_until FROM shard_leases WHERE shard = $1 AND epoch = $2"

_SET_AUDITED_UNTIL = """
UPDATE shard_leases SET audited_until = $3 WHERE shard = $1 AND epoch = $2 RETURNING epoch
"""

_SHORT_LIVED = """
SELECT set_config('idle_in_transaction_session_timeout', $1, true), set_config('lock_timeout', $2, true)
"""


async def open_session(dsn: str, *, application_name: str) -> Connection:
    """A connection of our own that a frozen process loses within seconds."""
    return await connect(
        dsn,
        role=PIPELINE_ROLE,
        application_name=application_name,
        server_settings=SESSION_SETTINGS,
        timeout_seconds=5,
        command_timeout_seconds=25,
    )


async def try_lock(connection: Connection) -> bool:
    """Take the shard's lock for this session, unless another holds it."""
    with translated_errors():
        return bool(await connection.fetchval(_TRY_LOCK, _LOCK_CLASS, SHARD, timeout=5))


async def unlock(connection: Connection) -> None:
    """Let another lead at once rather than when the connection ends."""
    with translated_errors():
        await connection.execute(_UNLOCK, _LOCK_CLASS, SHARD, timeout=5)


async def raise_epoch(connection: Connection, holder: str) -> int:
    """Begin an epoch of our own; returns when nothing of the one before is under way any more."""
    with translated_errors():
        # Longer than a frozen claim can live; this wait is what the fence is for.
        await connection.execute("SET lock_timeout = '20000'")
        async with connection.transaction():
            await connection.execute(_LOCK_LEASE, SHARD)
            return int(await connection.fetchval(_RAISE_EPOCH, SHARD, holder))


async def still_alive(connection: Connection) -> None:
    """Keep the session from being idle; raises DatabaseUnavailable when it is gone."""
    with translated_errors():
        await connection.fetchval(_CLOCK, timeout=5)


@asynccontextmanager
async def fenced(connection: Connection, epoch: int) -> AsyncIterator[int]:
    """A transaction under our epoch on a session of its own; gives the time. Raises LeadershipLost."""
    with translated_errors():
        async with transaction_on(connection):
            yield await _passed_fence(connection, epoch)


@asynccontextmanager
async def fenced_transaction(pool: Pool, epoch: int) -> AsyncIterator[tuple[Connection, int]]:
    """Such a transaction on a connection of the pool; gives connection and time. Raises LeadershipLost."""
    async with transaction(pool) as connection:
        await connection.execute(_SHORT_LIVED, str(FREEZE_MS), SESSION_SETTINGS["lock_timeout"])
        yield connection, await _passed_fence(connection, epoch)


async def _passed_fence(connection: Connection, epoch: int) -> int:
    now_ms = await connection.fetchval(_FENCE, SHARD, epoch)
    if now_ms is None:
        raise LeadershipLost(f"epoch {epoch} is over")
    return int(now_ms)


async def audited_until(connection: Connection, epoch: int) -> int:
    """Slots due before this have a result, are reported missed, or are followed elsewhere."""
    until = await connection.fetchval(_AUDITED_UNTIL, SHARD, epoch)
    if until is None:
        raise LeadershipLost(f"epoch {epoch} is over")
    return int(until)


async def set_audited_until(connection: Connection, epoch: int, until: int) -> None:
    """Note how far the audit has come. Raises LeadershipLost."""
    if await connection.fetchval(_SET_AUDITED_UNTIL, SHARD, epoch, until) is None:
        raise LeadershipLost(f"epoch {epoch} is over")
