"""The table `kept_answers`. The gateway writes it, and forgets what is a day old."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from services.api_gateway.manners.request_keys import RequestKey, another_request, still_running
from shared.database.errors import translated_errors
from shared.database.pool import Connection, Pool

# One of two requests with the same key that come at once; until the transaction ends, however it does.
_LOCK = "SELECT pg_try_advisory_xact_lock($1)"
_FIND = """
    SELECT fingerprint, status, headers, body,
        extract(epoch FROM busy_until - clock_timestamp())::float8 AS busy_seconds
    FROM kept_answers
    WHERE organization_id = $1 AND actor = $2 AND key_hash = $3 AND created_at > now() - interval '24 hours'"""
_KEEP = """
    INSERT INTO kept_answers (organization_id, actor, key_hash, fingerprint, status, headers, body, busy_until)
    VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp() + $8::float8 * interval '1 second')
    ON CONFLICT (organization_id, actor, key_hash) DO UPDATE SET fingerprint = excluded.fingerprint,
        status = excluded.status, headers = excluded.headers, body = excluded.body, busy_until = excluded.busy_until,
        created_at = excluded.created_at"""
_RELEASE = """
    DELETE FROM kept_answers WHERE organization_id = $1 AND actor = $2 AND key_hash = $3 AND status IS NULL"""
_FORGET = "SELECT forget_kept_answers($1)"

_RETRY_SECONDS = 1


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer as it is sent again."""

    status: int
    headers: Mapping[str, str]
    body: str | None


@dataclass(frozen=True, slots=True)
class Asker:
    """Whose keys they are."""

    organization_id: int
    actor: str


async def claim(connection: Connection, asker: Asker, key: RequestKey) -> KeptAnswer | None:
    """The answer this key got before, or None: the key is this transaction's. Raises Problem 409 or 422."""
    if not await connection.fetchval(_LOCK, key.lock_number(asker.organization_id, asker.actor)):
        raise still_running(_RETRY_SECONDS)
    row = await connection.fetchrow(_FIND, asker.organization_id, asker.actor, key.hashed)
    if row is None:
        return None
    if row["fingerprint"] != key.fingerprint:
        raise another_request()
    if row["status"] is not None:
        return KeptAnswer(row["status"], row["headers"], row["body"])
    if row["busy_seconds"] > 0:
        raise still_running(min(math.ceil(row["busy_seconds"]), 10))
    return None


async def keep(connection: Connection, asker: Asker, key: RequestKey, answer: KeptAnswer) -> None:
    """Keep the answer for a day."""
    values = (answer.status, dict(answer.headers), answer.body, None)
    await connection.execute(_KEEP, asker.organization_id, asker.actor, key.hashed, key.fingerprint, *values)


async def begin(connection: Connection, asker: Asker, key: RequestKey, *, busy_seconds: float) -> None:
    """Note that it is under way, for so long at most: whoever dies meanwhile does not block the key for ever."""
    values = (None, None, None, busy_seconds)
    await connection.execute(_KEEP, asker.organization_id, asker.actor, key.hashed, key.fingerprint, *values)


async def release(connection: Connection, asker: Asker, key: RequestKey) -> None:
    """Nothing came of it: the key may be used again."""
    await connection.execute(_RELEASE, asker.organization_id, asker.actor, key.hashed)


async def forget(pool: Pool, *, most: int) -> int:
    """Forget answers a day old, of every organization; answers how many."""
    with translated_errors():
        async with pool.acquire(timeout=10) as connection:
            forgotten: int = await connection.fetchval(_FORGET, most)
            return forgotten
