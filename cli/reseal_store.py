"""Stored secrets sealed anew: read as the roles that see every organization, written as the one that may, row by row.

Each row is written only where it still holds what was read (compare and swap): who enters a new password meanwhile
wins, and it was sealed with a key of these rings anyway. Nothing else of a row changes: not its revision, for the check
is the same, and not its credential, for the password is.
"""

import json
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from shared.checks.target import password_binding, target_from_monitor
from shared.database.operating import operators_connection
from shared.database.pool import GATEWAY_ROLE, NOTIFIER_ROLE, PIPELINE_ROLE, Connection
from shared.notifications.channel_types import ChannelType, open_secrets, seal_secrets
from shared.sealing import PrivateKeyRing, SealBroken

_BATCH = 500
_MOST_BROKEN = 1000

_OLD_PASSWORDS = """
SELECT id, public_id, organization_id, hostname, port, timeout_seconds, config, sealed_password
FROM monitors WHERE id > $1 AND sealed_password IS NOT NULL AND split_part(sealed_password, '.', 2) <> $2
ORDER BY id LIMIT $3"""
_SWAP_PASSWORD = "UPDATE monitors SET sealed_password = $3 WHERE id = $1 AND sealed_password = $2"
_CHANNELS = """
SELECT id, public_id, organization_id, type, config, sealed_secrets
FROM notification_channels WHERE id > $1 AND sealed_secrets IS NOT NULL ORDER BY id LIMIT $2"""
_SWAP_SECRETS = "UPDATE notification_channels SET sealed_secrets = $3 WHERE id = $1 AND sealed_secrets = $2"
_KEYS_OF_PASSWORDS = """
SELECT split_part(sealed, '.', 2), count(*)::integer FROM (
    SELECT sealed_password AS sealed FROM monitors
    UNION ALL SELECT target->>'sealed_password' FROM check_requests WHERE state <> 'finished') each
WHERE sealed IS NOT NULL GROUP BY 1"""
_KEYS_OF_CHANNELS = """
SELECT split_part(value, '.', 2), count(*)::integer FROM (
    SELECT sealed_secrets FROM notification_channels
    UNION ALL SELECT trial->>'sealed_secrets' FROM deliveries WHERE state = 'pending') each,
    json_each_text(each.sealed_secrets::json)
WHERE each.sealed_secrets IS NOT NULL GROUP BY 1"""
_FOR_ORGANIZATION = "SELECT set_config('mailprobe.organization', $1, true)"


@dataclass(slots=True)
class ResealCount:
    """What became of them; `broken` names those that no key of the ring opens."""

    sealed: int = 0
    changed: int = 0
    broken: list[str] = field(default_factory=list)


async def reseal_passwords(dsn: str, ring: PrivateKeyRing) -> ResealCount:
    """Every password not sealed with the ring's current key. Raises DatabaseError."""
    count, last = ResealCount(), 0
    async with _acting_as(dsn, PIPELINE_ROLE) as reading, _acting_as(dsn, GATEWAY_ROLE) as writing:
        while rows := await reading.fetch(_OLD_PASSWORDS, last, ring.current, _BATCH):
            for row in rows:
                last = row["id"]
                target = target_from_monitor(
                    hostname=row["hostname"],
                    port=row["port"],
                    timeout_seconds=row["timeout_seconds"],
                    config=row["config"],
                    sealed_password=None,
                )
                context = password_binding(row["organization_id"], row["public_id"], target).context()
                try:
                    sealed = ring.public().seal(ring.open(row["sealed_password"], context), context)
                except SealBroken:
                    _note_broken(count, f"the password of monitor {row['public_id']}")
                    continue
                await _swap(writing, count, row, _SWAP_PASSWORD, row["sealed_password"], sealed)
    return count


async def reseal_channels(dsn: str, ring: PrivateKeyRing) -> ResealCount:
    """Every channel with a secret not sealed with the ring's current key. Raises DatabaseError."""
    count, last = ResealCount(), 0
    async with _acting_as(dsn, NOTIFIER_ROLE) as reading, _acting_as(dsn, GATEWAY_ROLE) as writing:
        while rows := await reading.fetch(_CHANNELS, last, _BATCH):
            for row in rows:
                last = row["id"]
                where: dict[str, Any] = {
                    "organization_id": row["organization_id"],
                    "channel_public_id": row["public_id"],
                    "channel_type": ChannelType(row["type"]),
                    "config": row["config"],
                }
                if _only_current(row["sealed_secrets"], ring.current):
                    continue
                try:
                    secrets = open_secrets(ring, row["sealed_secrets"], **where)
                except SealBroken:
                    _note_broken(count, f"channel {row['public_id']}")
                    continue
                sealed = seal_secrets(ring.public(), secrets, **where)
                await _swap(writing, count, row, _SWAP_SECRETS, row["sealed_secrets"], sealed)
    return count


async def keys_in_use(dsn: str) -> tuple[dict[str, int], dict[str, int]]:
    """How many stored secrets each key sealed: of passwords, of channels; what waits to be checked or sent included."""
    async with _acting_as(dsn, PIPELINE_ROLE) as connection:
        passwords = dict(await connection.fetch(_KEYS_OF_PASSWORDS))
    async with _acting_as(dsn, NOTIFIER_ROLE) as connection:
        return passwords, dict(await connection.fetch(_KEYS_OF_CHANNELS))


async def _swap(
    writing: Connection, count: ResealCount, row: Any, statement: str, before: str, after: str | None
) -> None:
    async with writing.transaction():
        await writing.execute(_FOR_ORGANIZATION, str(row["organization_id"]))
        done = await writing.execute(statement, row["id"], before, after)
    if done == "UPDATE 1":
        count.sealed += 1
    else:
        count.changed += 1


def _note_broken(count: ResealCount, name: str) -> None:
    if len(count.broken) < _MOST_BROKEN:
        count.broken.append(name)


def _only_current(sealed_secrets: str, current: str) -> bool:
    return all(each.split(".")[1:2] == [current] for each in json.loads(sealed_secrets).values())


def _acting_as(dsn: str, role: str) -> AbstractAsyncContextManager[Connection]:
    return operators_connection(dsn, role=role, application_name="mailprobe keys")
