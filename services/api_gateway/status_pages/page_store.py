"""Status pages and what they show, in the database. The gateway is their only writer."""

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.database.errors import translated_errors
from shared.database.pool import Connection, Pool

_SLUG_BYTES = 16

_COLUMNS = """p.id, p.public_id, p.organization_id, p.customer_id, p.name AS title, p.description AS text,
    p.address_token AS slug, p.is_published, p.whole_customer, p.shows_hosts, p.shows_users, p.shows_messages,
    p.created_at, p.updated_at,
    coalesce((SELECT json_agg(json_build_array(c.monitor_id, m.public_id, c.tag_id, c.public_name, c.combined, t.name)
                              ORDER BY c.position)
              FROM status_page_components c LEFT JOIN monitors m ON m.id = c.monitor_id
              LEFT JOIN tags t ON t.id = c.tag_id
              WHERE c.page_id = p.id), '[]') AS components"""
_FROM = "FROM status_pages p WHERE p.organization_id = $1"
_LIST = f"""SELECT {_COLUMNS} {_FROM} AND ($2::bigint[] IS NULL OR p.customer_id = ANY ($2))
    ORDER BY lower(p.name), p.id"""
_BY_UUID = f"SELECT {_COLUMNS} {_FROM} AND p.public_id = $2"
_BY_NUMBER = f"SELECT {_COLUMNS} {_FROM} AND p.id = $2"
# SECURITY DEFINER: which organization it is of is not known yet.
_FIND_PUBLISHED = "SELECT organization_id, page_id FROM find_status_page($1)"

_INSERT = """INSERT INTO status_pages (organization_id, customer_id, address_token, name, description, is_published,
        whole_customer, shows_hosts, shows_users, shows_messages)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id"""
_UPDATE = """UPDATE status_pages SET address_token = $3, name = $4, description = $5, is_published = $6,
        whole_customer = $7, shows_hosts = $8, shows_users = $9, shows_messages = $10, updated_at = now()
    WHERE organization_id = $1 AND id = $2"""
_DELETE = "DELETE FROM status_pages WHERE organization_id = $1 AND id = $2"
_HOLD = "SELECT id FROM status_pages WHERE organization_id = $1 AND public_id = $2 FOR UPDATE"
_FORGET_COMPONENTS = "DELETE FROM status_page_components WHERE organization_id = $1 AND page_id = $2"
_INSERT_COMPONENTS = """INSERT INTO status_page_components
        (organization_id, page_id, position, monitor_id, tag_id, public_name, combined)
    SELECT $1, $2, u.position, u.monitor_id, u.tag_id, u.public_name, u.combined
    FROM unnest($3::bigint[], $4::bigint[], $5::text[], $6::boolean[])
        WITH ORDINALITY AS u(monitor_id, tag_id, public_name, combined, position)"""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a page. `name`: on the page, None: its own. `tag_name`: the tag's own, where it is known."""

    monitor_id: int | None = None
    tag_id: int | None = None
    name: str | None = None
    combined: bool = True
    monitor_public_id: UUID | None = field(default=None, compare=False)
    tag_name: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Described:
    """What people say of a page. `lines` None: every monitor of the customer."""

    title: str
    text: str | None
    lines: tuple[Line, ...] | None
    is_published: bool
    shows_hostnames: bool
    shows_users: bool
    shows_messages: bool


@dataclass(frozen=True, slots=True)
class StoredPage:
    """A page as the database has it. `slug`: the end of its address, None: revoked."""

    id: int
    public_id: UUID
    organization_id: int
    customer_id: int
    described: Described
    slug: str | None
    created_at: datetime
    updated_at: datetime


def new_slug() -> str:
    """128 random bits in letters and digits that can be read out to somebody."""
    return base64.b32encode(secrets.token_bytes(_SLUG_BYTES)).decode().rstrip("=").lower()


async def find_published(pool: Pool, slug: str) -> tuple[int, int] | None:
    """The organization and the page of an address; None where there is none, or it is not for anybody to see."""
    with translated_errors():
        async with pool.acquire(timeout=10) as connection:
            row = await connection.fetchrow(_FIND_PUBLISHED, slug)
    return None if row is None else (row["organization_id"], row["page_id"])


async def list_pages(
    connection: Connection, organization_id: int, *, customer_ids: Sequence[int] | None
) -> list[StoredPage]:
    """By title; of some customers only, or of all."""
    return [_stored(row) for row in await connection.fetch(_LIST, organization_id, customer_ids)]


async def find_page(connection: Connection, organization_id: int, identifier: int | UUID) -> StoredPage | None:
    """The page by number or public UUID, or None."""
    statement = _BY_UUID if isinstance(identifier, UUID) else _BY_NUMBER
    row = await connection.fetchrow(statement, organization_id, identifier)
    return None if row is None else _stored(row)


async def hold_page(connection: Connection, organization_id: int, public_id: UUID) -> StoredPage | None:
    """The page, held until the transaction ends; or None."""
    number = await connection.fetchval(_HOLD, organization_id, public_id)
    return None if number is None else await find_page(connection, organization_id, number)


async def insert_page(
    connection: Connection, organization_id: int, customer_id: int, described: Described
) -> StoredPage | None:
    """Make it, with an address of its own."""
    values = _values(described)
    number: int = await connection.fetchval(_INSERT, organization_id, customer_id, new_slug(), *values)
    await _insert_lines(connection, organization_id, number, described)
    return await find_page(connection, organization_id, number)


async def update_page(
    connection: Connection, stored: StoredPage, described: Described, *, slug: str | None
) -> StoredPage | None:
    """Change it."""
    await connection.execute(_UPDATE, stored.organization_id, stored.id, slug, *_values(described))
    if described.lines != stored.described.lines:
        await connection.execute(_FORGET_COMPONENTS, stored.organization_id, stored.id)
        await _insert_lines(connection, stored.organization_id, stored.id, described)
    return await find_page(connection, stored.organization_id, stored.id)


async def delete_page(connection: Connection, stored: StoredPage) -> None:
    """Remove it; its address leads nowhere from now on."""
    await connection.execute(_DELETE, stored.organization_id, stored.id)


async def _insert_lines(connection: Connection, organization_id: int, number: int, described: Described) -> None:
    lines = described.lines or ()
    await connection.execute(
        _INSERT_COMPONENTS,
        organization_id,
        number,
        [line.monitor_id for line in lines],
        [line.tag_id for line in lines],
        [line.name for line in lines],
        [line.combined for line in lines],
    )


def _values(described: Described) -> tuple[Any, ...]:
    """Column values in the order of _INSERT and _UPDATE, from name on."""
    return (
        described.title,
        described.text,
        described.is_published,
        described.lines is None,
        described.shows_hostnames,
        described.shows_users,
        described.shows_messages,
    )


def _line(kept: Sequence[Any]) -> Line:
    monitor_id, public_id, tag_id, name, combined, tag_name = kept
    return Line(monitor_id, tag_id, name, combined, None if public_id is None else UUID(public_id), tag_name)


def _stored(row: Any) -> StoredPage:
    return StoredPage(
        id=row["id"],
        public_id=row["public_id"],
        organization_id=row["organization_id"],
        customer_id=row["customer_id"],
        described=Described(
            title=row["title"],
            text=row["text"],
            lines=None if row["whole_customer"] else tuple(_line(kept) for kept in row["components"]),
            is_published=row["is_published"],
            shows_hostnames=row["shows_hosts"],
            shows_users=row["shows_users"],
            shows_messages=row["shows_messages"],
        ),
        slug=row["slug"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
