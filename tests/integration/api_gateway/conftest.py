"""A gateway on a real Postgres and the in-process broker, and a client that holds every answer against OpenAPI."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from jsonschema import Draft202012Validator, FormatChecker

from services.api_gateway.app import create_app
from services.api_gateway.http_server import make_runner
from services.api_gateway.openapi import openapi_document
from services.api_gateway.token_store import issue_token
from shared.broker.in_process import InProcessBroker
from shared.checks.target import password_binding, target_from_monitor
from shared.database.pool import GATEWAY_ROLE, PIPELINE_ROLE, Pool, connect, open_pool
from shared.runtime.settings import GatewaySettings
from shared.sealing import PrivateKeyRing, PublicKeyRing, generate_key_rings
from tests.support.browsers import cheap_passwords

__all__ = ["cheap_passwords"]  # a fixture, for pytest to find here

MONITORS = "/api/imap-pop-monitors"
DOCUMENTED_CUSTOMER = "11111111-1111-4111-8111-111111111111"

_DOCUMENT = openapi_document()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)

    @property
    def pointers(self) -> list[str]:
        return [error["pointer"] for error in self.body["errors"]]


def _operation(method: str, path: str) -> dict[str, Any] | None:
    """The operation of the document this request is for; a literal path goes before a template."""
    for template in sorted(_DOCUMENT["paths"], key=lambda known: "{" in known):
        if re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path):
            found: dict[str, Any] | None = _DOCUMENT["paths"][template].get(method.lower())
            return found
    return None


def check_against_openapi(method: str, path: str, answer: Answer) -> None:
    operation = _operation(method, path.partition("?")[0])
    if answer.status in (204, 304):
        assert operation is not None
        assert "content" not in operation["responses"][str(answer.status)]
        assert answer.text == ""
        return
    media_type = answer.headers["Content-Type"].partition(";")[0]
    if operation is None:
        schema = {"$ref": "#/components/schemas/ProblemBody"}
        assert media_type == "application/problem+json"
    else:
        assert str(answer.status) in operation["responses"], (
            f"{method} {path} is not documented to answer {answer.status}"
        )
        documented = operation["responses"][str(answer.status)]
        assert list(documented["content"]) == [media_type]
        schema = documented["content"][media_type]["schema"]
        for name in documented["headers"]:
            assert name in answer.headers or not _DOCUMENT["components"]["headers"][name].get("required"), (
                f"{method} {path} → {answer.status} lacks {name}"
            )
        if not media_type.endswith("json"):
            return
    Draft202012Validator({**schema, "components": _DOCUMENT["components"]}, format_checker=FormatChecker()).validate(
        answer.body
    )


@dataclass
class Api:
    """The client of a test, as the holder of one token unless told otherwise."""

    client: TestClient[Any, Any]
    token: str | None
    answers: list[Answer] = field(default_factory=list)

    def by(self, token: str | None) -> "Api":
        return Api(self.client, token, self.answers)

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        sent = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        data = raw
        if body is not None:
            data = json.dumps(body).encode()
        if data is not None:
            sent["Content-Type"] = "application/json"
        response = await self.client.request(method, path, data=data, headers={**sent, **(headers or {})})
        async with response:
            answer = Answer(response.status, response.headers, await response.text())
        check_against_openapi(method, path, answer)
        self.answers.append(answer)
        return answer

    async def get(self, path: str) -> Answer:
        return await self.call("GET", path)

    async def post(self, path: str, body: Any = None) -> Answer:
        return await self.call("POST", path, body=body)

    async def patch(self, monitor: Mapping[str, Any], body: Any) -> Answer:
        return await self.call("PATCH", f"{MONITORS}/{monitor['publicId']}", body=body)

    async def created(self, **changes: Any) -> dict[str, Any]:
        answer = await self.post(MONITORS, monitor_body(**changes))
        assert answer.status == 201, answer.text
        made: dict[str, Any] = answer.body
        return made

    async def shown(self, monitor: Mapping[str, Any]) -> dict[str, Any]:
        answer = await self.get(f"{MONITORS}/{monitor['publicId']}")
        assert answer.status == 200, answer.text
        shown: dict[str, Any] = answer.body
        return shown


def monitor_body(**changes: Any) -> dict[str, Any]:
    """The documented body, with some fields otherwise; ... leaves one out."""
    body = {
        "customerId": DOCUMENTED_CUSTOMER,
        "name": "Mailbox Access",
        "hostname": "mail.example.com",
        "port": 993,
        "status": "active",
        "checkInterval": 30,
        "timeoutSeconds": 30,
        "imapPopConfig": {"protocol": "imap", "user": "monitor@example.com", "password": "password", "tls": True},
        **changes,
    }
    return {key: value for key, value in body.items() if value is not ...}


@dataclass
class World:
    """A running gateway and what stands behind it."""

    api: Api
    dsn: str
    gateway_pool: Pool
    pipeline: Pool
    broker: InProcessBroker
    private_keys: PrivateKeyRing
    opened: contextlib.AsyncExitStack

    async def token(self, role: str = "admin", *, organization_id: int = 1, customer_id: int | None = None) -> str:
        return await issue_token(self.gateway_pool, organization_id, f"a {role}", role, customer_id)

    async def client(self, role: str, *, organization_id: int = 1, customer_id: int | None = None) -> Api:
        return self.api.by(await self.token(role, organization_id=organization_id, customer_id=customer_id))

    async def as_owner(self, statement: str, *values: Any) -> list[Any]:
        connection = await connect(self.dsn, role=None, application_name="test")
        try:
            return list(await connection.fetch(statement, *values))
        finally:
            await connection.close()

    async def as_pipeline(self, statement: str, *values: Any) -> None:
        async with self.pipeline.acquire() as connection:
            await connection.execute(statement, *values)

    async def another_organization(self) -> int:
        # Row-level security is forced on the owner too, and nobody makes organizations over HTTP.
        await self.as_owner("ALTER TABLE organizations NO FORCE ROW LEVEL SECURITY")
        rows = await self.as_owner("INSERT INTO organizations (name) VALUES ('Others') RETURNING id")
        await self.as_owner("ALTER TABLE organizations FORCE ROW LEVEL SECURITY")
        return int(rows[0]["id"])

    async def customer(self, name: str = "Another", *, organization_id: int = 1) -> dict[str, Any]:
        api = await self.client("admin", organization_id=organization_id)
        answer = await api.post("/api/customers", {"name": name})
        assert answer.status == 201, answer.text
        made: dict[str, Any] = answer.body["customer"]
        return made

    async def location(self, code: str, *, country: str | None = None, protocol: str = "imap", age_ms: int = 0) -> int:
        async with self.pipeline.acquire() as connection:
            number: int = await connection.fetchval(
                """INSERT INTO locations (code, name, country_code, last_seen_at)
                   VALUES ($1, upper($1), $2, clock_ms() - $3::bigint)
                   ON CONFLICT (code) DO UPDATE SET code = excluded.code RETURNING id""",
                code,
                country,
                age_ms,
            )
            await connection.execute(
                "INSERT INTO location_workers VALUES ($1, $2, 'w@h:1', 10, 0, clock_ms() - $3::bigint)",
                number,
                protocol,
                age_ms,
            )
        return number

    async def result(
        self, monitor: Mapping[str, Any], location_id: int, *, slot_at: int, passed: bool = True, detail: Any = None
    ) -> UUID:
        check_id = uuid4()
        async with self.pipeline.acquire() as connection:
            await connection.execute(
                """INSERT INTO results (check_id, slot_at, organization_id, monitor_id, location_id, kind, revision,
                       outcome, phase, passed, withheld, start_at, started_at, total_ms, message, warning, detail)
                   VALUES ($1, $2, 1, $3, $4, 'scheduled', 1, $5, 'auth', $6, false, $2, $2, 42.25, $7, $8, $9)""",
                check_id,
                slot_at,
                monitor["id"],
                location_id,
                "ok" if passed else "auth_rejected",
                passed,
                "All is well." if passed else "The server refused the password.",
                "The certificate expires in 3 days." if passed else None,
                detail or {"outcomeClass": "ok" if passed else "auth_rejected"},
            )
        return check_id

    async def requests(self, kind: str | None = None) -> list[Any]:
        async with self.pipeline.acquire() as connection:
            return list(
                await connection.fetch(
                    "SELECT * FROM check_requests WHERE $1::text IS NULL OR kind = $1 ORDER BY location_id", kind
                )
            )

    async def revision(self, monitor: Mapping[str, Any]) -> int:
        async with self.pipeline.acquire() as connection:
            found: int = await connection.fetchval("SELECT revision FROM monitors WHERE id = $1", monitor["id"])
            return found

    async def opened_password(self, monitor: Mapping[str, Any]) -> bytes:
        """The stored password of a monitor, as a worker would open it from the stored row."""
        async with self.pipeline.acquire() as connection:
            row = await connection.fetchrow("SELECT * FROM monitors WHERE id = $1", monitor["id"])
        target = target_from_monitor(
            hostname=row["hostname"],
            port=row["port"],
            timeout_seconds=row["timeout_seconds"],
            config=row["config"],
            sealed_password=row["sealed_password"],
        )
        context = password_binding(row["organization_id"], row["public_id"], target).context()
        return self.private_keys.open(row["sealed_password"], context)

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        """Wait for what others do in their own time."""
        async with asyncio.timeout(60):
            while not await condition():  # noqa: ASYNC110 - nobody tells us
                await asyncio.sleep(0.02)

    async def another_gateway(self, **settings: Any) -> Api:
        """A gateway beside the first one, with settings of its own."""
        return await _client(self.opened, self.gateway_pool, self.broker, self.private_keys.public(), settings)


class _Server(TestServer):
    """A test's server that speaks HTTP as ours does."""

    async def _make_runner(self, **_others: Any) -> web.AppRunner:
        return make_runner(self.app)


async def _client(
    opened: contextlib.AsyncExitStack,
    pool: Pool,
    broker: InProcessBroker,
    keys: PublicKeyRing,
    settings: dict[str, Any],
) -> Api:
    made = GatewaySettings.model_construct(**{"allowed_private_networks": (), "trusted_proxies": (), **settings})
    app = create_app(
        pool=pool,
        broker=broker,
        public_keys=keys,
        channel_keys=keys,
        settings=made,
        instance=f"api_gateway@test:{uuid4().hex[:8]}",
    )
    server = _Server(app)
    await server.start_server()
    client = await opened.enter_async_context(TestClient(server))
    return Api(client, await issue_token(pool, 1, "test", "admin"))


@pytest_asyncio.fixture
async def world(database_dsn: str) -> AsyncIterator[World]:
    public, private = generate_key_rings()
    async with contextlib.AsyncExitStack() as opened:
        gateway_pool = await opened.enter_async_context(
            open_pool(database_dsn, role=GATEWAY_ROLE, application_name="gateway", max_size=5)
        )
        pipeline = await opened.enter_async_context(
            open_pool(database_dsn, role=PIPELINE_ROLE, application_name="pipeline", max_size=3)
        )
        broker = InProcessBroker()
        await broker.open()
        opened.push_async_callback(broker.close)
        api = await _client(opened, gateway_pool, broker, public, {})
        yield World(api, database_dsn, gateway_pool, pipeline, broker, private, opened)


@pytest_asyncio.fixture
async def api(world: World) -> Api:
    return world.api
