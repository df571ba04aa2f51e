"""Links handed to somebody to open once; the database keeps their SHA-256 only. 256 random bits cannot be guessed."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from shared.database.errors import translated_errors
from shared.database.pool import Connection, Pool

_BYTES = 32


class Purpose(StrEnum):
    """What a link is for: the first person's set-up, becoming a person, a new password."""

    SET_UP = "set-up"
    INVITATION = "invitation"
    RESET = "reset"


LASTS = {Purpose.SET_UP: timedelta(days=7), Purpose.INVITATION: timedelta(days=7), Purpose.RESET: timedelta(days=1)}

# SECURITY DEFINER: which organization it is of is not known yet.
_FIND = "SELECT id, organization_id, user_id, purpose, expires_at FROM find_link($1)"
_INSERT = """INSERT INTO user_links (organization_id, user_id, purpose, link_hash, expires_at)
    VALUES ($1, $2, $3, $4, $5)"""
# A newer link is the only one: whoever asks for another may have lost the first to somebody.
_FORGET_OF_USER = "DELETE FROM user_links WHERE organization_id = $1 AND user_id = $2"
_FORGET_SET_UP = "DELETE FROM user_links WHERE organization_id = $1 AND purpose = 'set-up'"
_USE = "DELETE FROM user_links WHERE organization_id = $1 AND id = $2 AND expires_at > now() RETURNING id"


@dataclass(frozen=True, slots=True)
class Link:
    """A link that can be opened still."""

    id: int
    organization_id: int
    user_id: int | None
    purpose: Purpose


def link_hash(token: str) -> bytes:
    """What the database knows a link by."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


async def make_link(
    connection: Connection, organization_id: int, purpose: Purpose, *, user_id: int | None = None
) -> tuple[str, datetime]:
    """A new token for a link, and when it expires; the ones before it no longer open anything."""
    token, expires = secrets.token_urlsafe(_BYTES), datetime.now(UTC) + LASTS[purpose]
    if user_id is None:
        await connection.execute(_FORGET_SET_UP, organization_id)
    else:
        await connection.execute(_FORGET_OF_USER, organization_id, user_id)
    await connection.execute(_INSERT, organization_id, user_id, purpose, link_hash(token), expires)
    return token, expires


async def find_link(pool: Pool, token: str) -> Link | None:
    """What this token opens; None where it opens nothing, or no longer."""
    with translated_errors():
        async with pool.acquire(timeout=10) as connection:
            row: Any = await connection.fetchrow(_FIND, link_hash(token))
    if row is None or row["expires_at"] <= datetime.now(UTC):
        return None
    return Link(row["id"], row["organization_id"], row["user_id"], Purpose(row["purpose"]))


async def use_link(connection: Connection, link: Link) -> bool:
    """Spend it; False where somebody was faster."""
    return await connection.fetchval(_USE, link.organization_id, link.id) is not None


def link_address(address: str, purpose: Purpose, token: str) -> str:
    """What to open in a browser. After the #, which browsers send to nobody: no log on the way has it."""
    page = "set-up" if purpose is Purpose.SET_UP else "invitation"
    return f"{address.rstrip('/')}/{page}#{token}"
