"""The tables `tags` and `monitor_tags`. The gateway is their only writer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.api_gateway.tags.models import Tag, TagCreate
from shared.database.pool import Connection

_COLUMNS = "id, public_id, organization_id, name, color, created_at, managed_by, external_key"
_LIST = f"SELECT {_COLUMNS} FROM tags WHERE organization_id = $1 ORDER BY lower(name), id"  # noqa: S608 - our constants
_BY_NUMBER = f"SELECT {_COLUMNS} FROM tags WHERE organization_id = $1 AND id = $2"  # noqa: S608
_BY_UUID = f"SELECT {_COLUMNS} FROM tags WHERE organization_id = $1 AND public_id = $2"  # noqa: S608
_BY_NAME = f"SELECT {_COLUMNS} FROM tags WHERE organization_id = $1 AND name = $2"  # noqa: S608
_INSERT = f"""INSERT INTO tags (organization_id, name, color) VALUES ($1, $2, $3)
    ON CONFLICT (organization_id, name) DO NOTHING RETURNING {_COLUMNS}"""  # noqa: S608
_UPDATE = f"""UPDATE tags SET name = $3, color = $4 WHERE organization_id = $1 AND id = $2
    AND NOT EXISTS (SELECT FROM tags o WHERE o.organization_id = $1 AND o.name = $3 AND o.id <> $2)
    RETURNING {_COLUMNS}"""  # noqa: S608
_DELETE = "DELETE FROM tags WHERE organization_id = $1 AND id = $2"

_MONITOR_BY_NUMBER = "SELECT id, customer_id FROM monitors WHERE organization_id = $1 AND id = $2"
_MONITOR_BY_UUID = "SELECT id, customer_id FROM monitors WHERE organization_id = $1 AND public_id = $2"

# An update that changes nothing, so that it answers with the row of before.
_ASSIGN = """INSERT INTO monitor_tags (organization_id, monitor_id, tag_id) VALUES ($1, $2, $3)
    ON CONFLICT (monitor_id, tag_id) DO UPDATE SET tag_id = excluded.tag_id RETURNING created_at"""
_UNASSIGN = "DELETE FROM monitor_tags WHERE organization_id = $1 AND monitor_id = $2 AND tag_id = $3 RETURNING tag_id"


@dataclass(frozen=True, slots=True)
class TaggedMonitor:
    """As much of a monitor as tagging it takes."""

    id: int
    customer_id: int


async def list_tags(connection: Connection, organization_id: int) -> list[Tag]:
    """All of the organization's, by name."""
    return [_tag(row) for row in await connection.fetch(_LIST, organization_id)]


async def find_tag(connection: Connection, organization_id: int, identifier: int | UUID | str) -> Tag | None:
    """The tag by number, public UUID or name, or None."""
    match identifier:
        case UUID():
            statement = _BY_UUID
        case int():
            statement = _BY_NUMBER
        case str():
            statement = _BY_NAME
    row = await connection.fetchrow(statement, organization_id, identifier)
    return None if row is None else _tag(row)


async def find_tags(
    connection: Connection, organization_id: int, identifiers: Sequence[int | UUID]
) -> list[Tag | None]:
    """Each of them, None where there is none."""
    return [await find_tag(connection, organization_id, identifier) for identifier in identifiers]


async def insert_tag(connection: Connection, organization_id: int, new: TagCreate) -> Tag | None:
    """Make a tag; None where there is one of that name."""
    row = await connection.fetchrow(_INSERT, organization_id, new.name, new.color)
    return None if row is None else _tag(row)


async def update_tag(connection: Connection, tag: Tag, *, name: str, color: str | None) -> Tag | None:
    """Change it; None where there is another one of that name."""
    row = await connection.fetchrow(_UPDATE, tag.organization_id, tag.id, name, color)
    return None if row is None else _tag(row)


async def delete_tag(connection: Connection, tag: Tag) -> None:
    """Remove it, from monitors and windows as well."""
    await connection.execute(_DELETE, tag.organization_id, tag.id)


async def find_monitor_to_tag(
    connection: Connection, organization_id: int, identifier: int | UUID
) -> TaggedMonitor | None:
    """The monitor by number or public UUID, or None."""
    statement = _MONITOR_BY_UUID if isinstance(identifier, UUID) else _MONITOR_BY_NUMBER
    row = await connection.fetchrow(statement, organization_id, identifier)
    return None if row is None else TaggedMonitor(**row)


async def assign_tag(connection: Connection, monitor: TaggedMonitor, tag: Tag) -> datetime:
    """Put it on; answers since when it is there."""
    since: datetime = await connection.fetchval(_ASSIGN, tag.organization_id, monitor.id, tag.id)
    return since


async def unassign_tag(connection: Connection, monitor: TaggedMonitor, tag: Tag) -> bool:
    """Take it off; whether it was there."""
    return await connection.fetchval(_UNASSIGN, tag.organization_id, monitor.id, tag.id) is not None


def _tag(row: Any) -> Tag:
    return Tag(**row, updated_at=row["created_at"])
