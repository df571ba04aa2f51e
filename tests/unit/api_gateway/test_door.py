"""Who is refused at the door, with which answer, and who is let by."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from services.api_gateway import door
from services.api_gateway.admission import LINE_PER_PLACE, RETRY_AFTER_SECONDS, Crowd, Holding, Lanes, admission
from services.api_gateway.answering import answer
from services.api_gateway.authentication import Authenticator, used_up
from services.api_gateway.door import DOOR, Door
from services.api_gateway.http_server import make_runner
from services.api_gateway.problems import CONTENT_TYPE
from tests.support.waiting import until

PLACES = 1
LANES = Lanes(free=frozenset({("GET", "/livez")}), lasting=frozenset())
WAIT_SECONDS = 7

Client = TestClient[web.Request, web.Application]


@dataclass
class Counted:
    """What the authenticator knows of whoever asks, as the test says."""

    used_up: bool = False
    asked: int = 0

    def used_up_for(self, _: web.Request) -> int | None:
        self.asked += 1
        return WAIT_SECONDS if self.used_up else None

    def remaining(self, _: web.Request) -> int:
        return 41


class Served(TestServer):
    """Served as the gateway is, the door before everything."""

    async def _make_runner(self, **_others: Any) -> web.AppRunner:
        return make_runner(self.app)


class Desk:
    def __init__(self) -> None:
        self.under_way = 0
        self.go = asyncio.Event()

    async def work(self, _: web.Request) -> web.Response:
        self.under_way += 1
        await self.go.wait()
        return web.json_response({})


async def in_the_layers_within(_: web.Request) -> web.Response:
    raise used_up("token", WAIT_SECONDS)


async def alive(_: web.Request) -> web.Response:
    return web.json_response({})


@pytest.fixture
def counted() -> Counted:
    return Counted()


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest_asyncio.fixture
async def client(counted: Counted, desk: Desk) -> AsyncIterator[Client]:
    crowd = Crowd(LANES, places=PLACES, holding=Holding(0.0))
    app = web.Application(middlewares=[answer, admission(crowd)])
    app[DOOR] = Door(crowd, cast("Authenticator", counted))
    app.router.add_get("/livez", alive)
    app.router.add_get("/api/work", desk.work)
    app.router.add_get("/api/within", in_the_layers_within)
    async with TestClient(Served(app)) as opened:
        yield opened


async def test_a_token_that_was_used_up_is_told_what_the_layers_within_would_say(
    client: Client, counted: Counted
) -> None:
    named = {"X-Request-Id": "mine"}
    within = await client.get("/api/within", headers=named)
    counted.used_up = True
    at_the_door = await client.get("/api/work?page=1", headers=named)
    assert at_the_door.status == within.status == HTTPStatus.TOO_MANY_REQUESTS
    assert await at_the_door.json(content_type=CONTENT_TYPE) == await within.json(content_type=CONTENT_TYPE)
    varying = {"Date", "X-RateLimit-Remaining"}
    assert {k: v for k, v in at_the_door.headers.items() if k not in varying} == {
        k: v for k, v in within.headers.items() if k not in varying
    }
    assert at_the_door.headers["Retry-After"] == str(WAIT_SECONDS)
    assert at_the_door.headers["X-RateLimit-Remaining"] == "0"
    unnamed = [(await client.get("/api/work")).headers["X-Request-Id"] for _ in range(2)]
    assert unnamed[0] != unnamed[1]


async def test_whoever_finds_no_place_to_wait_is_told_at_once_and_health_is_answered(
    client: Client, desk: Desk, counted: Counted
) -> None:
    asked = [asyncio.create_task(client.get("/api/work")) for _ in range(10 * (PLACES + PLACES * LINE_PER_PLACE))]

    async def the_others_are_refused() -> bool:
        return sum(task.done() for task in asked) >= len(asked) - PLACES - PLACES * LINE_PER_PLACE

    await until("the others are refused", the_others_are_refused)
    looked = counted.asked
    assert (await client.get("/livez")).status == HTTPStatus.OK
    assert counted.asked == looked
    desk.go.set()
    answers = await asyncio.gather(*asked)
    refused = [each for each in answers if each.status == HTTPStatus.SERVICE_UNAVAILABLE]
    at_the_door = [each for each in refused if each.headers.get("X-RateLimit-Remaining") == "41"]
    assert len(at_the_door) >= len(asked) - PLACES - PLACES * LINE_PER_PLACE
    assert all(each.headers["Retry-After"] == str(RETRY_AFTER_SECONDS) for each in refused)
    assert {each.status for each in answers} == {HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE}
    assert (await client.get("/api/work")).status == HTTPStatus.OK


async def test_many_refusals_are_one_line(client: Client, counted: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "SAID_EVERY_SECONDS", 0.3)
    counted.used_up = True
    with capture_logs() as lines:
        for _ in range(20):
            assert (await client.get("/api/work")).status == HTTPStatus.TOO_MANY_REQUESTS

        async def said() -> bool:
            return sum(line.get("too_often", 0) for line in lines) == 20

        await until("they are said", said)
    assert {line["event"] for line in lines} == {"requests_refused"}
