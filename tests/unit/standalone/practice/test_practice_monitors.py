"""The demo's monitors are made once, follow their servers, and wait for somebody to check them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from services.standalone.practice.cast import CAST, WRONG_PASSWORD, Part
from services.standalone.practice.monitors import MonitorRefused, see_to_monitors

PORTS = {part: 20_000 + place for place, part in enumerate(CAST)}


class ScriptedGateway:
    """As much of the API as the demo uses; keeps what it was sent."""

    def __init__(self) -> None:
        self.monitors: dict[str, dict[str, Any]] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.without_workers = 0
        self.refuses = False
        self.address = ""

    async def show(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer mp_first"
        return web.json_response({"items": list(self.monitors.values()), "total": len(self.monitors)})

    async def create(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.calls.append(("create", body))
        if self.refuses:
            return web.json_response({"message": "Customer not found"}, status=404)
        monitor = {"publicId": f"id-{len(self.monitors)}", "hostname": body["hostname"], "port": body["port"]}
        self.monitors[monitor["publicId"]] = monitor
        return web.json_response(monitor, status=201)

    async def change(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.calls.append(("change", {"publicId": request.match_info["id"], **body}))
        self.monitors[request.match_info["id"]]["port"] = body["port"]
        return web.json_response({})

    async def trigger(self, request: web.Request) -> web.Response:
        self.calls.append(("trigger", {"publicId": request.match_info["id"]}))
        self.without_workers -= 1
        return web.json_response({}, status=503 if self.without_workers >= 0 else 200)

    def of(self, name: str) -> list[dict[str, Any]]:
        return [body for called, body in self.calls if called == name]


@pytest.fixture
async def gateway() -> AsyncIterator[ScriptedGateway]:
    scripted = ScriptedGateway()
    app = web.Application()
    path = "/api/imap-pop-monitors"
    app.router.add_get(path, scripted.show)
    app.router.add_post(path, scripted.create)
    app.router.add_patch(path + "/{id}", scripted.change)
    app.router.add_post(path + "/{id}/trigger-check", scripted.trigger)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    scripted.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield scripted
    await runner.cleanup()


def port_of(part: Part) -> int:
    return PORTS[part]


async def test_each_part_gets_a_monitor_that_is_checked_every_half_minute(gateway: ScriptedGateway) -> None:
    await see_to_monitors(gateway.address, "mp_first", PORTS)
    made = gateway.of("create")
    assert [(body["name"], body["port"]) for body in made] == [(part.name, port_of(part)) for part in CAST]
    assert {body["checkInterval"] for body in made} == {0.5}
    refused = next(body for body in made if body["hostname"] == "refused.localhost")
    assert refused["imapPopConfig"]["password"] == WRONG_PASSWORD


async def test_a_second_start_makes_and_changes_nothing(gateway: ScriptedGateway) -> None:
    await see_to_monitors(gateway.address, "mp_first", PORTS)
    gateway.calls.clear()
    await see_to_monitors(gateway.address, "mp_first", PORTS)
    assert not gateway.of("create")
    assert not gateway.of("change")


async def test_a_server_on_another_port_is_found_again_with_its_password_sent_anew(gateway: ScriptedGateway) -> None:
    await see_to_monitors(gateway.address, "mp_first", PORTS)
    moved = CAST[3]
    await see_to_monitors(gateway.address, "mp_first", {**PORTS, moved: 30_000})
    (change,) = gateway.of("change")
    assert (change["publicId"], change["port"]) == ("id-3", 30_000)
    assert change["imapPopConfig"]["password"] == moved.password
    assert len(gateway.monitors) == len(CAST)


async def test_the_next_is_made_only_once_a_worker_can_check_the_first(gateway: ScriptedGateway) -> None:
    gateway.without_workers = 3
    await see_to_monitors(gateway.address, "mp_first", PORTS)
    assert [name for name, _ in gateway.calls][:6] == ["create", *["trigger"] * 4, "create"]


async def test_a_refused_monitor_is_told_in_the_gateways_words(gateway: ScriptedGateway) -> None:
    gateway.refuses = True
    with pytest.raises(MonitorRefused, match="Customer not found"):
        await see_to_monitors(gateway.address, "mp_first", PORTS)
