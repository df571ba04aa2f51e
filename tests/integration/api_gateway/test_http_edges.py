"""What reaches no handler: requests that cannot be parsed, HEAD, expectations, clients that go away."""

import asyncio
import json
from typing import Any

import pytest

from services.api_gateway import http_server

MONITORS = "/api/imap-pop-monitors"
MARKER = "M4rker"


async def _raw(api: Any, request: bytes, *, wait: bool = True) -> tuple[bytes, bytes]:
    """Send bytes; the head and body of what comes until the server closes."""
    reader, writer = await asyncio.open_connection(api.client.host, api.client.port)
    try:
        writer.write(request)
        await writer.drain()
        if not wait:
            return b"", b""
        async with asyncio.timeout(60):
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        return head, body
    finally:
        writer.close()


def _head(api: Any, method: str, path: str, *lines: str) -> bytes:
    fixed = (f"{method} {path} HTTP/1.1", "Host: test", f"Authorization: Bearer {api.token}")
    return "\r\n".join((*fixed, *lines, "", "")).encode()


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01 M4rker\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer mp_M4rker\x01\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nAuthori zation: Bearer mp_M4rker\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nX: M4rker" + b"a" * 20_000 + b"\r\n\r\n",
        b"GET /M4rker" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /M4rker\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"M4rker /livez HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /livez HTTP/1.1\r\n\r\n",
        b"GET /livez HTTP/1.1\r\n" + b"X: M4rker\r\n" * 5_000 + b"\r\n",
        b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: -2\r\n\r\n{}",
        b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /livez HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nM4rker\r\n",
    ],
)
async def test_what_is_no_http_is_answered_as_a_problem_and_never_quoted(
    api: Any, request_bytes: bytes, capfd: Any, caplog: Any
) -> None:
    head, body = await _raw(api, request_bytes)
    assert head.startswith(b"HTTP/1.0 400") or head.startswith(b"HTTP/1.1 400")
    assert b"application/problem+json" in head
    assert json.loads(body)["statusCode"] == 400
    said = body.decode() + caplog.text + "".join(capfd.readouterr())
    assert MARKER not in said
    assert "Traceback" not in said


async def test_a_body_whose_length_is_wrong_does_not_put_its_password_into_the_log(
    api: Any, capfd: Any, caplog: Any
) -> None:
    body = json.dumps({"imapPopConfig": {"password": MARKER}}).encode()
    request = _head(api, "POST", MONITORS, "Content-Type: application/json", "Content-Length: 2")
    _, answers = await _raw(api, request + body)
    assert b"400" in answers
    assert MARKER not in answers.decode() + caplog.text + "".join(capfd.readouterr())


async def test_a_client_that_goes_away_in_the_middle_of_a_body_is_no_fault_of_ours(
    api: Any, capfd: Any, caplog: Any
) -> None:
    request = _head(api, "POST", MONITORS, "Content-Type: application/json", "Content-Length: 60000")
    await _raw(api, request + b"{", wait=False)
    said = ""
    async with asyncio.timeout(60):
        while "request_answered" not in said:
            await asyncio.sleep(0.02)
            said += "".join(capfd.readouterr())
    assert "request_failed" not in said + caplog.text


@pytest.mark.parametrize("path", [MONITORS, "/nowhere"])
async def test_an_expectation_nobody_knows_is_417_as_a_problem(api: Any, path: str) -> None:
    head, body = await _raw(api, _head(api, "POST", path, "Expect: 200-ok", "Connection: close"))
    assert head.startswith(b"HTTP/1.1 417")
    assert b"X-Request-Id" in head
    assert json.loads(body)["statusCode"] == 417


async def test_a_body_announced_as_too_large_is_not_waited_for(api: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("services.api_gateway.reading.BODY_DEADLINE_SECONDS", 0)
    reader, writer = await asyncio.open_connection(api.client.host, api.client.port)
    try:
        writer.write(_head(api, "POST", MONITORS, "Content-Type: application/json", "Content-Length: 1000000") + b"{}")
        async with asyncio.timeout(60):
            assert (await reader.readline()).startswith(b"HTTP/1.1 413")
    finally:
        writer.close()


async def test_a_client_may_wait_to_be_asked_for_its_body(api: Any) -> None:
    lines = ("Content-Type: application/json", "Content-Length: 2", "Expect: 100-continue", "Connection: close")
    head, rest = await _raw(api, _head(api, "POST", MONITORS, *lines) + b"{}")
    assert head == b"HTTP/1.1 100 Continue"
    assert rest.startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("path", [MONITORS, "/api/organization", "/livez", "/readyz", "/api/openapi.json"])
async def test_head_is_get_without_a_body(api: Any, path: str) -> None:
    got = await api.get(path)
    head, body = await _raw(api, _head(api, "HEAD", path, "Connection: close"))
    assert head.startswith(b"HTTP/1.1 200")
    assert f"Content-Length: {len(got.text.encode())}".encode() in head
    assert body == b""


async def test_versions_are_nobodys_business(api: Any) -> None:
    for request in (_head(api, "GET", "/livez", "Connection: close"), b"nonsense\r\n\r\n"):
        head, _ = await _raw(api, request)
        assert b"Server: mailprobe" in head
        assert b"aiohttp" not in head


async def test_headers_that_do_not_come_have_an_end(api: Any, monkeypatch: Any, world: Any) -> None:
    monkeypatch.setattr(http_server, "IDLE_SECONDS", 0.05)
    impatient = await world.another_gateway()
    head, body = await _raw(impatient, b"GET /livez HTTP/1.1\r\nHost: x\r\n")
    assert head + body == b""
