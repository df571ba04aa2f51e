"""What a request says that finds nobody, or somebody who does not answer as one should."""

import asyncio

import pytest

from services.notifier.persistence import NotSent
from services.notifier.senders.http import OutboundHttp
from shared.probing.address_policy import LOOPBACK_NETWORKS, AddressPolicy
from tests.support.servers.process import free_ports


async def test_a_receiver_that_is_not_there_is_said_to_be_so_in_plain_words() -> None:
    (port,) = free_ports(1)
    async with OutboundHttp(AddressPolicy.create(LOOPBACK_NETWORKS)) as http:
        outcome = await http.request("POST", f"http://127.0.0.1:{port}/", headers={})
    assert isinstance(outcome, NotSent)
    assert outcome.reason == f"no connection to 127.0.0.1:{port}: Connection refused"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "it hung up without an answer"),
        (b"220 mail.test ESMTP, hunter2\r\n", "what it answered is not HTTP: Bad status line"),
        (b"HTTP/1.1 500 No\r\nX: " + b"hunter2 " * 9000, "what it answered is not HTTP: Got more than"),
        (b"HTTP/1.1 200 OK\r\nX: hunter2\0\r\n\r\n", "what it answered is not HTTP: Invalid HTTP header"),
        (
            b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\nhunter2",
            "what it answered is not HTTP: Invalid character",
        ),
    ],
)
async def test_an_answer_that_is_none_is_said_to_be_so_and_not_quoted(answer: bytes, reason: str) -> None:
    asked: list[bytes] = []

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(receive, "127.0.0.1", 0)
    async with server, OutboundHttp(AddressPolicy.create(LOOPBACK_NETWORKS)) as http:
        port = server.sockets[0].getsockname()[1]
        outcome = await http.request("POST", f"http://127.0.0.1:{port}/", headers={}, secrets=["hunter2"])
    assert isinstance(outcome, NotSent)
    assert outcome.reason.startswith(reason)
    assert "hunter2" not in outcome.reason
    # What comes compressed would be quoted as it came.
    assert b"\r\nAccept-Encoding: identity\r\n" in asked[0]
