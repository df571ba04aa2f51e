"""What happens in one organization, told to everybody who listens to it: looked up once for all of them.

It looks when it hears that there is something to see, and from time to time all the same, so that a message that is
lost costs a moment. A look finds whatever committed since the one before, each row once, however long a transaction
took: it goes back to the oldest transaction that was still running then, and leaves out what it knows.
"""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Iterable
from uuid import UUID

import structlog

from services.api_gateway.events.event_store import (
    EventRow,
    ResultRow,
    events_between,
    events_since,
    position_now,
    results_since,
    these_results,
)
from services.api_gateway.events.listener import Listener
from services.api_gateway.events.position import Position
from services.api_gateway.events.telling import Told, told, told_result
from shared.database.errors import DatabaseError
from shared.database.pool import Connection, Pool, organization_transaction

LOOK_SECONDS = 5.0
SPACING_SECONDS = 0.1
MOST_AT_ONCE = 1000
# Events are kept for two days; a stream that was away for longer than one begins anew.
LONGEST_AWAY_MS = 24 * 3_600_000
# From when a result is given its time until its transaction is over.
RECORDING_MS = 30_000
_MOST_REMEMBERED = 20_000

_log = structlog.get_logger()


class Feed:
    """One organization's.

    Args:
        looking: bounds how many feeds look at once, lest they take every connection.
    """

    def __init__(self, pool: Pool, organization_id: int, looking: asyncio.Semaphore) -> None:
        self.listeners: set[Listener] = set()
        self.joining = 0  # listeners, and those about to be
        self._pool = pool
        self._organization_id = organization_id
        self._looking = looking
        self._lock = asyncio.Lock()
        self._position: Position | None = None
        self._beyond: dict[int, int] = {}  # what was told of transactions at or after the position: by id, which
        self._results_told: OrderedDict[tuple[UUID, int], None] = OrderedDict()
        self._results_at_ms = 0
        self._all_results_at = 0.0  # on the loop's clock
        self._checks: list[tuple[UUID, int]] = []
        self._wake = asyncio.Event()

    def watches(self, checks: Iterable[tuple[int, UUID, int]]) -> bool:
        """Whether anybody waits for one of these results."""
        watched = self._watched()
        return bool(watched) and any(number in watched for number, _, _ in checks)

    def wake(self, checks: Iterable[tuple[int, UUID, int]] = ()) -> None:
        """There is something to see; `checks`: new results, as (monitor_id, check_id, slot_at)."""
        watched = self._watched()
        self._checks += [(check_id, slot_at) for number, check_id, slot_at in checks if number in watched]
        del self._checks[:-MOST_AT_ONCE]
        self._wake.set()

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        blind = False
        while True:
            await self._heard()
            try:
                async with self._lock:
                    await self._look()
                blind = False
            except DatabaseError as error:
                if not blind:
                    _log.info("events_not_looked_at", organization_id=self._organization_id, reason=str(error))
                blind = True
                self._wake.set()  # as soon as it is back
                await asyncio.sleep(1.0)
            await asyncio.sleep(SPACING_SECONDS)

    async def join(self, listener: Listener, since: Position | None) -> None:
        """Tell this listener what happened since, and from now on what happens. Raises DatabaseError."""
        async with self._lock:
            await self._look()
            position = self._position
            assert position is not None  # noqa: S101 - a look sets it
            if since is None:
                listener.begin(position, lost=False)
            elif since.transaction > position.transaction or since.at_ms < position.at_ms - LONGEST_AWAY_MS:
                listener.begin(position, lost=True)
            else:
                missed = await self._missed(listener, since, position)
                listener.begin(position, lost=missed is None)
                listener.tell(missed or (), position)
            self.listeners.add(listener)

    async def _heard(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await self._wake.wait()
        self._wake.clear()

    async def _look(self) -> None:
        """Tell all listeners what is new."""
        # Every now and then also results that nobody spoke of.
        everything = asyncio.get_running_loop().time() >= self._all_results_at + LOOK_SECONDS
        async with self._looking, organization_transaction(self._pool, self._organization_id) as connection:
            if self._position is None:
                self._position = await position_now(connection)
                self._results_at_ms = self._position.at_ms
                self._all_results_at = asyncio.get_running_loop().time()
                return
            rows, by_now = await events_since(
                connection, self._organization_id, self._position, but=self._beyond, most=MOST_AT_ONCE
            )
            results = await self._new_results(connection, everything=everything)
        self._position = self._come_to(rows, by_now)
        if everything:
            self._results_at_ms = by_now.at_ms
            self._all_results_at = asyncio.get_running_loop().time()
        if len(rows) == MOST_AT_ONCE:
            self._wake.set()
        news = [*map(told, rows), *map(told_result, results)]
        for listener in tuple(self.listeners):
            listener.tell(news, self._position)
        if len(self._beyond) > _MOST_REMEMBERED:
            self._start_over()

    def _come_to(self, rows: list[EventRow], by_now: Position) -> Position:
        """Where the next look begins: not beyond what this one had no room for."""
        transaction = by_now.transaction
        if len(rows) == MOST_AT_ONCE:
            transaction = min(transaction, rows[-1].xid)
        known = {**self._beyond, **{row.id: row.xid for row in rows}}
        self._beyond = {number: xid for number, xid in known.items() if xid >= transaction}
        return Position(transaction, by_now.at_ms)

    def _start_over(self) -> None:
        """A transaction that runs for hours keeps all others in mind; there is an end to that."""
        _log.warning("events_begun_anew", organization_id=self._organization_id, remembered=len(self._beyond))
        for listener in tuple(self.listeners):
            listener.end("begun anew", reset=True)
        self._position = None
        self._beyond = {}

    async def _new_results(self, connection: Connection, *, everything: bool) -> list[ResultRow]:
        wanted, self._checks = self._checks, []
        watched = self._watched()
        rows: list[ResultRow] = []
        if everything and watched:
            rows = await results_since(
                connection,
                self._organization_id,
                watched,
                since_ms=self._results_at_ms - RECORDING_MS,
                most=MOST_AT_ONCE,
            )
        elif wanted:
            rows = await these_results(connection, self._organization_id, wanted)
        return [row for row in rows if self._is_first_time(row)]

    def _watched(self) -> set[int]:
        return {number for listener in self.listeners for number in listener.watched.values()}

    def _is_first_time(self, row: ResultRow) -> bool:
        key = (row.check.check_id, row.check.slot_at)
        if key in self._results_told:
            return False
        self._results_told[key] = None
        if len(self._results_told) > _MOST_REMEMBERED:
            self._results_told.popitem(last=False)
        return True

    async def _missed(self, listener: Listener, since: Position, until: Position) -> list[Told] | None:
        """What a listener that comes back has missed; None: more than can be told."""
        async with self._looking, organization_transaction(self._pool, self._organization_id) as connection:
            rows = await events_between(
                connection, self._organization_id, since, until, also=self._beyond, most=MOST_AT_ONCE
            )
            results: list[ResultRow] = []
            if listener.watched:
                results = await results_since(
                    connection,
                    self._organization_id,
                    listener.watched.values(),
                    since_ms=since.at_ms - RECORDING_MS,
                    most=MOST_AT_ONCE,
                )
        if len(rows) == MOST_AT_ONCE or len(results) == MOST_AT_ONCE:
            return None
        return [*map(told, rows), *map(told_result, results)]
