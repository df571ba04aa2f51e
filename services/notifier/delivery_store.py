"""Messages that are due: leased, and marked for what became of them. Channels' own record of how it goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.database.pool import Connection

# A channel that rests is left alone, unless somebody tries it, or another channel stands in for it. What a channel is
# told instead of another comes one by one, as everything else does, so that nothing overtakes. Organizations take turns
# (what is under way counts), so that whoever has many channels that hang, or first priority, holds up nobody else.
_LEASE = """
WITH under_way AS (
    SELECT organization_id, count(*) AS messages FROM deliveries
    WHERE state = 'pending' AND told_at IS NOT NULL AND leased_until > clock_ms() GROUP BY organization_id),
due AS (
    SELECT d.id, d.event = 'test' AS is_test, d.due_at,
           coalesce(u.messages, 0)
           + row_number() OVER (PARTITION BY d.organization_id ORDER BY c.priority NULLS LAST, d.due_at, d.id) AS turn
    FROM deliveries d LEFT JOIN notification_channels c ON c.id = d.channel_id
    LEFT JOIN under_way u ON u.organization_id = d.organization_id
    LEFT JOIN notification_channels f ON f.id = c.fallback_channel_id AND f.is_active
    WHERE d.state = 'pending' AND d.due_at <= clock_ms()
      AND ((d.told_at IS NOT NULL AND d.sent_with IS NULL) OR d.event = 'test')
      AND (d.leased_until IS NULL OR d.leased_until <= clock_ms())
      AND (d.event = 'test' OR c.resting_until IS NULL OR c.resting_until <= clock_ms()
           OR (f.id IS NOT NULL AND d.fallback_for IS NULL))
      AND (d.fallback_for IS NULL OR NOT EXISTS (
          SELECT FROM deliveries o
          WHERE o.target = d.target AND o.state = 'pending' AND o.told_at IS NOT NULL AND o.fallback_for IS NOT NULL
            AND o.id < d.id))),
next AS (
    SELECT d.id
    FROM deliveries d JOIN due ON due.id = d.id
    WHERE d.state = 'pending' AND d.due_at <= clock_ms() AND (d.leased_until IS NULL OR d.leased_until <= clock_ms())
    ORDER BY due.is_test DESC, due.turn, due.due_at, due.id
    LIMIT $1
    FOR UPDATE OF d SKIP LOCKED)
UPDATE deliveries d SET leased_until = clock_ms() + $2, attempts = d.attempts + 1
FROM next WHERE d.id = next.id
RETURNING d.id, d.public_id, d.organization_id, d.channel_id, d.address, d.channel_type, d.channel_name, d.trial,
          d.event, d.content, d.attempts, d.give_up_at, d.fallback_for, clock_ms() AS now_ms"""

_CHANNELS = """
SELECT c.id, c.public_id, c.type, c.config, c.sealed_secrets, c.failures, c.resting_until,
       f.id AS fallback_id, f.type AS fallback_type, f.name AS fallback_name
FROM notification_channels c
LEFT JOIN notification_channels f ON f.id = c.fallback_channel_id AND f.is_active
WHERE c.id = ANY($1::bigint[])"""

_SENT = """
UPDATE deliveries SET state = 'sent', sent_at = clock_ms(), leased_until = NULL,
       error = CASE WHEN id = $1 THEN $2 END
WHERE (id = $1 OR sent_with = $1) AND state = 'pending'"""

# A try that took longer than its lease has been overtaken by another: then that one's word counts.
_RETRY = """
UPDATE deliveries SET due_at = $3, error = $4, leased_until = NULL
WHERE id = $1 AND attempts = $2 AND state = 'pending'"""

_FAILED = """
UPDATE deliveries SET state = 'failed', error = $3, leased_until = NULL
WHERE ((id = $1 AND attempts = $2) OR sent_with = $1) AND state = 'pending'"""

_CHANNEL_TOOK = """
UPDATE notification_channels SET last_sent_at = clock_ms(), failures = 0, last_error = NULL, resting_until = NULL
WHERE id = $1"""

_CHANNEL_REFUSED = """
UPDATE notification_channels SET failures = $2, last_error = $3, resting_until = $4 WHERE id = $1"""

_STAND_IN = """
INSERT INTO deliveries (organization_id, channel_id, channel_type, channel_name, event, created_at, due_at, give_up_at,
                        told_at, content, incidents, fallback_for)
SELECT organization_id, $2, $3, $4, event, clock_ms(), clock_ms(), clock_ms() + $5, clock_ms(), content, incidents, id
FROM deliveries WHERE id = $1
ON CONFLICT (fallback_for) DO NOTHING RETURNING id"""

_STAND_IN_LINKS = """
INSERT INTO delivery_incidents (delivery_id, incident_id, organization_id, transition)
SELECT DISTINCT $2::bigint, di.incident_id, di.organization_id, di.transition
FROM delivery_incidents di JOIN deliveries d ON d.id = di.delivery_id
WHERE d.id = $1 OR d.sent_with = $1
ON CONFLICT DO NOTHING"""


@dataclass(frozen=True, slots=True)
class Leased:
    """A message that is ours to send until its lease ends."""

    id: int
    public_id: UUID
    organization_id: int
    channel_id: int | None
    address: str | None
    channel_type: str
    channel_name: str
    trial: dict[str, Any] | None
    event: str
    content: dict[str, Any] | None
    attempts: int
    give_up_at: int
    fallback_for: int | None
    now_ms: int


@dataclass(frozen=True, slots=True)
class SendingChannel:
    """A channel as far as sending cares."""

    id: int
    public_id: UUID
    type: str
    config: dict[str, Any]
    sealed_secrets: str | None
    failures: int
    resting_until: int | None
    fallback_id: int | None
    fallback_type: str | None
    fallback_name: str | None


async def lease(connection: Connection, *, most: int, lease_ms: int) -> list[Leased]:
    """Messages that are due and nobody's; ours from now on. Times are the database's."""
    return [Leased(**row) for row in await connection.fetch(_LEASE, most, lease_ms)]


async def channels_of(connection: Connection, leased: Sequence[Leased]) -> dict[int, SendingChannel]:
    ids = sorted({each.channel_id for each in leased if each.channel_id is not None})
    return {row["id"]: SendingChannel(**row) for row in await connection.fetch(_CHANNELS, ids)}


async def mark_sent(connection: Connection, leased: Leased, *, remark: str | None) -> None:
    """It arrived, and all that it told of with it."""
    await connection.execute(_SENT, leased.id, remark)
    if leased.channel_id is not None:
        await connection.execute(_CHANNEL_TOOK, leased.channel_id)


async def mark_retry(connection: Connection, leased: Leased, *, due_at: int, error: str) -> None:
    await connection.execute(_RETRY, leased.id, leased.attempts, due_at, error)


async def mark_failed(connection: Connection, leased: Leased, *, error: str) -> None:
    """Nobody tries it any more; what it would have told of fails with it."""
    await connection.execute(_FAILED, leased.id, leased.attempts, error)


async def channel_refused(
    connection: Connection, channel_id: int, *, failures: int, error: str, resting_until: int | None
) -> None:
    await connection.execute(_CHANNEL_REFUSED, channel_id, failures, error, resting_until)


async def stand_in(connection: Connection, leased: Leased, channel: SendingChannel, *, lifetime_ms: int) -> None:
    """The same message for the channel that stands in for this one; once."""
    made = await connection.fetchval(
        _STAND_IN, leased.id, channel.fallback_id, channel.fallback_type, channel.fallback_name, lifetime_ms
    )
    if made is not None:
        await connection.execute(_STAND_IN_LINKS, leased.id, made)
