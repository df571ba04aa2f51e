"""How often signing in went wrong, counted over all gateways.

Every try is counted before its password is looked at, so that a thousand at once are a thousand.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from shared.database.pool import Connection

WINDOW = timedelta(minutes=15)
_SWEPT_AT_ONCE = 100

# In the order of keys: two that count the same ones wait for each other, and never both.
_COUNT = """INSERT INTO sign_in_attempts AS a (key, failures, ends_at)
    SELECT k, 1, now() + $2::interval FROM unnest($1::bytea[]) AS k ORDER BY k
    ON CONFLICT (key) DO UPDATE SET
        failures = CASE WHEN a.ends_at <= now() THEN 1 ELSE a.failures + 1 END,
        ends_at = CASE WHEN a.ends_at <= now() THEN excluded.ends_at ELSE a.ends_at END
    RETURNING key, failures, ceil(extract(epoch FROM a.ends_at - now()))::integer AS seconds_left"""
_FORGET = "DELETE FROM sign_in_attempts WHERE key = $1"
_TAKE_BACK = "UPDATE sign_in_attempts SET failures = failures - 1 WHERE key = $1 AND failures > 0"
_SWEEP = """DELETE FROM sign_in_attempts WHERE key IN (
    SELECT key FROM sign_in_attempts WHERE ends_at < now() LIMIT $1 FOR UPDATE SKIP LOCKED)"""


@dataclass(frozen=True, slots=True)
class Limit:
    """So many failures within the window, counted under a key."""

    key: bytes
    failures: int


def attempt_key(*parts: str) -> bytes:
    """A key of what is counted together; its hash, for it may hold whatever was typed."""
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "replace")).digest()


async def count_attempt(connection: Connection, limits: tuple[Limit, ...]) -> int | None:
    """Count a try under each key; None where it may be made, else after how many seconds."""
    rows = await connection.fetch(_COUNT, [limit.key for limit in limits], WINDOW)
    await connection.execute(_SWEEP, _SWEPT_AT_ONCE)
    counted: Mapping[bytes, tuple[int, int]] = {row["key"]: (row["failures"], row["seconds_left"]) for row in rows}
    over = [counted[limit.key][1] for limit in limits if counted[limit.key][0] > limit.failures]
    return max(over, default=None)


async def forgive(connection: Connection, *, forgotten: bytes, taken_back: bytes | None) -> None:
    """After a success: the one key begins anew, the other is as if this try had not been made."""
    await connection.execute(_FORGET, forgotten)
    if taken_back is not None:
        await connection.execute(_TAKE_BACK, taken_back)
