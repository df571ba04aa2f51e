"""Who asks in the grid, and whose words may come up in an answer to them."""

from dataclasses import dataclass

from tests.integration.api_gateway.conftest import Api, World
from tests.integration.api_gateway.grid.ground import Ground
from tests.integration.api_gateway.grid.tenants import BESIDE, FOREIGN, INNER, OWN, SHARED, Tenant

_ORGANIZATION = frozenset({OWN, BESIDE, INNER, SHARED})


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody with a token, or without.

    `sees`: the words that may stand in what they are answered. `home`: whose things are their own. `late`: what they
    name has been deleted.
    """

    name: str
    api: Api
    sees: frozenset[str]
    home: Tenant
    late: bool = False


async def askers(world: World, api: Api, ground: Ground) -> list[Asker]:
    """All of them, each with a token of their own."""
    own, beside, foreign = ground.own, ground.beside, ground.foreign

    async def asker(
        name: str, role: str, sees: frozenset[str], home: Tenant, customer_id: int | None = None, *, late: bool = False
    ) -> Asker:
        token = await world.token(role, organization_id=home.organization_id, customer_id=customer_id)
        return Asker(name, api.by(token), sees, home, late)

    expired = await asker("expired", "admin", frozenset(), own)
    async with world.gateway_pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('mailprobe.organization', '1', true)")
        await connection.execute("UPDATE tokens SET expires_at = now() WHERE name = 'a admin'")
    return [
        await asker("admin", "admin", _ORGANIZATION, own),
        await asker("user", "user", _ORGANIZATION, own),
        await asker("readonly", "readonly", _ORGANIZATION, own),
        await asker("supporter", "supporter", _ORGANIZATION, own),
        await asker("within", "user", frozenset({OWN, SHARED}), own, own.customer_id),
        await asker("beside", "user", frozenset({BESIDE, SHARED}), beside, beside.customer_id),
        await asker("stranger", "admin", frozenset({FOREIGN}), foreign),
        await asker("gone", "admin", _ORGANIZATION, own, late=True),
        Asker("nobody", api.by(None), frozenset(), own),
        expired,
    ]
