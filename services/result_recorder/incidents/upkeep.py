"""What time alone brings about for incidents, and nobody's message: every few seconds, until stopped."""

import asyncio
from collections.abc import Iterable, Sequence

import structlog

from services.result_recorder import monitor_store
from services.result_recorder.event_store import organizations_told
from services.result_recorder.incidents import incident_store, state_store
from services.result_recorder.incidents.incident_book import end_deleted, keep_passing_time
from services.result_recorder.incidents.keeping import IncidentNews
from shared.broker.heralding import Herald
from shared.database.errors import DatabaseError
from shared.database.pool import Pool, transaction
from shared.runtime import metrics
from shared.runtime.lifecycle import stopped_within

LOOK_SECONDS = 5.0
MOST_AT_ONCE = 500

_log = structlog.get_logger()


async def look_after_incidents(pool: Pool, herald: Herald | None = None) -> list[IncidentNews]:
    """One look: ends the incidents of monitors that went, settles what no longer flaps, asks anew what vanished."""
    news: list[IncidentNews] = []
    while True:
        told: Sequence[int] = ()
        async with transaction(pool) as connection:
            now_ms = await monitor_store.clock_ms(connection)
            left = await incident_store.left_over(connection, most=MOST_AT_ONCE)
            due = await state_store.due(connection, now_ms=now_ms, most=MOST_AT_ONCE)
            disabled = await state_store.disabled(connection, most=MOST_AT_ONCE)
            ids = sorted({*left, *due, *disabled})
            if ids:
                await monitor_store.lock_without_row(connection, [each for each in ids if left.get(each)])
                await monitor_store.lock_rows(connection, ids)
                monitors = await monitor_store.read_monitors(connection, ids)
                news += await keep_passing_time(connection, monitors, now_ms=now_ms)
                news += await end_deleted(connection, sorted(set(ids) - set(monitors)), now_ms=now_ms)
                told = await organizations_told(connection)
        if herald is not None:
            herald.tell(told)
        if max(len(left), len(due), len(disabled)) < MOST_AT_ONCE:
            return news


async def keep_looking_after_incidents(pool: Pool, stop: asyncio.Event, herald: Herald) -> None:
    """Again and again, until stopped; says what happened, and how many incidents are open."""
    while not await stopped_within(stop, LOOK_SECONDS):
        try:
            say_incidents(await look_after_incidents(pool, herald))
            async with transaction(pool) as connection:
                metrics.INCIDENTS_OPEN.set(await incident_store.count_open(connection))
        except DatabaseError as error:
            _log.warning("incidents_not_looked_after", reason=str(error))


def say_incidents(news: Iterable[IncidentNews]) -> None:
    """One line for each incident that was opened or resolved."""
    for each in news:
        _log.info(each.event, monitor_id=each.monitor_id, incident_id=each.incident_id, cause=each.cause)
