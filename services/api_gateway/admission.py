"""How many requests are worked on at once: the others wait in a short line, and whoever finds it full is told to come
again, before a look at the database or a body is spent on them.

So an API that is asked for more than it can do goes on answering, and what it shares a machine, a database or (in
standalone) an event loop with goes on as before. What lasts because it waits for others has places of its own; probes
of orchestrators and streams of events need none, the latter being counted where they begin.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from services.api_gateway.operation import Operation
from services.api_gateway.problems import Problem, unavailable
from shared.runtime import metrics

# For each place so many may wait, and so long; then they are better told.
LINE_PER_PLACE = 2
LINE_SECONDS = 1.0
# What waits for a worker, a name server or another organization: a minute at most, and none of our own time.
LASTING_PLACES = 64
# Somebody who asks again the moment they are refused is held for a moment while there is a crowd: else refusing alone
# would keep us busy. The longer, the later the event loop wakes. So many at once at most.
HELD_SECONDS = 0.5
MOST_HELD_SECONDS = 2.0
HELD_PER_LATE_SECOND = 10.0
MOST_HELD = 512
RETRY_AFTER_SECONDS = 2

_REFUSED = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


class Crowded(Exception):
    """No place, and none to wait for one either."""


class Places:
    """So many at once, so many waiting, for so long.

    Args:
        line: how many may wait for a place.
    """

    def __init__(self, count: int, *, line: int, line_seconds: float = LINE_SECONDS) -> None:
        self._free = asyncio.Semaphore(count)
        self._line = line
        self._line_seconds = line_seconds
        self._waiting = 0

    @property
    def full(self) -> bool:
        return self._free.locked()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place, as long as it is entered. Raises Crowded."""
        if self._free.locked():
            await self._wait()
        else:
            await self._free.acquire()
        try:
            yield
        finally:
            self._free.release()

    async def _wait(self) -> None:
        if self._waiting >= self._line:
            raise Crowded
        self._waiting += 1
        try:
            async with asyncio.timeout(self._line_seconds):
                await self._free.acquire()
        except TimeoutError:
            raise Crowded from None
        finally:
            self._waiting -= 1


class Holding:
    """Keeps those who were refused from asking again at once.

    Args:
        at_least_seconds: how long, while the event loop wakes in time.
    """

    def __init__(self, at_least_seconds: float = HELD_SECONDS, *, most: int = MOST_HELD) -> None:
        self._at_least = at_least_seconds
        self._places = asyncio.Semaphore(most)
        self._late = 0.0

    @property
    def seconds(self) -> float:
        """How long the next one is held."""
        return min(MOST_HELD_SECONDS, self._at_least + HELD_PER_LATE_SECOND * self._late)

    async def hold(self) -> None:
        """Wait; whoever comes when there are too many already does not."""
        if self._places.locked():
            return
        async with self._places:
            due = time.monotonic() + self.seconds
            await asyncio.sleep(self.seconds)
            self._late = (self._late + max(0.0, time.monotonic() - due)) / 2


@dataclass(frozen=True, slots=True)
class Lanes:
    """Which requests need which places, by method and path of their operation."""

    free: frozenset[tuple[str, str]]
    lasting: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, operations: Iterable[Operation]) -> "Lanes":
        """Operations that nobody counts and streams are free; those that leave us for others last."""
        known = tuple(operations)
        return cls(
            free=frozenset(
                (each.method, each.path) for each in known if not each.counted or each.media_type == "text/event-stream"
            ),
            lasting=frozenset((each.method, each.path) for each in known if each.outside),
        )


def admission(lanes: Lanes, *, places: int, holding: Holding | None = None) -> Middleware:
    """The middleware, to stand right within the one that answers problems."""
    ordinary = Places(places, line=places * LINE_PER_PLACE)
    lasting = Places(LASTING_PLACES, line=0)
    held = holding or Holding()

    async def hold() -> None:
        if ordinary.full:
            await held.hold()

    @web.middleware
    async def admitted(request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        which = (request.method, resource.canonical if resource is not None else "")
        if which in lanes.free:
            return await handler(request)
        try:
            async with (lasting if which in lanes.lasting else ordinary).place():
                return await handler(request)
        except Crowded:
            metrics.REQUESTS_REFUSED.inc()
            await hold()
            raise unavailable(
                "Service Unavailable",
                detail="more is asked for at once than can be answered; ask again in a moment",
                retry_after_seconds=RETRY_AFTER_SECONDS,
            ) from None
        except Problem as problem:
            if problem.status in _REFUSED:
                await hold()
            raise

    return admitted
