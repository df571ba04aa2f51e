"""Whether the event loop stood still, and asking again when it did.

Where a test's servers and what it tests share a loop, one that stood still lets deadlines and bytes come together:
an answer of such a moment says nothing about the product.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

T = TypeVar("T")

LAG_THAT_EXCUSES = 0.2
"""In seconds: what went wrong while the loop stood still for so long is asked again."""


class WatchedLoop:
    """How late the loop came back to a task at most, in seconds, since that was last set to 0."""

    def __init__(self) -> None:
        self.worst = 0.0

    @property
    def excuses(self) -> bool:
        return self.worst > LAG_THAT_EXCUSES

    async def watch(self) -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.01)
            self.worst = max(self.worst, time.monotonic() - began - 0.01)


@asynccontextmanager
async def watched_loop() -> AsyncIterator[WatchedLoop]:
    """The running loop, watched for as long as the block lasts."""
    watched = WatchedLoop()
    watching = asyncio.create_task(watched.watch())
    try:
        yield watched
    finally:
        watching.cancel()


async def asked_until_the_loop_kept_up(ask: Callable[[], Awaitable[T]], right: Callable[[T], bool]) -> T:
    """The first answer that is right, or that came while the loop never stood still."""
    async with watched_loop() as loop:
        while True:
            loop.worst = 0.0
            answer = await ask()
            if right(answer) or not loop.excuses:
                return answer
