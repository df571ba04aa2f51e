"""The table `notification_channels`, described by the gateway; how it goes with a channel is the notifier's to say."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.api_gateway.ownership.ownership_store import NOBODY, Ownership, ownership_of
from shared.database.pool import Connection
from shared.notifications.channel_types import ChannelType

_COLUMNS = """id, public_id, organization_id, customer_id, name, type, config, sealed_secrets, secret_names, priority,
    delay_seconds, conditions, is_active, fallback_channel_id, created_at, updated_at, last_sent_at, failures,
    last_error, resting_until, managed_by, external_key"""
_BY_NUMBER = f"SELECT {_COLUMNS} FROM notification_channels WHERE organization_id = $1 AND id = $2"  # noqa: S608 - our constants
_BY_UUID = f"SELECT {_COLUMNS} FROM notification_channels WHERE organization_id = $1 AND public_id = $2"  # noqa: S608
_LIST = f"""SELECT {_COLUMNS} FROM notification_channels
    WHERE organization_id = $1 AND ($2::bigint[] IS NULL OR customer_id = ANY ($2))
    ORDER BY customer_id NULLS FIRST, priority, id"""  # noqa: S608

_INSERT = """INSERT INTO notification_channels (organization_id, public_id, customer_id, name, type, config,
        sealed_secrets, secret_names, priority, delay_seconds, conditions, is_active, fallback_channel_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING id"""
# What failed with another description says nothing of this one: it is tried at once.
_UPDATE = """UPDATE notification_channels SET customer_id = $3, name = $4, type = $5, config = $6, sealed_secrets = $7,
        secret_names = $8, priority = $9, delay_seconds = $10, conditions = $11, is_active = $12,
        fallback_channel_id = $13, updated_at = now(), failures = CASE WHEN $14 THEN 0 ELSE failures END,
        last_error = CASE WHEN $14 THEN NULL ELSE last_error END,
        resting_until = CASE WHEN $14 THEN NULL ELSE resting_until END
    WHERE organization_id = $1 AND public_id = $2"""
_DELETE = "DELETE FROM notification_channels WHERE organization_id = $1 AND id = $2"

# Watched hosts that are one of these domains, or lie in one.
_WATCHED = """SELECT DISTINCT lower(m.hostname) AS host, m.customer_id FROM monitors m
    WHERE m.organization_id = $1 AND EXISTS (
        SELECT FROM unnest($2::text[]) AS d
        WHERE lower(m.hostname) = d OR right(lower(m.hostname), length(d) + 1) = '.' || d)
    LIMIT 1000"""

_UNHEARD = """SELECT u.customer_id, c.name, u.monitors FROM customers_nobody_is_told_of u
    JOIN customers c ON c.organization_id = u.organization_id AND c.id = u.customer_id
    WHERE u.organization_id = $1 AND ($2::bigint[] IS NULL OR u.customer_id = ANY ($2)) ORDER BY u.customer_id"""


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel as it is described; its secrets sealed."""

    customer_id: int | None
    name: str
    type: ChannelType
    config: Mapping[str, Any]
    sealed_secrets: str | None
    secret_names: frozenset[str]
    priority: int
    delay_seconds: int
    conditions: Mapping[str, Any]
    is_active: bool
    fallback_channel_id: int | None


@dataclass(frozen=True, slots=True)
class StoredChannel:
    """A channel as the database has it, with how it goes."""

    id: int
    public_id: UUID
    organization_id: int
    described: Channel
    created_at: datetime
    updated_at: datetime
    last_sent_at: int | None
    failures: int
    last_error: str | None
    resting_until: int | None
    ownership: Ownership = NOBODY


@dataclass(frozen=True, slots=True)
class WatchedHost:
    """A mail server that is watched, and for whom."""

    host: str
    customer_id: int


@dataclass(frozen=True, slots=True)
class Unheard:
    """A customer of whose monitors nobody would be told."""

    customer_id: int
    name: str
    monitors: int


async def list_channels(
    connection: Connection, organization_id: int, *, customer_ids: Sequence[int] | None
) -> list[StoredChannel]:
    """Of one customer, or all: defaults first, each in order of priority."""
    return [_stored(row) for row in await connection.fetch(_LIST, organization_id, customer_ids)]


async def find_channel(connection: Connection, organization_id: int, identifier: int | UUID) -> StoredChannel | None:
    """The channel by number or public UUID, or None."""
    return await _find(connection, organization_id, identifier)


async def hold_channel(connection: Connection, organization_id: int, identifier: int | UUID) -> StoredChannel | None:
    """The channel, held until the transaction ends; or None."""
    return await _find(connection, organization_id, identifier, " FOR UPDATE")


async def insert_channel(
    connection: Connection, organization_id: int, public_id: UUID, channel: Channel
) -> StoredChannel | None:
    """Make it."""
    number = await connection.fetchval(_INSERT, organization_id, public_id, *_values(channel))
    return await find_channel(connection, organization_id, number)


async def update_channel(
    connection: Connection, stored: StoredChannel, channel: Channel, *, start_anew: bool
) -> StoredChannel | None:
    """Change it; `start_anew` forgets what failed there."""
    await connection.execute(_UPDATE, stored.organization_id, stored.public_id, *_values(channel), start_anew)
    return await find_channel(connection, stored.organization_id, stored.id)


async def delete_channel(connection: Connection, stored: StoredChannel) -> None:
    """Remove it, its secrets with it."""
    await connection.execute(_DELETE, stored.organization_id, stored.id)


async def watched_hosts(connection: Connection, organization_id: int, domains: Iterable[str]) -> list[WatchedHost]:
    """Mail servers that are watched and belong to one of these domains."""
    wanted = sorted(set(domains))
    if not wanted:
        return []
    return [WatchedHost(**row) for row in await connection.fetch(_WATCHED, organization_id, wanted)]


async def unheard_customers(
    connection: Connection, organization_id: int, *, customer_ids: Sequence[int] | None
) -> Sequence[Unheard]:
    """Customers of whose active monitors nobody would be told; of one only, or of all."""
    return [Unheard(**row) for row in await connection.fetch(_UNHEARD, organization_id, customer_ids)]


def why_not_sent(scope: str) -> str:
    """SQL of why a delivery `d` failed, for whoever sees the customers of this parameter alone (null: every one).

    A receiver's words, and where it stands, are for those who may see the channel; `address`: a monitor's own.
    """
    return f"""CASE WHEN {scope}::bigint[] IS NULL OR d.address IS NOT NULL OR EXISTS (
        SELECT FROM notification_channels n WHERE n.id = d.channel_id AND n.customer_id = ANY ({scope}))
        THEN d.error END"""


async def _find(
    connection: Connection, organization_id: int, identifier: int | UUID, hold: str = ""
) -> StoredChannel | None:
    statement = _BY_UUID if isinstance(identifier, UUID) else _BY_NUMBER
    row = await connection.fetchrow(statement + hold, organization_id, identifier)
    return None if row is None else _stored(row)


def _values(channel: Channel) -> tuple[Any, ...]:
    """Column values in the order of _INSERT and _UPDATE, from customer_id on."""
    return (
        channel.customer_id,
        channel.name,
        channel.type,
        dict(channel.config),
        channel.sealed_secrets,
        sorted(channel.secret_names),
        channel.priority,
        channel.delay_seconds,
        dict(channel.conditions),
        channel.is_active,
        channel.fallback_channel_id,
    )


def _stored(row: Any) -> StoredChannel:
    return StoredChannel(
        id=row["id"],
        public_id=row["public_id"],
        organization_id=row["organization_id"],
        described=Channel(
            customer_id=row["customer_id"],
            name=row["name"],
            type=ChannelType(row["type"]),
            config=row["config"],
            sealed_secrets=row["sealed_secrets"],
            secret_names=frozenset(row["secret_names"]),
            priority=row["priority"],
            delay_seconds=row["delay_seconds"],
            conditions=row["conditions"],
            is_active=row["is_active"],
            fallback_channel_id=row["fallback_channel_id"],
        ),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        last_sent_at=row["last_sent_at"],
        failures=row["failures"],
        last_error=row["last_error"],
        resting_until=row["resting_until"],
        ownership=ownership_of(row),
    )
