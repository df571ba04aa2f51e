"""The browser's side as it is served: pages, what they load, and what is said where they were not built."""

import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from services.api_gateway.answering import answer
from services.api_gateway.pages.serving import add_pages
from services.api_gateway.pages.site import Site

SCRIPT = "text(1)\n" * 200
PERSON = {"Accept": "text/html,*/*;q=0.8"}

Asking = Callable[..., Awaitable[Any]]


def built(folder: Path) -> Path:
    """What a build leaves behind, in small."""
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>mailprobe</title>")
    (folder / "pages.json").write_text(json.dumps(["/", "/add", "/monitors/:id", "/monitors/:id/edit"]))
    (folder / "assets" / "index-a1.js").write_text(SCRIPT)
    (folder / "assets" / "index-a1.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    (folder / "assets" / "index-a1.js.br").write_bytes(b"brotli")
    (folder / "assets" / "icon-b2.svg").write_text("<svg/>")
    return folder


@pytest_asyncio.fixture
async def ask(tmp_path: Path) -> AsyncIterator[Asking]:
    async with _serving(Site.load(built(tmp_path / "built"))) as client:
        yield client.request


@pytest_asyncio.fixture
async def ask_unbuilt(tmp_path: Path) -> AsyncIterator[Asking]:
    async with _serving(Site.load(tmp_path)) as client:
        yield client.request


def _serving(site: Site | None) -> TestClient[Any, Any]:
    app = web.Application(middlewares=[answer])

    async def api(_: web.Request) -> web.Response:
        return web.json_response({})

    app.router.add_get("/api/monitors", api)
    add_pages(app, site)
    return TestClient(TestServer(app), auto_decompress=False)


@pytest.mark.parametrize("path", ["/", "/add", "/add/", "/monitors/7", "/monitors/7/edit", "/monitors/7?range=week"])
async def test_every_page_begins_with_the_one_document(ask: Asking, path: str) -> None:
    response = await ask("GET", path)
    assert response.status == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<title>mailprobe" in await response.text()


async def test_the_document_allows_nothing_but_our_own_files(ask: Asking) -> None:
    headers = (await ask("GET", "/")).headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self' data:",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-cache"


async def test_what_is_no_page_is_not_found_and_a_person_reads_so_on_a_page(ask: Asking) -> None:
    for path in ("/nowhere", "/monitors", "/monitors/7/else", "/apis"):
        response = await ask("GET", path, headers=PERSON)
        assert (response.status, response.content_type) == (404, "text/html"), path
        response = await ask("GET", path, headers={"Accept": "application/json"})
        assert (response.status, response.content_type) == (404, "application/problem+json"), path


@pytest.mark.parametrize("path", ["/api/nowhere", "/api", "/api/", "/livez/x", "/readyz", "/assets/", "/assets"])
async def test_addresses_of_the_api_never_are_pages(ask: Asking, path: str) -> None:
    response = await ask("GET", path, headers=PERSON)
    assert (response.status, response.content_type) == (404, "application/problem+json")


async def test_the_api_keeps_its_own_words_for_a_wrong_method(ask: Asking) -> None:
    response = await ask("POST", "/api/monitors")
    assert (response.status, response.headers["Allow"]) == (405, "GET,HEAD")


async def test_a_page_is_for_reading(ask: Asking) -> None:
    response = await ask("POST", "/add")
    assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD")
    assert (await ask("POST", "/nowhere")).status == 404


async def test_head_tells_the_length_and_sends_nothing(ask: Asking) -> None:
    for path in ("/", "/assets/index-a1.js"):
        whole, head = await ask("GET", path), await ask("HEAD", path)
        assert (head.status, await head.read()) == (200, b"")
        assert head.headers["Content-Length"] == str(len(await whole.read()))


async def test_what_pages_load_is_kept_for_good(ask: Asking) -> None:
    response = await ask("GET", "/assets/index-a1.js")
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert (await ask("GET", "/assets/icon-b2.svg")).content_type == "image/svg+xml"


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("*", "br"),
        ("gzip;q=nonsense", None),
        ("identity", None),
        ("", None),
    ],
)
async def test_each_file_comes_in_the_best_coding_that_is_accepted(
    ask: Asking, accepted: str, coding: str | None
) -> None:
    response = await ask("GET", "/assets/index-a1.js", headers={"Accept-Encoding": accepted})
    assert response.headers.get("Content-Encoding") == coding
    assert response.headers["Vary"] == "Accept-Encoding"
    sent = await response.read()
    if coding == "br":
        assert sent == b"brotli"  # as the build left it
    else:
        assert (gzip.decompress(sent) if coding else sent) == SCRIPT.encode()


async def test_what_is_known_is_not_sent_again(ask: Asking) -> None:
    first = await ask("GET", "/", headers={"Accept-Encoding": "identity"})
    again = await ask("GET", "/", headers={"Accept-Encoding": "identity", "If-None-Match": first.headers["ETag"]})
    assert (again.status, await again.read()) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    other = await ask("GET", "/", headers={"If-None-Match": '"something else"'})
    assert other.status == 200


async def test_each_coding_has_a_tag_of_its_own(ask: Asking) -> None:
    tags = {
        (await ask("GET", "/assets/index-a1.js", headers={"Accept-Encoding": coding})).headers["ETag"]
        for coding in ("identity", "gzip", "br")
    }
    assert len(tags) == 3


@pytest.mark.parametrize("name", ["..%2Findex.html", "index-a1.js.gz", "index-a1.js.br", "other.js"])
async def test_nothing_but_what_was_built_can_be_loaded(ask: Asking, name: str) -> None:
    assert (await ask("GET", f"/assets/{name}")).status == 404


async def test_where_nothing_was_built_it_says_how_it_can_be(ask_unbuilt: Asking) -> None:
    response = await ask_unbuilt("GET", "/")
    assert (response.status, response.content_type) == (503, "text/plain")
    assert "make web" in await response.text()
    assert (await ask_unbuilt("GET", "/monitors/7", headers=PERSON)).status == 503
    assert (await ask_unbuilt("GET", "/monitors/7")).status == 404
    assert (await ask_unbuilt("GET", "/api/nowhere", headers=PERSON)).status == 404
    assert (await ask_unbuilt("GET", "/api/monitors")).status == 200


def test_a_build_that_did_not_come_to_its_end_is_none(tmp_path: Path) -> None:
    folder = built(tmp_path / "built")
    (folder / "pages.json").unlink()
    assert Site.load(folder) is None
