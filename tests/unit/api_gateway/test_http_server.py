"""How the gateway's HTTP server ends: a request that was heard is answered, and nobody is cut off in the middle."""

import asyncio

import aiohttp
import pytest
from aiohttp import web

from services.api_gateway import http_server
from services.api_gateway.http_server import make_runner


async def hello(_: web.Request) -> web.Response:
    return web.Response(text="hello")


async def serve() -> tuple[web.AppRunner, str]:
    app = web.Application()
    app.router.add_route("*", "/", hello)
    runner = make_runner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner, site.name


async def test_a_connection_in_use_at_the_end_is_told_so_by_its_next_answer() -> None:
    runner, address = await serve()
    async with aiohttp.ClientSession() as session:
        async with session.get(address) as before:
            assert before.status == 200
            assert "Connection" not in before.headers
        ending = asyncio.create_task(runner.cleanup())
        while runner.sites:  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0)
        # On the connection kept alive, since no other is accepted; a POST is never sent again by the client itself.
        async with session.post(address) as answer:
            assert (answer.status, answer.headers["Connection"]) == (200, "close")
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.post(address)
        await ending


async def test_an_idle_connection_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "LINGER_SECONDS", 0.05)
    runner, address = await serve()
    async with aiohttp.ClientSession() as session:
        async with session.get(address):
            pass
        async with asyncio.timeout(60):
            await runner.cleanup()
