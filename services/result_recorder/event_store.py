"""The table `events`, whose rows triggers write with the changes they tell of: who has new ones, and when they go."""

from collections.abc import Sequence

from shared.database.pool import Connection, Pool, transaction

KEPT_MS = 48 * 3_600_000
MOST_AT_ONCE = 2000

# Whose rows this very transaction wrote.
_TOLD = "SELECT DISTINCT organization_id FROM events WHERE xid = pg_current_xact_id()"

# Ids follow the order of time closely enough to find the oldest by.
_FORGET = """
DELETE FROM events WHERE id IN (SELECT id FROM events ORDER BY id LIMIT $1) AND at < clock_ms() - $2::bigint
RETURNING id"""


async def organizations_told(connection: Connection) -> Sequence[int]:
    """The organizations that have new events by this transaction."""
    return [row["organization_id"] for row in await connection.fetch(_TOLD)]


async def forget_events(pool: Pool) -> int:
    """Delete what nobody can ask for any more, in steps of a transaction each; how many rows went."""
    total = 0
    while True:
        async with transaction(pool) as connection:
            gone = len(await connection.fetch(_FORGET, MOST_AT_ONCE, KEPT_MS))
        total += gone
        if gone < MOST_AT_ONCE:
            return total
