"""`make run`'s process: everything in one, with what it prints, keeps and refuses."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.fleet import REPOSITORY, Api, says_ready
from tests.support.servers.process import LeashedProcess, free_ports
from tests.support.waiting import until


@asynccontextmanager
async def running(data: Path, port: int, log: Path) -> AsyncIterator[LeashedProcess]:
    process = LeashedProcess(
        [sys.executable, "-m", "services.standalone"],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(data.parent),
            "PYTHONPATH": str(REPOSITORY),
            "MAILPROBE_DATA": str(data),
            "MAILPROBE_PORT": str(port),
        },
        cwd=REPOSITORY,
        log_path=log,
    )

    try:
        await process.until_ready("standalone", partial(says_ready, port))
        yield process
    finally:
        await process.stop()


def documented_body() -> dict[str, Any]:
    """The body of the curl in README.md, as it stands there."""
    found = re.search(r"-d '(\{.*?\})'\n```", (REPOSITORY / "README.md").read_text(), re.DOTALL)
    assert found is not None
    body: dict[str, Any] = json.loads(found[1])
    return body


async def first_person_signs_up(port: int, token: str) -> None:
    """As the page of the printed link does it, and once more as somebody who found the link."""
    address = f"http://127.0.0.1:{port}"
    person = {"token": token, "email": "owner@example.com", "name": "Owner", "password": "correct horse battery"}
    headers = {"Origin": address}
    jar = aiohttp.CookieJar(unsafe=True)  # of an address, not of a name
    async with aiohttp.ClientSession(address, headers=headers, cookie_jar=jar) as browser:
        async with browser.post("/api/set-up", json=person) as answer:
            assert answer.status == 201, await answer.text()
        async with browser.post("/api/organization/tokens", json={"name": "by hand"}) as answer:
            assert answer.status == 201, await answer.text()
    async with aiohttp.ClientSession(address, headers=headers) as stranger:
        async with stranger.post("/api/set-up", json={**person, "email": "other@example.com"}) as answer:
            assert answer.status == 404
        async with stranger.get("/api/session") as answer:
            assert (await answer.json())["setUpNeeded"] is False


async def test_the_documented_curl_works_as_it_stands_and_the_data_survives(tmp_path: Path) -> None:
    data, log = tmp_path / "data", tmp_path / "log"
    (port,) = free_ports(1)
    async with running(data, port, log):
        token = (data / "first-token").read_text().strip()
        said = log.read_text()
        assert f"running at http://127.0.0.1:{port}" in said
        assert token in said
        assert f'curl -X POST "http://127.0.0.1:{port}/api/imap-pop-monitors"' in said
        assert (data / "first-token").stat().st_mode & 0o777 == 0o600
        link = re.search(rf"http://127\.0\.0\.1:{port}/set-up#(\S+)", said)
        assert link is not None
        await first_person_signs_up(port, link[1])
        async with Api(f"http://127.0.0.1:{port}", token) as api:
            status, monitor = await api.call("POST", "/api/imap-pop-monitors", documented_body())
            assert status == 201
            assert (monitor["customerId"], monitor["imapPopConfig"]["password"]) == (10, "password")
            history = await until("a first check", lambda: api.history(monitor["publicId"]))
            assert history[0]["status"] == "failure"  # nobody answers as mail.example.com
    again = tmp_path / "log-of-the-second-start"
    async with running(data, port, again), Api(f"http://127.0.0.1:{port}", token) as api:
        assert token in again.read_text()
        assert "/set-up#" not in again.read_text()
        status, found = await api.call("GET", f"/api/imap-pop-monitors/{monitor['publicId']}")
        assert (status, found["name"]) == (200, "Mailbox Access")
        assert found["imapPopConfig"]["password"] == "********"
        assert history[0]["id"] in {check["id"] for check in await api.history(monitor["publicId"])}


async def test_a_port_in_use_is_said_in_one_sentence(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.standalone",
            env={**os.environ, "MAILPROBE_DATA": str(tmp_path / "data"), "MAILPROBE_PORT": str(port)},
            cwd=REPOSITORY,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, said = await process.communicate()
    assert process.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in said.decode()
    assert f"PORT={port + 1}" in said.decode()
    assert "process_failed" not in said.decode()
    assert not (tmp_path / "data").exists()
