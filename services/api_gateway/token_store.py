"""Bearer tokens: made, found, listed and revoked. The database keeps their SHA-256 only.

A token has 256 random bits, so that a plain hash of it cannot be searched.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from services.api_gateway.acting import told_actor
from services.api_gateway.principal import Actor, ActorKind, Principal, Role
from shared.database.errors import translated_errors
from shared.database.pool import Connection, Pool, organization_transaction

PREFIX = "mp_"
LONGEST_TOKEN = 200

# SECURITY DEFINER: which organization it is of is not known yet.
_FIND = "SELECT id, organization_id, customer_id, role, name, expires_at FROM find_bearer($1)"
_COLUMNS = "id, public_id, customer_id, name, role, token_hint, created_at, expires_at, last_used_at"
_INSERT = f"""
    INSERT INTO tokens (organization_id, customer_id, name, role, token_hash, token_hint, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING {_COLUMNS}"""  # noqa: S608 - our constants
_LIST = f"SELECT {_COLUMNS} FROM tokens WHERE organization_id = $1 ORDER BY id"  # noqa: S608
_BY_NUMBER = f"SELECT {_COLUMNS} FROM tokens WHERE organization_id = $1 AND id = $2"  # noqa: S608
_BY_UUID = f"SELECT {_COLUMNS} FROM tokens WHERE organization_id = $1 AND public_id = $2"  # noqa: S608
_REVOKE = "DELETE FROM tokens WHERE organization_id = $1 AND id = $2 RETURNING id"
# At most once a minute: it is for people, and not worth a write per request.
_TOUCH = """
    UPDATE tokens SET last_used_at = now()
    WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')"""


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """A token as lists show it: never the token itself."""

    id: int
    public_id: UUID
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
    operator: str | None = None,
) -> str:
    """Make a token and answer with it; it is shown this once. Raises DatabaseRejected for an unknown customer.

    Args:
        operator: who makes it at the database, for the audit log; None: mailprobe itself.
    """
    async with organization_transaction(pool, organization_id, actor=_actor(operator)) as connection:
        token, _ = await insert_token(
            connection, organization_id, name=name, role=Role(role), customer_id=customer_id, expires=expires
        )
    return token


async def insert_token(
    connection: Connection,
    organization_id: int,
    *,
    name: str,
    role: Role,
    customer_id: int | None,
    expires: datetime | None,
) -> tuple[str, TokenFacts]:
    """The same within a transaction; the token, and what lists show of it."""
    token = PREFIX + secrets.token_urlsafe(32)
    row = await connection.fetchrow(
        _INSERT, organization_id, customer_id, name, role, token_hash(token), f"mp_…{token[-4:]}", expires
    )
    return token, TokenFacts(**row)


async def list_tokens(pool: Pool, organization_id: int) -> list[TokenFacts]:
    """All tokens of an organization, oldest first."""
    async with organization_transaction(pool, organization_id) as connection:
        return await tokens_of(connection, organization_id)


async def tokens_of(connection: Connection, organization_id: int) -> list[TokenFacts]:
    """The same within a transaction."""
    return [TokenFacts(**row) for row in await connection.fetch(_LIST, organization_id)]


async def find_token(connection: Connection, organization_id: int, identifier: int | UUID) -> TokenFacts | None:
    """One of them, by number or public UUID."""
    statement = _BY_UUID if isinstance(identifier, UUID) else _BY_NUMBER
    row = await connection.fetchrow(statement, organization_id, identifier)
    return None if row is None else TokenFacts(**row)


async def revoke_token(pool: Pool, organization_id: int, token_id: int, *, operator: str | None = None) -> bool:
    """Delete a token; whether it was there. It is refused from the next request on."""
    async with organization_transaction(pool, organization_id, actor=_actor(operator)) as connection:
        return await delete_token(connection, organization_id, token_id)


async def delete_token(connection: Connection, organization_id: int, token_id: int) -> bool:
    """The same within a transaction."""
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


def _actor(operator: str | None) -> str:
    return "" if operator is None else told_actor("operator", None, operator)
