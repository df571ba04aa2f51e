"""Sockets for the scripts: each part of the cast on a port of its own, until the block ends."""

import asyncio
import itertools
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from services.standalone.practice.cast import Part
from services.standalone.practice.certificates import PracticeAuthority
from services.standalone.practice.scripts import Ask, Pause, Say, Script, imap_script, pop3_script
from shared.checks.vocabulary import MailProtocol, Security

_LOOPBACK = "127.0.0.1"
_LINE_BYTES = 8192
_VISIT_SECONDS = 60.0

# Tried first, so that a monitor of the last time finds its server again; any other free port does as well.
_FIRST_PORT = 14143


@asynccontextmanager
async def practice_servers(
    cast: Sequence[Part], authority: PracticeAuthority, *, host: str = _LOOPBACK
) -> AsyncIterator[Mapping[Part, int]]:
    """The ports they listen on."""
    async with AsyncExitStack() as opened:
        yield {
            part: await opened.enter_async_context(_server(part, authority, host=host, wanted_port=_FIRST_PORT + place))
            for place, part in enumerate(cast)
        }


@asynccontextmanager
async def _server(part: Part, authority: PracticeAuthority, *, host: str, wanted_port: int) -> AsyncIterator[int]:
    context = None if part.security is Security.NONE else authority.server_context(part.hostname, part.papers)
    script = imap_script if part.protocol is MailProtocol.IMAP else pop3_script
    visits = itertools.count()
    visitors: set[asyncio.Task[None]] = set()

    async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visitor = asyncio.current_task()
        assert visitor is not None  # noqa: S101 - asyncio runs this in one
        visitors.add(visitor)
        try:
            async with asyncio.timeout(_VISIT_SECONDS):
                play = script(part.manner, visit=next(visits), starts_tls=part.security is Security.STARTTLS)
                await _play(play, reader, writer, context)
        except (OSError, EOFError, ValueError, TimeoutError, asyncio.CancelledError):
            pass  # the visitor is gone or says nothing sensible, or we close
        finally:
            visitors.discard(visitor)
            writer.close()

    from_the_first_byte = context if part.security is Security.TLS else None

    async def listen(port: int) -> asyncio.Server:
        return await asyncio.start_server(welcome, host, port, ssl=from_the_first_byte, limit=_LINE_BYTES)

    try:
        server = await listen(wanted_port)
    except OSError:
        server = await listen(0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for visitor in visitors:
            visitor.cancel()
        await asyncio.gather(*visitors)


async def _play(
    script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: ssl.SSLContext | None
) -> None:
    line: bytes | None = None
    while True:
        try:
            step = next(script) if line is None else script.send(line)
        except StopIteration:
            return
        line = None
        match step:
            case Say(data):
                writer.write(data)
                await writer.drain()
            case Pause(seconds):
                await asyncio.sleep(seconds)
            case Ask.LINE:
                line = (await reader.readuntil(b"\r\n")).removesuffix(b"\r\n")
            case Ask.START_TLS:
                if context is None:
                    raise ValueError("a server without a certificate starts no TLS")
                await writer.start_tls(context)
            case Ask.CUT:
                writer.transport.abort()
                return
