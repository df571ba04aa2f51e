"""What nobody's message brings about: health that nothing confirms any more, rows of no further use, maintenance to
come, hours that are over.
"""

import asyncio

import structlog

from services.result_recorder.event_store import forget_events, organizations_told
from services.result_recorder.forgetting import forget_past
from services.result_recorder.judging import judge_silent
from services.result_recorder.location_store import forget_workers
from services.result_recorder.login_store import forget_history
from services.result_recorder.maintenance import plan_ahead
from services.result_recorder.monitor_store import clock_ms
from services.result_recorder.rollups.keeping import keep_rollups
from shared.broker.heralding import Herald
from shared.database.errors import DatabaseError
from shared.database.pool import Pool, transaction
from shared.runtime.lifecycle import stopped_within
from shared.runtime.settings import RetentionSettings

SWEEP_SECONDS = 30.0
MOST_AT_ONCE = 1000
SWEEPS_PER_TIDYING = 120
SWEEPS_PER_FORGETTING = 720
WORKERS_KEPT_MS = 86_400_000
LOGINS_KEPT_MS = 7 * 86_400_000

_log = structlog.get_logger()


async def sweep(pool: Pool, herald: Herald | None = None) -> int:
    """Make unknown what told nothing for max(3 intervals, 5 min); of how many monitors there was something."""
    total = 0
    while True:
        async with transaction(pool) as connection:
            found = await judge_silent(connection, now_ms=await clock_ms(connection), most=MOST_AT_ONCE)
            told = await organizations_told(connection) if found else ()
        if herald is not None:
            herald.tell(told)
        total += found
        if found < MOST_AT_ONCE:
            return total


async def tidy(pool: Pool) -> None:
    """Remove workers long gone and logins no rule looks back to."""
    async with transaction(pool) as connection:
        await forget_workers(connection, unseen_ms=WORKERS_KEPT_MS)
        await forget_history(connection, older_ms=LOGINS_KEPT_MS)


async def keep_sweeping(pool: Pool, stop: asyncio.Event, herald: Herald, retention: RetentionSettings) -> None:
    """All of it, again and again, until stopped."""
    sweeps = 0
    while not await stopped_within(stop, SWEEP_SECONDS):
        try:
            if silent := await sweep(pool, herald):
                _log.info("health_unknown", monitors=silent)
            if sweeps % SWEEPS_PER_TIDYING == 0:
                await tidy(pool)
                await plan_ahead(pool)
                await forget_events(pool)
            await keep_rollups(pool)
            if sweeps % SWEEPS_PER_FORGETTING == 0:
                async with transaction(pool) as connection:
                    now_ms = await clock_ms(connection)
                if gone := await forget_past(pool, retention, now_ms=now_ms):
                    _log.info("past_forgotten", rows=gone)
            sweeps += 1
        except DatabaseError as error:
            _log.warning("sweep_failed", reason=str(error))
