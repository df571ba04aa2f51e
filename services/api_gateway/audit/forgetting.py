"""What is older than the log is kept for is forgotten, in small steps, by every gateway that runs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import structlog
from aiohttp import web

from services.api_gateway.audit.audit_store import forget_entries
from services.api_gateway.resources import RESOURCES
from shared.database.errors import DatabaseError
from shared.database.pool import Pool, transaction

PAUSE_SECONDS = 3600.0
_STEP_PAUSE_SECONDS = 0.2

_log = structlog.get_logger()


async def forgetting_audit(app: web.Application) -> AsyncIterator[None]:
    """For `cleanup_ctx`: goes on as long as the application."""
    resources = app[RESOURCES]
    task = asyncio.create_task(_forget_old(resources.pool, resources.settings.audit_retention_days))
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def forget_now(pool: Pool, *, kept_days: int) -> int:
    """Forget everything older; answers how much there was."""
    forgotten = 0
    while True:
        async with transaction(pool) as connection:
            gone = await forget_entries(connection, kept_days=kept_days)
        forgotten += gone
        if not gone:
            return forgotten
        await asyncio.sleep(_STEP_PAUSE_SECONDS)


async def _forget_old(pool: Pool, kept_days: int) -> None:
    while True:
        await asyncio.sleep(PAUSE_SECONDS)
        try:
            forgotten = await forget_now(pool, kept_days=kept_days)
        except DatabaseError as error:
            _log.warning("audit_not_forgotten", error=str(error))
        else:
            if forgotten:
                _log.info("audit_forgotten", entries=forgotten, kept_days=kept_days)
