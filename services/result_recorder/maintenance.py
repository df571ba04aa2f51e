"""Maintenance windows as time goes on: when they are open is worked out anew for the weeks ahead."""

from services.result_recorder.maintenance_store import Opening, keep_openings, lock_windows, planned_windows
from services.result_recorder.monitor_store import clock_ms
from shared.checks.maintenance import AHEAD_MS, occurrences
from shared.database.pool import Pool, transaction

WINDOWS_AT_ONCE = 100


async def plan_ahead(pool: Pool) -> int:
    """Work out when windows are open during the next five weeks; how many times were not known before."""
    total, after_id = 0, 0
    while True:
        async with transaction(pool) as connection:
            await lock_windows(connection)
            now_ms = await clock_ms(connection)
            found = await planned_windows(connection, after_id=after_id, now_ms=now_ms, most=WINDOWS_AT_ONCE)
            openings = [
                Opening(each.organization_id, each.id, max(start, now_ms), end)
                for each in found
                for start, end in occurrences(each.window, from_ms=now_ms, until_ms=now_ms + AHEAD_MS)
            ]
            total += await keep_openings(connection, openings, now_ms=now_ms)
        if len(found) < WINDOWS_AT_ONCE:
            return total
        after_id = found[-1].id
