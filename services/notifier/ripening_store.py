"""Waiting messages whose time has come: found by target, and fixed, joined into a digest, or taken back."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.notifier.content import Content
from services.notifier.vocabulary import GIVE_UP_MS, MINUTE_MS, Event
from shared.database.errors import translated_errors
from shared.database.pool import Connection

# A target gets its next message when the last one has arrived (or never will): so what gathers meanwhile can be told
# together, and nothing overtakes.
_RIPE_TARGETS = """
SELECT d.target, min(d.channel_type) AS channel_type
FROM deliveries d
WHERE d.state = 'pending' AND d.told_at IS NULL AND d.event <> 'test' AND d.due_at <= $1
  AND d.target <> ALL($2::text[])
  AND NOT EXISTS (
      SELECT FROM deliveries o
      WHERE o.target = d.target AND o.state = 'pending' AND o.told_at IS NOT NULL AND o.sent_with IS NULL
        AND o.event <> 'test' AND o.fallback_for IS NULL)
GROUP BY d.target ORDER BY min(d.due_at) LIMIT $3"""

_RIPE = """
SELECT id, public_id, organization_id, channel_id, address, channel_type, channel_name, group_id, event, due_at, facts
FROM deliveries
WHERE target = $1 AND state = 'pending' AND told_at IS NULL AND event <> 'test' AND due_at <= $2
ORDER BY id LIMIT $3"""

_TOLD_LATELY = """
SELECT count(*) FILTER (WHERE event <> 'digest' AND sent_with IS NULL) AS singles,
       max(told_at) FILTER (WHERE event = 'digest') AS last_digest_at
FROM deliveries WHERE target = $1 AND told_at > $2 AND event <> 'test' AND fallback_for IS NULL"""

# Nobody is left to hear of it: the channel was deleted, or switched off.
_WITHDRAW_ORPHANS = """
UPDATE deliveries d SET state = 'withdrawn'
WHERE d.state = 'pending' AND d.event <> 'test' AND d.due_at <= $1
  AND (d.leased_until IS NULL OR d.leased_until < $1)
  AND (d.target IS NULL
       OR EXISTS (SELECT FROM notification_channels c WHERE c.id = d.channel_id AND NOT c.is_active))"""

# It counts as said, for those of the same outage that come after it.
_GIVE_UP = """
UPDATE deliveries SET state = 'failed', told_at = $2, error = $3
WHERE id = $1 AND state = 'pending' AND told_at IS NULL"""

_FIX = """
UPDATE deliveries
SET told_at = $2, due_at = $2, give_up_at = $3, content = $4, incidents = $5
WHERE id = $1 AND state = 'pending'"""

_INSERT_DIGEST = """
INSERT INTO deliveries (public_id, organization_id, channel_id, address, channel_type, channel_name, event, created_at,
                        due_at, give_up_at, told_at, content, incidents)
SELECT $2, organization_id, channel_id, address, channel_type, channel_name, 'digest', $3, $3, $4, $3, $5, $6
FROM deliveries WHERE id = $1
RETURNING id"""

_JOIN_DIGEST = """
UPDATE deliveries d SET told_at = $3, incidents = u.incidents, sent_with = $4
FROM unnest($1::bigint[], $2::integer[]) AS u(id, incidents)
WHERE d.id = u.id AND d.state = 'pending'"""


@dataclass(frozen=True, slots=True)
class Ripe:
    """A message whose time has come."""

    id: int
    public_id: UUID
    organization_id: int
    channel_id: int | None
    address: str | None
    channel_type: str
    channel_name: str
    group_id: int | None
    event: Event
    due_at: int
    facts: dict[str, Any]


async def ripe_targets(connection: Connection, *, now_ms: int, held: Iterable[str], most: int) -> list[tuple[str, str]]:
    """Targets that may be told something now, with their type; none of those held back."""
    return [(row[0], row[1]) for row in await connection.fetch(_RIPE_TARGETS, now_ms, list(held), most)]


async def ripe(connection: Connection, target: str, *, now_ms: int, most: int) -> list[Ripe]:
    return [
        Ripe(**{**dict(row), "event": Event(row["event"])})
        for row in await connection.fetch(_RIPE, target, now_ms, most)
    ]


async def told_lately(connection: Connection, target: str, *, now_ms: int) -> tuple[int, int | None]:
    """How many it was told one by one within the last minute, and when its last digest was within it."""
    row = await connection.fetchrow(_TOLD_LATELY, target, now_ms - MINUTE_MS)
    return row["singles"], row["last_digest_at"]


async def withdraw_orphans(connection: Connection, *, now_ms: int) -> None:
    await connection.execute(_WITHDRAW_ORPHANS, now_ms)


@asynccontextmanager
async def all_or_nothing(connection: Connection) -> AsyncIterator[None]:
    """A part of the transaction, which is undone by itself where it fails; our errors come out of it."""
    with translated_errors():
        async with connection.transaction():
            yield


async def give_up(connection: Connection, delivery_id: int, *, error: str, now_ms: int) -> None:
    """Nobody will be told of this; that is to be seen."""
    await connection.execute(_GIVE_UP, delivery_id, now_ms, error)


async def fix(connection: Connection, delivery_id: int, content: Content, *, incidents: int, now_ms: int) -> None:
    """From now on this is what it says, at every try."""
    await connection.execute(_FIX, delivery_id, now_ms, now_ms + GIVE_UP_MS, content.model_dump(mode="json"), incidents)


async def fix_digest(connection: Connection, parts: list[tuple[int, int]], content: Content, *, now_ms: int) -> None:
    """One message that tells all of these (each with the number of open incidents it spoke of)."""
    digest_id = await connection.fetchval(
        _INSERT_DIGEST,
        parts[0][0],
        content.public_id,
        now_ms,
        now_ms + GIVE_UP_MS,
        content.model_dump(mode="json"),
        sum(count for _, count in parts),
    )
    await connection.execute(
        _JOIN_DIGEST, [part for part, _ in parts], [count for _, count in parts], now_ms, digest_id
    )
