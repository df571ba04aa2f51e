"""A wire between a client and a server that can be cut, slowed or left hanging: a TCP proxy on loopback.

Provides `Wire`, to stand before Postgres, RabbitMQ or a receiver. What those who use it make of that is for tests.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from enum import StrEnum


class Condition(StrEnum):
    """How the wire is."""

    SOUND = "sound"
    SLOW = "slow"  # every piece of data is held up for `delay_seconds`
    SILENT = "silent"  # connections stand, and nothing passes: no data, no reset
    CUT = "cut"  # whoever connects is turned away at once


class Wire:
    """Passes bytes on to `target_port`; one connection once silenced stays so, as behind a router that forgot it.

    `keepalive_seconds`: after so long a silence the server's end is reset. Its own keepalives would find that out, but
    here it is the wire that answers them.
    """

    def __init__(self, target_port: int, *, delay_seconds: float = 0.2, keepalive_seconds: float | None = None) -> None:
        self.keepalive_seconds = keepalive_seconds
        self.target_port = target_port
        self.delay_seconds = delay_seconds
        self.port = 0
        self.condition = Condition.SOUND
        self._tasks: set[asyncio.Task[None]] = set()
        self._hushed: set[asyncio.Task[None]] = set()
        self._never = asyncio.Event()

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator["Wire"]:
        """Listening, for as long as the block lasts."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            await self._end(set(self._tasks))

    def slow(self) -> None:
        self.condition = Condition.SLOW

    def hush(self) -> None:
        """From now on nothing passes, on connections that stand or are made; they find out by themselves."""
        self.condition = Condition.SILENT
        self._hushed |= self._tasks

    async def cut(self) -> None:
        """Reset what stands, and let nobody in."""
        self.condition = Condition.CUT
        await self._end(set(self._tasks))

    def mend(self) -> None:
        """New connections are served again; silenced ones stay silent, the others go on."""
        self.condition = Condition.SOUND

    async def _end(self, tasks: set[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        back: asyncio.StreamWriter | None = None
        try:
            if self.condition is Condition.CUT:
                return
            if self.condition is Condition.SILENT:
                self._hushed.add(task)
                await self._never.wait()
            there, back = await asyncio.open_connection("127.0.0.1", self.target_port)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._forget(back, of=task))
                both.create_task(self._pass_on(reader, back, of=task))
                both.create_task(self._pass_on(there, writer, of=task))
        except (OSError, asyncio.CancelledError, ExceptionGroup):
            pass  # either side went away, or the wire did
        finally:
            self._tasks.discard(task)
            self._hushed.discard(task)
            for each in (writer, back):
                if each is not None:
                    each.transport.abort()

    async def _forget(self, back: asyncio.StreamWriter, *, of: asyncio.Task[None]) -> None:
        """Let the server find out, as by its keepalives, that nobody is there."""
        if self.keepalive_seconds is None:
            return
        while of not in self._hushed:  # noqa: ASYNC110 - looked at now and then, for as long as the connection stands
            await asyncio.sleep(0.5)
        await asyncio.sleep(self.keepalive_seconds)
        back.transport.abort()

    async def _pass_on(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, of: asyncio.Task[None]
    ) -> None:
        while data := await source.read(65_536):
            if of in self._hushed:
                await self._never.wait()
            if self.condition is Condition.SLOW:
                await asyncio.sleep(self.delay_seconds)
            target.write(data)
            await target.drain()
        if of in self._hushed:
            await self._never.wait()  # not even that it hung up is heard
        raise ConnectionResetError("one side hung up")  # ends the other direction too
