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
LINE_PER_PLACE = 8
LINE_SECONDS = 1.0
# What waits for a worker, a name server or another organization: a minute at most, and none of our own time.
LASTING_PLACES = 64
# Refusing costs little, but not nothing: whoever asks again over the same connection the moment they are refused is
# answered at once so many times, then held for a moment. So many are held at once at most.
HELD_SECONDS = 0.8
AT_ONCE = 2
MOST_HELD = 512
MOST_KNOWN = 10_000
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

    @property
    def crowded(self) -> bool:
        """Whether there is no place, and none to wait for one."""
        return self._free.locked() and self._waiting >= self._line

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
    """Keeps those who were refused from asking again for ever at once.

    Args:
        seconds: how long somebody is held. at_once: refusals of one connection in a row that are said at once.
    """

    def __init__(self, seconds: float = HELD_SECONDS, *, at_once: int = AT_ONCE, most: int = MOST_HELD) -> None:
        self._seconds = seconds
        self._at_once = at_once
        self._places = asyncio.Semaphore(most)
        self._refused: dict[int, tuple[int, float]] = {}  # how often, since when, by connection

    async def hold(self, connection: object) -> None:
        """Wait before this connection's refusal is said, where it is its turn and not too many wait already."""
        key, now = id(connection), time.monotonic()
        times, since = self._refused.get(key, (0, now))
        if now - since > RETRY_AFTER_SECONDS:  # it came again when it was told to, or is another one
            times, since = 0, now
        if times < self._at_once or self._places.locked():
            if len(self._refused) >= MOST_KNOWN:
                self._refused.clear()  # of those it costs a refusal more
            self._refused[key] = (times + 1, since)
            return
        self._refused.pop(key, None)
        async with self._places:
            await asyncio.sleep(self._seconds)


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


class Crowd:
    """The places of one gateway, and what becomes of those who find none."""

    def __init__(self, lanes: Lanes, *, places: int, holding: Holding | None = None) -> None:
        self.lanes = lanes
        self.ordinary = Places(places, line=places * LINE_PER_PLACE)
        self.lasting = Places(LASTING_PLACES, line=0)
        self.holding = holding or Holding()

    async def hold(self, request: web.BaseRequest) -> None:
        """Before a refusal is said that may have nothing to do with how many ask."""
        if self.ordinary.full:
            await self.holding.hold(request.protocol)


def crowded_out() -> Problem:
    """What whoever finds no place is told."""
    return unavailable(
        "Service Unavailable",
        detail="more is asked for at once than can be answered; ask again in a moment",
        retry_after_seconds=RETRY_AFTER_SECONDS,
    )


def admission(crowd: Crowd) -> Middleware:
    """The middleware, to stand right within the one that answers problems."""
    lanes = crowd.lanes

    @web.middleware
    async def admitted(request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        which = (request.method, resource.canonical if resource is not None else "")
        if which in lanes.free:
            return await handler(request)
        try:
            async with (crowd.lasting if which in lanes.lasting else crowd.ordinary).place():
                return await handler(request)
        except Crowded:
            metrics.REQUESTS_REFUSED.inc()
            await crowd.hold(request)
            raise crowded_out() from None
        except Problem as problem:
            if problem.status in _REFUSED:
                await crowd.hold(request)
            raise

    return admitted
