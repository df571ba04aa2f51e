"""What the gateway says of itself, and while something behind it is missing."""

import contextlib
import io
import logging
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import structlog
from aiohttp.test_utils import TestClient, TestServer
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from services.api_gateway.app import create_app
from services.api_gateway.operations import OPERATIONS
from shared.broker.in_process import InProcessBroker
from shared.database.pool import GATEWAY_ROLE, open_pool
from shared.runtime import logs
from shared.runtime.settings import GatewaySettings
from tests.support.plain_logs import log_plainly

MONITORS = "/api/imap-pop-monitors"


async def test_alive_and_ready_need_no_token(api: Any) -> None:
    anybody = api.by(None)
    assert (await anybody.get("/livez")).body == {"status": "alive"}
    assert (await anybody.get("/readyz")).body == {"status": "ready", "checks": {"database": "ok", "broker": "ok"}}


async def test_the_openapi_document_is_valid_and_knows_every_route(api: Any) -> None:
    answer = await api.by(None).get("/api/openapi.json")
    document = answer.body
    assert document["openapi"].startswith("3.1")
    validate(document, cls=OpenAPIV31SpecValidator)
    described = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    served = {
        (route.method, route.resource.canonical)
        for route in api.client.server.app.router.routes()
        if route.resource is not None
        and route.method != "HEAD"  # which every GET has
        and route.resource.canonical.startswith(("/api/", "/livez", "/readyz", "/status/"))  # the others are pages
    }
    assert described == served == {(operation.method, operation.path) for operation in OPERATIONS}


async def test_a_request_the_document_allows_is_what_is_read_from_it(api: Any) -> None:
    document = (await api.by(None).get("/api/openapi.json")).body
    create = document["components"]["schemas"]["MonitorCreate"]
    assert set(create["required"]) == {"customerId", "name", "hostname"}
    assert {"config", "imapPopConfig", "allowedCheckCountryCodes", "port"} <= set(create["properties"])
    assert all(
        "default" not in field for field in document["components"]["schemas"]["MonitorPatch"]["properties"].values()
    )


@contextlib.asynccontextmanager
async def gateway_on(dsn: str, broker: InProcessBroker, world: Any) -> Any:
    async with open_pool(dsn, role=GATEWAY_ROLE, application_name="cut off", max_size=2) as pool:
        app = create_app(
            pool=pool,
            broker=broker,
            public_keys=world.private_keys.public(),
            channel_keys=world.private_keys.public(),
            settings=GatewaySettings.model_construct(),
            instance=f"api_gateway@test:{uuid4().hex[:8]}",
        )
        async with TestClient(TestServer(app)) as client:
            yield type(world.api)(client, world.api.token)


async def test_without_the_database_it_is_503_with_retry_after_and_alive_all_the_same(
    world: Any, databases: Any
) -> None:
    async with databases.fresh() as dsn, gateway_on(dsn, world.broker, world) as cut_off:
        name = dsn.rpartition("/")[2]
        assert (await cut_off.get("/readyz")).status == 200
        await world.as_owner(f"DROP DATABASE {name} WITH (FORCE)")
        for method, path in (("GET", MONITORS), ("POST", MONITORS), ("GET", "/api/organization")):
            answer = await cut_off.call(method, path)
            assert answer.status == 503, answer.text
            assert int(answer.headers["Retry-After"]) > 0
        ready = await cut_off.get("/readyz")
        assert (ready.status, ready.body["status"]) == (503, "not ready")
        assert ready.body["checks"]["database"].startswith("the database does not answer")
        assert (await cut_off.get("/livez")).status == 200
        await world.as_owner(f"CREATE DATABASE {name}")  # for the fixture to drop
        assert "mailprobe migrate" in (await cut_off.get("/readyz")).body["checks"]["database"]


async def test_without_the_broker_monitors_are_kept_and_tests_are_503(world: Any) -> None:
    async with gateway_on(world.dsn, InProcessBroker(), world) as cut_off:
        assert (await cut_off.created())["id"]
        await world.location("fra")
        answer = await cut_off.post(f"{MONITORS}/test", {"customerId": 10, "name": "n", "hostname": "h.example"})
        assert (answer.status, answer.body["detail"]) == (503, "the message broker does not answer")
        ready = await cut_off.get("/readyz")
        assert (ready.status, ready.body["checks"]["broker"]) == (503, "the message broker does not answer")


async def test_tests_work_as_soon_as_the_broker_is_there(world: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("services.api_gateway.replies._RETRY_SECONDS", 0.01)
    broker = InProcessBroker()
    async with gateway_on(world.dsn, broker, world) as late:
        await broker.open()
        body = {"customerId": 10, "name": "n", "hostname": "h.example"}

        async def ready() -> bool:
            return (await late.get("/readyz")).status == 200

        async def past_the_broker() -> bool:
            return "broker" not in (await late.post(f"{MONITORS}/test", body)).body["detail"]

        await world.until(ready)
        await world.until(past_the_broker)
        answer = late.answers[-1]
        assert answer.body["message"] == "No active monitoring locations available"
    await broker.close()


async def test_our_own_fault_is_500_in_the_same_shape_and_says_nothing_of_its_cause(
    world: Any, monkeypatch: Any
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("a secret thing")

    monkeypatch.setattr("services.api_gateway.monitors.handlers.list_monitors", broken)
    with structlog.testing.capture_logs() as logged:
        answer = await world.api.get(MONITORS)
    assert (answer.status, answer.body["message"]) == (500, "Internal Server Error")
    assert "secret" not in answer.text
    assert [line["event"] for line in logged] == ["request_failed", "request_answered"]


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """The log as the process itself writes it, at its most talkative."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    logs.configure("api_gateway", format="json", level="debug", stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    log_plainly()


async def test_no_password_and_no_token_reaches_the_log(world: Any, written: io.StringIO, monkeypatch: Any) -> None:
    marker = "M4rkerPassword"
    config = {"user": "u", "password": marker, "tls": True}
    made = await world.api.created(imapPopConfig=config)
    await world.api.patch(made, {"imapPopConfig": {**config, "user": "v"}, "name": 5})
    await world.api.post(MONITORS, {"imapPopConfig": {**config, "password": [marker]}})

    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("services.api_gateway.monitors.handlers.insert_monitor", broken)
    body = {"customerId": 10, "name": "n", "hostname": "h.example", "imapPopConfig": config}
    assert (await world.api.post(MONITORS, body)).status == 500
    log = written.getvalue()
    assert '"event": "request_answered"' in log
    assert "RuntimeError" in log
    assert marker not in log
    assert world.api.token not in log
