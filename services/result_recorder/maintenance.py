"""Maintenance windows as time goes on: when they are open is worked out anew for the weeks ahead."""

from collections.abc import Iterator

import structlog

from services.result_recorder.maintenance_store import (
    Opening,
    PlannedWindow,
    keep_openings,
    lock_windows,
    planned_windows,
)
from services.result_recorder.monitor_store import clock_ms
from shared.checks.maintenance import KEPT_AHEAD_MS, occurrences, window_from_pattern
from shared.database.pool import Pool, transaction

WINDOWS_AT_ONCE = 100

_log = structlog.get_logger()


async def plan_ahead(pool: Pool) -> int:
    """Work out when windows are open during the next five weeks; how many times were not known before."""
    total, after_id = 0, 0
    while True:
        async with transaction(pool) as connection:
            await lock_windows(connection)
            now_ms = await clock_ms(connection)
            found = await planned_windows(connection, after_id=after_id, now_ms=now_ms, most=WINDOWS_AT_ONCE)
            openings = [opening for each in found for opening in _openings(each, now_ms)]
            total += await keep_openings(connection, openings, now_ms=now_ms)
        if len(found) < WINDOWS_AT_ONCE:
            return total
        after_id = found[-1].id


def _openings(planned: PlannedWindow, now_ms: int) -> Iterator[Opening]:
    try:
        window = window_from_pattern(
            starts_ms=planned.starts_ms,
            ends_ms=planned.ends_ms,
            time_zone=planned.time_zone,
            pattern=planned.recurrence_pattern,
        )
        coming = occurrences(window, from_ms=now_ms, until_ms=now_ms + KEPT_AHEAD_MS)
    except (ValueError, KeyError) as error:
        # Stored by a version that knew more, such as a zone of newer tables: it must not hold up the others.
        _log.error("window_not_understood", window_id=planned.id, reason=str(error))
        return
    for start, end in coming:
        yield Opening(planned.organization_id, planned.id, max(start, now_ms), end)
