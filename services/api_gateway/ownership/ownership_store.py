"""The columns `managed_by` and `external_key`, the same in each table that has them; the gateway is their only writer.

They change nothing of what a thing does, so they are read and written beside its own aggregate.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from shared.database.pool import Connection


class Owned(StrEnum):
    """What can be managed, by its table."""

    MONITOR = "monitors"
    CHANNEL = "notification_channels"
    WINDOW = "maintenance_windows"
    TAG = "tags"


@dataclass(frozen=True, slots=True)
class Ownership:
    """Who manages a thing, and by which key; both null where it was made by hand."""

    managed_by: str | None = None
    external_key: str | None = None


NOBODY = Ownership()

# Two requests with one key come one after the other, so that the second is told in words and not by the index.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('mailprobe.ownership ' || $1 || ' ' || $2::bigint::text, 0))"
_ALIVE: Mapping[Owned, str] = {Owned.WINDOW: " AND deleted_at IS NULL"}
_STAMPED = frozenset({Owned.MONITOR, Owned.CHANNEL, Owned.WINDOW})


async def key_is_taken(
    connection: Connection, organization_id: int, owned: Owned, wanted: Ownership, *, own_id: int | None
) -> bool:
    """Whether another thing of this kind has the key already; holds the keys until the transaction ends."""
    if wanted.external_key is None:
        return False
    await connection.execute(_LOCK, owned.value, organization_id)
    statement = f"""SELECT EXISTS (SELECT FROM {owned.value} WHERE organization_id = $1 AND managed_by = $2
        AND external_key = $3 AND ($4::bigint IS NULL OR id <> $4){_ALIVE.get(owned, "")})"""  # noqa: S608 - our constants
    taken: bool = await connection.fetchval(statement, organization_id, wanted.managed_by, wanted.external_key, own_id)
    return taken


async def set_ownership(
    connection: Connection, organization_id: int, owned: Owned, number: int, wanted: Ownership
) -> None:
    """Write both; nothing where they are so already."""
    stamp = ", updated_at = now()" if owned in _STAMPED else ""
    statement = f"""UPDATE {owned.value} SET managed_by = $3, external_key = $4{stamp}
        WHERE organization_id = $1 AND id = $2 AND (managed_by, external_key) IS DISTINCT FROM ($3, $4)"""  # noqa: S608
    await connection.execute(statement, organization_id, number, wanted.managed_by, wanted.external_key)


def ownership_of(row: Any) -> Ownership:
    """Of a row that has both columns."""
    return Ownership(managed_by=row["managed_by"], external_key=row["external_key"])
