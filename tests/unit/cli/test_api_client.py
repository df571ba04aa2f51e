"""What the command makes of answers that are not the wanted ones."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from cli.api_client import ApiClient, Refused


@pytest_asyncio.fixture
async def busy() -> AsyncIterator[tuple[URL, list[str]]]:
    """Asked too often twice, then it answers."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.method)
        if len(asked) < 3:
            return web.json_response({"message": "too many"}, status=429, headers={"Retry-After": "0"})
        return web.Response(status=204) if request.method == "DELETE" else web.json_response([])

    application = web.Application()
    application.router.add_route("*", "/api/tags", answer)
    async with TestServer(application) as server:
        yield server.make_url("/"), asked


async def test_the_patient_wait_as_long_as_they_are_told(
    busy: tuple[URL, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    url, asked = busy
    async with aiohttp.ClientSession() as session:
        assert await ApiClient(session, url, patient=True).tags() == []
        assert asked == ["GET"] * 3
        assert capsys.readouterr().err.count("asked too often; going on in 0 s") == 2
        assert await ApiClient(session, url).request("DELETE", "/api/tags") is None


async def test_others_are_told_at_once(busy: tuple[URL, list[str]]) -> None:
    url, asked = busy
    async with aiohttp.ClientSession() as session:
        with pytest.raises(Refused) as refused:
            await ApiClient(session, url).tags()
    assert (refused.value.status, refused.value.retry_after_seconds, asked) == (429, 0, ["GET"])
