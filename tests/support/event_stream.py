"""A reader of server-sent events, as the HTML standard has them: what a browser would make of a stream."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any, Self

from aiohttp import ClientResponse


@dataclass(frozen=True)
class ReadEvent:
    """An event as a page gets it."""

    name: str
    data: Any
    last_event_id: str


class EventReader:
    """One open stream."""

    def __init__(self, response: ClientResponse) -> None:
        self.response = response
        self.last_event_id = ""
        self.retry_ms: int | None = None
        self.comments: list[str] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.response.close()

    async def next(self, *, timeout_seconds: float = 60.0) -> ReadEvent:
        """The next event; waits for it."""
        async with asyncio.timeout(timeout_seconds):
            while True:
                event = await self._block()
                if event is None:
                    raise EOFError("the stream has ended")
                if event.data is not None:
                    return event

    async def named(self, name: str, *, timeout_seconds: float = 60.0) -> ReadEvent:
        """The next event of this name; others are passed over."""
        async with asyncio.timeout(timeout_seconds):
            while (event := await self.next(timeout_seconds=timeout_seconds)).name != name:
                pass
            return event

    async def until_position(self, *, timeout_seconds: float = 60.0) -> str:
        """Read up to the next sign of how far the stream has come."""
        before = self.last_event_id
        async with asyncio.timeout(timeout_seconds):
            while self.last_event_id == before:
                assert await self._block() is not None, "the stream has ended"
        return self.last_event_id

    async def until_comment(self, *, timeout_seconds: float = 60.0) -> None:
        """Read up to the next comment, as a quiet stream sends them."""
        before = len(self.comments)
        async with asyncio.timeout(timeout_seconds):
            while len(self.comments) == before:
                assert await self._block() is not None, "the stream has ended"

    async def until_end(self, *, timeout_seconds: float = 60.0) -> list[ReadEvent]:
        """Whatever still comes."""
        rest = []
        async with asyncio.timeout(timeout_seconds):
            while (event := await self._block()) is not None:
                if event.data is not None:
                    rest.append(event)
        return rest

    async def _block(self) -> ReadEvent | None:
        name, data = "message", ""
        while line := (await self.response.content.readline()).decode():
            match line.rstrip("\n").partition(":"):
                case ("", "", ""):
                    return ReadEvent(name, json.loads(data) if data else None, self.last_event_id)
                case ("", ":", comment):
                    self.comments.append(comment.strip())
                case ("event", ":", value):
                    name = value.strip()
                case ("data", ":", value):
                    data += value
                case ("id", ":", value):
                    self.last_event_id = value.strip()
                case ("retry", ":", value):
                    self.retry_ms = int(value)
        return None
