"""Who asks in the grid, and whose words may come up in an answer to them."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from services.api_gateway.sessions.session_store import cookie_hash
from shared.database.pool import organization_transaction
from tests.integration.api_gateway.conftest import Api, World
from tests.integration.api_gateway.grid.asks import person
from tests.integration.api_gateway.grid.ground import Ground
from tests.integration.api_gateway.grid.tenants import BESIDE, FOREIGN, INNER, OWN, SHARED, Tenant

ORGANIZATION = frozenset({OWN, BESIDE, INNER, SHARED})

_PERSON = """INSERT INTO users (organization_id, email, name, role, global_role, customer_ids)
    VALUES ($1, $2, 'asker', $3, $4, $5) RETURNING id"""
_SESSION = """INSERT INTO user_sessions (organization_id, user_id, session_hash, address, user_agent, expires_at)
    VALUES ($1, $2, $3, '', '', $4)"""


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody with a token or a session, or without.

    `sees`: the words that may stand in what they are answered. `home`: whose things are their own, and which
    organization they act for. `late`: what they name has been deleted. `abroad`: they say which organization they act
    for, since it is not the one they are kept in.
    """

    name: str
    api: Api
    sees: frozenset[str]
    home: Tenant
    headers: Mapping[str, str] = field(default_factory=dict)
    late: bool = False
    abroad: bool = False


async def askers(world: World, api: Api, ground: Ground) -> list[Asker]:
    """All of them, by the names of the table's columns."""
    return [*await _by_token(world, api, ground), *await _by_session(world, api, ground)]


async def _by_token(world: World, api: Api, ground: Ground) -> list[Asker]:
    own, beside, foreign = ground.own, ground.beside, ground.foreign

    async def asker(
        name: str, role: str, sees: frozenset[str], home: Tenant, customer_id: int | None = None, *, late: bool = False
    ) -> Asker:
        token = await world.token(role, organization_id=home.organization_id, customer_id=customer_id)
        return Asker(name, api.by(token), sees, home, late=late)

    expired = await asker("ex", "admin", frozenset(), own)
    async with organization_transaction(world.gateway_pool, 1) as connection:
        await connection.execute("UPDATE tokens SET expires_at = now() WHERE name = 'a admin'")
    return [
        await asker("ad", "admin", ORGANIZATION, own),
        await asker("us", "user", ORGANIZATION, own),
        await asker("ro", "readonly", ORGANIZATION, own),
        await asker("su", "supporter", ORGANIZATION, own),
        await asker("wi", "user", frozenset({OWN, SHARED}), own, own.customer_id),
        await asker("be", "user", frozenset({BESIDE, SHARED}), beside, beside.customer_id),
        await asker("st", "admin", frozenset({FOREIGN}), foreign),
        await asker("go", "admin", ORGANIZATION, own, late=True),
        Asker("no", api.by(None), frozenset(), own),
        expired,
    ]


async def _by_session(world: World, api: Api, ground: Ground) -> list[Asker]:
    own, beside, foreign = ground.own, ground.beside, ground.foreign

    async def cookie(kept_in: Tenant, role: str, *, global_role: str | None = None, only: Tenant | None = None) -> str:
        token = secrets.token_urlsafe(32)
        async with organization_transaction(world.gateway_pool, kept_in.organization_id) as connection:
            limits: list[Any] | None = None if only is None else [only.customer_id]
            values = (kept_in.organization_id, person()["email"], role, global_role, limits)
            number = await connection.fetchval(_PERSON, *values)
            ends = datetime.now(UTC) + timedelta(hours=1)
            await connection.execute(_SESSION, kept_in.organization_id, number, cookie_hash(token), ends)
        return f"mailprobe={token}"

    def asker(name: str, cookie: str, sees: frozenset[str], home: Tenant, **more: Any) -> Asker:
        site = more.pop("site", "same-origin")
        return Asker(name, api.by(None), sees, home, {"Cookie": cookie, "Sec-Fetch-Site": site}, **more)

    return [
        asker("pa", await cookie(own, "admin"), ORGANIZATION, own),
        asker("pr", await cookie(own, "readonly", only=own), frozenset({OWN, SHARED}), own),
        asker("pl", await cookie(own, "user", only=beside), frozenset({BESIDE, SHARED}), beside),
        asker("ps", await cookie(foreign, "admin"), frozenset({FOREIGN}), foreign),
        asker("gs", await cookie(foreign, "supporter", global_role="supporter"), ORGANIZATION, own, abroad=True),
        asker("ga", await cookie(foreign, "admin", global_role="admin"), ORGANIZATION, own, abroad=True),
        asker("xs", await cookie(own, "admin"), ORGANIZATION, own, site="cross-site"),
    ]
