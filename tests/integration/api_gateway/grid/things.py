"""Things for a cell of the grid to name: made through the API by admins of whoever they belong to, and taken away."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from shared.database.pool import organization_transaction
from tests.integration.api_gateway.conftest import MONITORS, Api, World
from tests.integration.api_gateway.grid import asks
from tests.integration.api_gateway.grid.planting import NOW_MS
from tests.integration.api_gateway.grid.tenants import Tenant
from tests.support.kept_history import KeptHistory

_PLACES: Mapping[str, str] = {
    "monitor": MONITORS,
    "channel": "/api/notification-channels",
    "default channel": "/api/notification-channels",
    "window": "/api/maintenance-windows",
    "tag": "/api/tags",
    "tagged": MONITORS,
    "status page": "/api/status-pages",
}
_USER = """INSERT INTO users (organization_id, email, name, role) VALUES ($1, $2, 'sent', 'user')
    RETURNING id, public_id"""
_TOKEN = """INSERT INTO tokens (organization_id, customer_id, name, role, token_hash, token_hint)
    VALUES ($1, $2, 'sent', 'user', $3, '') RETURNING id, public_id"""
# What nobody may take away over HTTP, or people alone.
_REMOVALS: Mapping[str, str] = {
    "seen status page": "DELETE FROM status_pages WHERE organization_id = $1 AND id = $2",
    "new customer": "DELETE FROM customers WHERE organization_id = $1 AND id = $2",
    "package": "DELETE FROM package_configs WHERE organization_id = $1 AND id = $2",
    "user": "DELETE FROM users WHERE organization_id = $1 AND id = $2",
    "organization token": "DELETE FROM tokens WHERE organization_id = $1 AND id = $2",
    "customer token": "DELETE FROM tokens WHERE organization_id = $1 AND id = $2",
    "session": "DELETE FROM user_sessions WHERE organization_id = $1 AND id = $2",
}


class Maker:
    """Makes things of one tenant, and what is left of their names when they are gone."""

    def __init__(self, world: World, tenant: Tenant, admin: Api) -> None:
        self._world = world
        self._tenant = tenant
        self._admin = admin

    async def made(self, kind: str) -> dict[str, Any]:
        """One that is there."""
        customer_id = self._tenant.customer_id
        match kind:
            case "customer":
                row = self._tenant.rows["customers"]
                return {"id": row["id"], "publicId": str(row["public_id"])}
            case "new customer":
                return await self._post("/api/customers", {"name": self._tenant.word}, "customer")
            case "monitor":
                body = asks.monitor(customer_id, name=self._tenant.word, hostname=f"{self._tenant.word}.example.com")
                return await self._post(MONITORS, body)
            case "channel":
                return await self._post(_PLACES[kind], asks.channel(name=self._tenant.word, customerId=customer_id))
            case "default channel":
                return await self._post(_PLACES[kind], asks.channel())
            case "window":
                return await self._post(_PLACES[kind], asks.window(name=self._tenant.word, customerId=customer_id))
            case "status page":
                return await self._post(_PLACES[kind], asks.status_page(customer_id, title=self._tenant.word))
            case "seen status page":
                # For anybody to see, hence without a word of anybody's.
                page = await self._post(_PLACES["status page"], asks.status_page(customer_id, components=[]))
                return {**page, "publicId": page["slug"]}
            case "tag":
                return await self._post(_PLACES[kind], {"name": asks.channel()["name"]})
            case "tagged":
                monitor, tag = await self.made("monitor"), await self.made("tag")
                named = {"monitorType": "imap_pop", "monitorId": monitor["id"], "tagId": tag["id"]}
                await self._post("/api/monitor-tags", named, status=200)
                return {**monitor, "tagId": tag["publicId"]}
            case "incident":
                history = KeptHistory(self._world.pipeline)
                incident = await history.incident(await self.made("monitor"), NOW_MS, opened_at=NOW_MS)
                return {"id": incident["id"], "publicId": str(incident["public_id"])}
            case "package":
                name = asks.channel()["name"]
                answer = await self._admin.call("PATCH", f"/api/package-configs/{name}", body={})
                return {**answer.body, "publicId": name}
            case "user":
                return await self._stored(_USER, asks.person()["email"])
            case "organization token":
                return await self._stored(_TOKEN, None, uuid4().bytes)
            case "customer token":
                return await self._stored(_TOKEN, customer_id, uuid4().bytes)
            case "session":
                row = self._tenant.rows["user_sessions"]
                return {"id": row["id"], "publicId": str(row["public_id"])}
            case "planted package":
                row = self._tenant.rows["package_configs"]
                return {"id": row["id"], "publicId": row["package_type"]}
        raise AssertionError(f"nobody knows how to make a {kind}")

    async def gone(self, kind: str) -> dict[str, Any]:
        """One that was there."""
        kind = "new customer" if kind == "customer" else kind
        thing = await self.made(kind)
        if kind == "incident":
            await self._world.as_pipeline("DELETE FROM incidents WHERE id = $1", thing["id"])
        elif kind in _REMOVALS:
            async with organization_transaction(self._world.gateway_pool, self._tenant.organization_id) as connection:
                await connection.execute(_REMOVALS[kind], self._tenant.organization_id, thing["id"])
        else:
            answer = await self._admin.call("DELETE", f"{_PLACES[kind]}/{thing['publicId']}")
            assert answer.status == 200, answer.text
        return thing

    async def _stored(self, statement: str, *values: Any) -> dict[str, Any]:
        organization_id = self._tenant.organization_id
        async with organization_transaction(self._world.gateway_pool, organization_id) as connection:
            row = await connection.fetchrow(statement, organization_id, *values)
        return {"id": row["id"], "publicId": str(row["public_id"])}

    async def _post(self, path: str, body: Any, part: str | None = None, *, status: int = 201) -> dict[str, Any]:
        answer = await self._admin.call("POST", path, body=body)
        assert answer.status == status, (path, answer.text)
        made: dict[str, Any] = answer.body if part is None else answer.body[part]
        return made
