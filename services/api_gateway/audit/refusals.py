"""Sign-ins that were refused, for the audit log: noted after the answer, so that it takes as long for nobody's account
as for somebody's.
"""

import asyncio

import structlog

from shared.database.errors import DatabaseError
from shared.database.pool import Pool, transaction

MOST_WAITING = 50

# Whose organization is not known yet; there is an end to how many it keeps of one account.
_NOTE = "SELECT audit_refused_sign_in($1, $2, $3)"

_log = structlog.get_logger()


class Refusals:
    """Notes them in tasks of its own. What is more than can wait is dropped: it is one guess among very many."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._noting: set[asyncio.Task[None]] = set()

    def note(self, user_id: int, *, address: str, request_id: str | None) -> None:
        """Somebody did not get in as this user; returns at once."""
        if len(self._noting) >= MOST_WAITING:
            return
        task = asyncio.create_task(self._keep(user_id, address, request_id))
        self._noting.add(task)
        task.add_done_callback(self._noting.discard)

    async def finish(self) -> None:
        """Wait for what is under way, for moments."""
        if self._noting:
            await asyncio.wait(self._noting, timeout=5)

    async def _keep(self, user_id: int, address: str, request_id: str | None) -> None:
        try:
            async with transaction(self._pool) as connection:
                await connection.execute(_NOTE, user_id, address, request_id)
        except DatabaseError as error:
            _log.warning("refused_sign_in_not_noted", error=str(error))
