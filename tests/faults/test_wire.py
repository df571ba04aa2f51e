"""The wire between services and servers: sound, slow, cut, and silent for good."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from tests.support.faults.wire import Wire
from tests.support.waiting import until


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def asked(wire: Wire) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    try:
        writer.write(b"hello\n")
        async with asyncio.timeout(30):
            return await reader.readline()
    except OSError:
        return b""
    finally:
        writer.transport.abort()


async def test_it_passes_on_what_comes_slowly_where_it_is_told_to(echo: int) -> None:
    async with Wire(echo, delay_seconds=0.05).opened() as wire:
        assert await asked(wire) == b"hello\n"
        wire.slow()
        assert await asked(wire) == b"hello\n"


async def test_cut_it_lets_nobody_through_until_it_is_mended(echo: int) -> None:
    async with Wire(echo).opened() as wire:
        reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
        writer.write(b"hello\n")
        assert await reader.readline() == b"hello\n"
        await wire.cut()
        with contextlib.suppress(ConnectionError):  # or it ends in order: either way it ends
            assert await reader.readline() == b""
        assert await asked(wire) == b""
        wire.mend()
        assert await asked(wire) == b"hello\n"
        writer.transport.abort()


async def test_silent_it_says_nothing_more_on_connections_that_stand(echo: int) -> None:
    async with Wire(echo, keepalive_seconds=0.2).opened() as wire:
        reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
        writer.write(b"hello\n")
        assert await reader.readline() == b"hello\n"
        wire.hush()
        writer.write(b"hello?\n")
        wire.mend()
        assert await asked(wire) == b"hello\n", "a new connection is served"

        async def heard() -> bool:
            return bool(reader._buffer)  # type: ignore[attr-defined]  # what came and was not read yet

        with pytest.raises(AssertionError):
            await until("a word on the silent one", heard, timeout_seconds=1)
        assert not reader.at_eof()
        writer.transport.abort()
