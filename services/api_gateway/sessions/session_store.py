"""Sessions and known browsers in the database, by the SHA-256 of what their cookies hold (256 random bits)."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.api_gateway.principal import Actor, ActorKind, GlobalRole, Principal, Role
from shared.database.errors import translated_errors
from shared.database.pool import Connection, Pool, organization_transaction

LASTS = timedelta(days=30)
IDLE = timedelta(days=7)
DEVICE_LASTS = timedelta(days=180)
_MOST_SESSIONS = 50
_MOST_DEVICES = 20
_LONGEST_AGENT = 300

# SECURITY DEFINER, all of them: which organization it is about is not known yet.
_FIND = "SELECT * FROM find_session($1)"
_ACCOUNT = "SELECT id, organization_id, password_hash, disabled, known_device FROM find_account($1, $2)"
_INSERT = """INSERT INTO user_sessions (organization_id, user_id, session_hash, address, user_agent, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6) RETURNING id"""
_SIGNED_IN = "UPDATE users SET last_sign_in_at = now() WHERE organization_id = $1 AND id = $2"
# Those that have ended, and the longest unused of too many.
_TIDY = """DELETE FROM user_sessions WHERE organization_id = $1 AND user_id = $2 AND (
        expires_at <= now() OR last_seen_at <= $3 OR id IN (
            SELECT id FROM user_sessions WHERE organization_id = $1 AND user_id = $2
            ORDER BY last_seen_at DESC, id DESC OFFSET $4))"""
_TIDY_DEVICES = """DELETE FROM user_devices WHERE organization_id = $1 AND user_id = $2 AND id IN (
        SELECT id FROM user_devices WHERE organization_id = $1 AND user_id = $2
        ORDER BY last_used_at DESC, id DESC OFFSET $3)"""
_NOTE_DEVICE = """INSERT INTO user_devices (organization_id, user_id, device_hash) VALUES ($1, $2, $3)
    ON CONFLICT (user_id, device_hash) DO UPDATE SET last_used_at = now()"""
_LIST = """SELECT id, public_id, address, user_agent, created_at, last_seen_at, expires_at FROM user_sessions
    WHERE organization_id = $1 AND user_id = $2 AND expires_at > now() AND last_seen_at > $3
    ORDER BY last_seen_at DESC, id DESC"""
_END = "DELETE FROM user_sessions WHERE organization_id = $1 AND user_id = $2 AND public_id = $3 RETURNING id"
_END_BY_HASH = "DELETE FROM user_sessions WHERE organization_id = $1 AND session_hash = $2"
_TOUCH = """UPDATE user_sessions SET last_seen_at = now()
    WHERE organization_id = $1 AND id = $2 AND last_seen_at < now() - interval '1 minute'"""


@dataclass(frozen=True, slots=True)
class Account:
    """What signing in by an e-mail address meets."""

    id: int
    organization_id: int
    password_hash: str | None
    disabled: bool
    known_device: bool  # the browser is one this person signed in with before


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """A session as its owner sees it."""

    id: int
    public_id: UUID
    address: str
    user_agent: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


def cookie_hash(token: str) -> bytes:
    """What the database knows a cookie by."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


async def find_session(pool: Pool, hashed: bytes) -> Principal | None:
    """Who is signed in by this session, in their own organization; None where it has ended."""
    with translated_errors():
        async with pool.acquire(timeout=10) as connection:
            row: Any = await connection.fetchrow(_FIND, hashed)
    now = datetime.now(UTC)
    if row is None or row["disabled"] or row["expires_at"] <= now or row["last_seen_at"] + IDLE <= now:
        return None
    global_role = None if row["global_role"] is None else GlobalRole(row["global_role"])
    return Principal(
        actor=Actor(ActorKind.USER, row["user_id"], row["name"]),
        organization_id=row["organization_id"],
        role=_role(Role(row["role"]), global_role),
        customer_ids=None if row["customer_ids"] is None else frozenset(row["customer_ids"]),
        global_role=global_role,
        home_organization_id=row["organization_id"],
        session_id=row["id"],
    )


async def find_account(pool: Pool, email: str, device: str | None) -> Account | None:
    """Who signs in by this address, if anybody does."""
    with translated_errors():
        async with pool.acquire(timeout=10) as connection:
            row = await connection.fetchrow(_ACCOUNT, email, None if device is None else cookie_hash(device))
    return None if row is None else Account(**row)


async def begin_session(
    connection: Connection, organization_id: int, user_id: int, *, address: str, user_agent: str
) -> str:
    """Sign somebody in; what the browser's cookie is to hold."""
    token = secrets.token_urlsafe(32)
    agent = user_agent[:_LONGEST_AGENT]
    now = datetime.now(UTC)
    await connection.fetchval(_INSERT, organization_id, user_id, cookie_hash(token), address, agent, now + LASTS)
    await connection.execute(_SIGNED_IN, organization_id, user_id)
    await connection.execute(_TIDY, organization_id, user_id, now - IDLE, _MOST_SESSIONS)
    return token


async def note_device(connection: Connection, organization_id: int, user_id: int, token: str | None) -> str:
    """Know this browser again; `token` is what its cookie holds where it is known already."""
    known = token or secrets.token_urlsafe(32)
    await connection.execute(_NOTE_DEVICE, organization_id, user_id, cookie_hash(known))
    await connection.execute(_TIDY_DEVICES, organization_id, user_id, _MOST_DEVICES)
    return known


async def list_sessions(connection: Connection, organization_id: int, user_id: int) -> list[SessionFacts]:
    """Where a person is signed in, the last used first."""
    rows = await connection.fetch(_LIST, organization_id, user_id, datetime.now(UTC) - IDLE)
    return [SessionFacts(**row) for row in rows]


async def end_session(connection: Connection, organization_id: int, user_id: int, public_id: UUID) -> bool:
    """End one session of a person; whether it was there."""
    return await connection.fetchval(_END, organization_id, user_id, public_id) is not None


async def end_session_of_cookie(connection: Connection, organization_id: int, token: str) -> None:
    """End the session a browser shows."""
    await connection.execute(_END_BY_HASH, organization_id, cookie_hash(token))


async def touch_session(pool: Pool, principal: Principal) -> None:
    """Note that a session was used."""
    async with organization_transaction(pool, principal.home) as connection:
        await connection.execute(_TOUCH, principal.home, principal.session_id)


def _role(role: Role, global_role: GlobalRole | None) -> Role:
    """A global role holds everywhere, at home too."""
    match global_role:
        case GlobalRole.ADMIN:
            return Role.ADMIN
        case GlobalRole.SUPPORTER:
            return Role.SUPPORTER
        case None:
            return role
