"""Bearer tokens: made, found, listed and revoked. The database keeps their SHA-256 only.

A token has 256 random bits, so that a plain hash of it cannot be searched.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from services.api_gateway.principal import Actor, ActorKind, Principal, Role
from shared.database.errors import translated_errors
from shared.database.pool import Pool, organization_transaction

PREFIX = "mp_"
LONGEST_TOKEN = 200

# SECURITY DEFINER: which organization it is of is not known yet.
_FIND = "SELECT id, organization_id, customer_id, role, name, expires_at FROM find_bearer($1)"
_INSERT = """
    INSERT INTO tokens (organization_id, customer_id, name, role, token_hash, token_hint, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)"""
_LIST = """
    SELECT id, customer_id, name, role, token_hint, created_at, expires_at, last_used_at
    FROM tokens WHERE organization_id = $1 ORDER BY id"""
_REVOKE = "DELETE FROM tokens WHERE organization_id = $1 AND id = $2 RETURNING id"
# At most once a minute: it is for people, and not worth a write per request.
_TOUCH = """
    UPDATE tokens SET last_used_at = now()
    WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')"""


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """A token as lists show it: never the token itself."""

    id: int
    customer_id: int | None
    name: str
    role: str
    token_hint: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


def token_hash(token: str) -> bytes:
    """What the database knows a token by."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


async def issue_token(
    pool: Pool,
    organization_id: int,
    name: str,
    role: Role | str,
    customer_id: int | None = None,
    expires: datetime | None = None,
) -> str:
    """Make a token and answer with it; it is shown this once. Raises DatabaseRejected for an unknown customer."""
    token = PREFIX + secrets.token_urlsafe(32)
    async with organization_transaction(pool, organization_id) as connection:
        await connection.execute(
            _INSERT, organization_id, customer_id, name, Role(role), token_hash(token), f"mp_…{token[-4:]}", expires
        )
    return token


async def list_tokens(pool: Pool, organization_id: int) -> list[TokenFacts]:
    """All tokens of an organization, oldest first."""
    async with organization_transaction(pool, organization_id) as connection:
        return [TokenFacts(**row) for row in await connection.fetch(_LIST, organization_id)]


async def revoke_token(pool: Pool, organization_id: int, token_id: int) -> bool:
    """Delete a token; whether it was there. It is refused from the next request on."""
    async with organization_transaction(pool, organization_id) as connection:
        return await connection.fetchval(_REVOKE, organization_id, token_id) is not None


async def find_principal(pool: Pool, hashed: bytes) -> Principal | None:
    """Whose token this is; None where it is unknown or expired."""
    with translated_errors():
        async with pool.acquire(timeout=10) as connection:
            row = await connection.fetchrow(_FIND, hashed)
    if row is None or (row["expires_at"] is not None and row["expires_at"] <= datetime.now(UTC)):
        return None
    return Principal(
        actor=Actor(ActorKind.TOKEN, row["id"], row["name"]),
        organization_id=row["organization_id"],
        role=Role(row["role"]),
        customer_ids=None if row["customer_id"] is None else frozenset({row["customer_id"]}),
    )


async def touch_token(pool: Pool, principal: Principal) -> None:
    """Note that a token was used."""
    async with organization_transaction(pool, principal.organization_id) as connection:
        await connection.execute(_TOUCH, principal.actor.id)
