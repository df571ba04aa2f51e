"""More requests than places: some wait, the others are told at once, and what needs no place is not kept from it."""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from services.api_gateway.admission import (
    LINE_PER_PLACE,
    RETRY_AFTER_SECONDS,
    Crowd,
    Crowded,
    Holding,
    Lanes,
    Places,
    admission,
)
from services.api_gateway.answering import answer
from services.api_gateway.operations import OPERATIONS
from services.api_gateway.problems import too_many
from tests.support.waiting import until

PLACES = 2
LINE = PLACES * LINE_PER_PLACE
LANES = Lanes(free=frozenset({("GET", "/livez")}), lasting=frozenset({("GET", "/lasting")}))

Client = TestClient[web.Request, web.Application]


class Desk:
    """Handlers that are under way until they are let go."""

    def __init__(self) -> None:
        self.under_way = 0
        self.go = asyncio.Event()

    async def work(self, _: web.Request) -> web.Response:
        self.under_way += 1
        await self.go.wait()
        self.under_way -= 1
        return web.json_response({})

    async def until(self, count: int) -> None:
        async def so_many() -> bool:
            return self.under_way == count

        await until(f"{count} under way", so_many)


async def at_once(_: web.Request) -> web.Response:
    return web.json_response({})


async def limited(_: web.Request) -> web.Response:
    raise too_many("too often", retry_after_seconds=9)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest_asyncio.fixture
async def client(desk: Desk) -> AsyncIterator[Client]:
    crowd = Crowd(LANES, places=PLACES, holding=Holding(0.0))
    app = web.Application(middlewares=[answer, admission(crowd)])
    app.router.add_get("/work", desk.work)
    app.router.add_get("/lasting", desk.work)
    app.router.add_get("/livez", at_once)
    app.router.add_get("/limited", limited)
    async with TestClient(TestServer(app)) as opened:
        yield opened


async def test_ten_times_too_many_are_answered_each_with_200_or_503(client: Client, desk: Desk) -> None:
    asked = [asyncio.create_task(client.get("/work")) for _ in range(10 * PLACES)]
    await desk.until(PLACES)

    async def all_but_who_has_a_place_or_waits() -> bool:
        return sum(task.done() for task in asked) >= 10 * PLACES - PLACES - LINE

    await until("the others are refused", all_but_who_has_a_place_or_waits)
    assert (await client.get("/livez")).status == HTTPStatus.OK
    lasting = asyncio.create_task(client.get("/lasting"))
    await desk.until(PLACES + 1)
    desk.go.set()
    answers = await asyncio.gather(*asked)
    statuses = [each.status for each in answers]
    assert set(statuses) == {HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE}
    assert statuses.count(HTTPStatus.OK) >= PLACES, "whoever had a place; of those in line, who waited not too long"
    refused = next(each for each in answers if each.status == HTTPStatus.SERVICE_UNAVAILABLE)
    assert refused.headers["Retry-After"] == str(RETRY_AFTER_SECONDS)
    assert refused.content_type == "application/problem+json"
    assert "ask again" in (await refused.json())["detail"]
    assert (await lasting).status == HTTPStatus.OK
    assert (await client.get("/work")).status == HTTPStatus.OK, "all places are free again"


async def test_a_limit_says_what_it_said_also_in_a_crowd(client: Client, desk: Desk) -> None:
    assert (await client.get("/limited")).status == HTTPStatus.TOO_MANY_REQUESTS
    working = asyncio.create_task(client.get("/work"))
    await desk.until(1)
    answered = await client.get("/limited")
    assert (answered.status, answered.headers["Retry-After"]) == (HTTPStatus.TOO_MANY_REQUESTS, "9")
    desk.go.set()
    await working


async def test_whoever_waits_has_the_next_place_in_turn() -> None:
    places = Places(1, line=2, line_seconds=60)
    order: list[int] = []
    first = asyncio.Event()

    async def take(number: int) -> None:
        async with places.place():
            order.append(number)
            await first.wait()

    tasks = [asyncio.create_task(take(number)) for number in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Crowded):
        async with places.place():
            raise AssertionError("there was no place")
    first.set()
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2]
    assert not places.full


async def test_waiting_has_an_end() -> None:
    places = Places(1, line=5, line_seconds=0.01)
    async with places.place():
        with pytest.raises(Crowded):
            async with places.place():
                raise AssertionError("there was no place")
    async with places.place():
        pass


async def test_whoever_asks_again_and_again_is_held_and_whoever_does_not_is_told_at_once() -> None:
    holding = Holding(600.0, at_once=2)
    stubborn, patient = object(), object()
    await holding.hold(stubborn)
    await holding.hold(stubborn)
    held = asyncio.create_task(holding.hold(stubborn))
    await asyncio.sleep(0)
    await holding.hold(patient)
    assert not held.done()
    held.cancel()
    await asyncio.gather(held, return_exceptions=True)


async def test_whoever_was_held_begins_anew() -> None:
    holding = Holding(0.0, at_once=1, most=1)
    connection = object()
    await holding.hold(connection)
    await holding.hold(connection)  # held, for no time
    keeping = Holding(600.0, at_once=1)
    await keeping.hold(connection)
    held = asyncio.create_task(keeping.hold(connection))
    await asyncio.sleep(0)
    await keeping.hold(connection)  # its first since
    assert not held.done()
    held.cancel()
    await asyncio.gather(held, return_exceptions=True)


async def test_no_more_are_held_than_there_is_room_for() -> None:
    holding = Holding(600.0, at_once=0, most=2)
    held = [asyncio.create_task(holding.hold(each)) for each in (object(), object())]
    await asyncio.sleep(0)
    await holding.hold(object())  # at once
    assert not any(task.done() for task in held)
    for task in held:
        task.cancel()
    await asyncio.gather(*held, return_exceptions=True)


def test_what_lasts_and_what_is_free_follows_from_the_operations() -> None:
    lanes = Lanes.of(OPERATIONS)
    assert {("GET", "/livez"), ("GET", "/readyz")} <= lanes.free
    assert any(path.endswith("/events") for _, path in lanes.free)
    assert ("POST", "/api/imap-pop-monitors/test") in lanes.lasting
    assert not lanes.free & lanes.lasting
    assert ("GET", "/api/imap-pop-monitors") not in lanes.free | lanes.lasting
