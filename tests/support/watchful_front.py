"""A mail server's door with a memory, as fail2ban is one: an address that was refused too often is turned away.

Stands before a real server, passes bytes on, and reads the server's refusals from what it logs. By the clock of the
test: ten refusals within ten minutes, of one address, are a ban until the test's end.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

MOST_REFUSALS = 10
WITHIN_MS = 600_000


@dataclass
class WatchfulFront:
    """The door. `refused`: how many refusals the server has counted by now; `clock_ms`: the time it goes by."""

    backend_port: int
    refused: Callable[[], int]
    clock_ms: Callable[[], int]
    port: int = 0
    banned: bool = False
    turned_away: int = 0
    most_within: int = 0
    _seen: int = 0
    _refusals: deque[int] = field(default_factory=deque)

    def look(self) -> None:
        """Count what was refused since, as of now."""
        now, count = self.clock_ms(), self.refused()
        self._refusals.extend([now] * (count - self._seen))
        self._seen = count
        while self._refusals and self._refusals[0] <= now - WITHIN_MS:
            self._refusals.popleft()
        self.most_within = max(self.most_within, len(self._refusals))
        self.banned = self.banned or len(self._refusals) >= MOST_REFUSALS

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.look()
        if self.banned:
            self.turned_away += 1
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection("127.0.0.1", self.backend_port)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_copy(reader, back))
                both.create_task(_copy(there, writer))
        finally:
            for each in (writer, back):
                each.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await source.read(65_536):
            target.write(data)
            await target.drain()
    with contextlib.suppress(ConnectionError, OSError, RuntimeError):
        target.write_eof()


@contextlib.asynccontextmanager
async def watchful_front(
    backend_port: int, *, refused: Callable[[], int], clock_ms: Callable[[], int]
) -> AsyncIterator[WatchfulFront]:
    """The door, open for as long as the block lasts."""
    front = WatchfulFront(backend_port, refused, clock_ms)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(ConnectionError, OSError, asyncio.CancelledError):
            await front.pass_on(reader, writer)
        tasks.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    front.port = server.sockets[0].getsockname()[1]
    try:
        yield front
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
