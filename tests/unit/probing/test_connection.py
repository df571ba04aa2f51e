"""How a connection ends: with what the server said, whoever noticed the end first."""

import asyncio
import errno
import socket
import struct
import time
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
import uvloop

from shared.checks.vocabulary import OutcomeKind, Security
from shared.probing.connecting import connect
from shared.probing.connection import Connection, Ending
from shared.probing.limits import Limits
from shared.probing.steps import LINE, CheckFailed, Dialogue, Send
from shared.probing.timeline import Timeline
from shared.probing.tls_session import TlsPlan
from shared.probing.transcript import Transcript

SECONDS = 30
LOOPS = pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])


def playing(dialogue: Dialogue) -> Connection:
    return Connection(
        dialogue,
        TlsPlan(Security.NONE),
        limits=Limits(),
        timeline=Timeline(),
        transcript=Transcript(),
        deadline_at=time.monotonic() + SECONDS,
    )


@LOOPS
def test_what_the_server_said_is_heard_although_a_write_failed_first(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def dialogue() -> Dialogue:
            # Nothing is read meanwhile: the loop stands still until the words have come and the reset with them.
            server, _ = listener.accept()
            server.sendall(b"-ERR [LOGIN-DELAY] too many of you\r\n")
            server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            server.close()
            heard.append((yield Send(b"CAPA\r\n")))
            yield LINE

        async def play() -> Ending:
            connection = playing(dialogue())
            port = listener.getsockname()[1]
            await connect(connection, ["127.0.0.1"], port, limits=Limits(), deadline_at=time.monotonic() + SECONDS)
            return await connection.ended

        with asyncio.Runner(loop_factory=new_loop) as runner:
            ending = runner.run(play())
    assert heard == [b"-ERR [LOGIN-DELAY] too many of you"]
    assert ending.failure is not None
    assert ending.failure.kind is OutcomeKind.CONNECTION_LOST


async def test_an_address_that_cut_the_connection_speaks_for_one_that_refused_it() -> None:
    async def create_connection(_: Callable[[], Any], address: str, __: int) -> None:
        cut = address == "127.0.0.1"
        raise OSError(errno.ECONNRESET if cut else errno.ECONNREFUSED, "")

    with mock.patch.object(asyncio.get_running_loop(), "create_connection", create_connection):
        for addresses in (["127.0.0.1", "::1"], ["::1", "127.0.0.1"]):
            with pytest.raises(CheckFailed) as failed:
                await connect(
                    playing(_nothing()), addresses, 143, limits=Limits(), deadline_at=time.monotonic() + SECONDS
                )
            assert failed.value.kind is OutcomeKind.CONNECTION_LOST


def _nothing() -> Dialogue:
    yield LINE
