"""Kept answers are forgotten after a day, and what ran out of people's long ago: in small steps, by every gateway."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import structlog
from aiohttp import web

from services.api_gateway.manners.kept_answer_store import forget
from services.api_gateway.people.past_store import forget_past_of_people
from services.api_gateway.resources import RESOURCES
from shared.database.errors import DatabaseError
from shared.database.pool import Pool

PAUSE_SECONDS = 600.0
STEP = 500

_log = structlog.get_logger()


async def forgetting(app: web.Application) -> AsyncIterator[None]:
    """For `cleanup_ctx`: goes on as long as the application."""
    resources = app[RESOURCES]
    task = asyncio.create_task(_forget_old(resources.pool, resources.settings.history_retention_days))
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def forget_now(pool: Pool, *, step: int = STEP) -> int:
    """Forget everything that is old, in steps; answers how much there was."""
    forgotten = 0
    while (gone := await forget(pool, most=step)) > 0:
        forgotten += gone
        if gone < step:
            break
    return forgotten


async def _forget_old(pool: Pool, history_days: int) -> None:
    while True:
        await asyncio.sleep(PAUSE_SECONDS)
        try:
            await forget_now(pool)
            await forget_past_of_people(pool, history_days=history_days, most=STEP)
        except DatabaseError as error:
            _log.warning("past_not_forgotten", error=str(error))
