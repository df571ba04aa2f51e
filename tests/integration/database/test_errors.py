"""What asyncpg makes of a connection that ended, in our words."""

import asyncio
import time

import pytest

from shared.database.errors import DatabaseUnavailable, translated_errors
from shared.database.pool import PIPELINE_ROLE, connect


@pytest.mark.parametrize("turns", range(6))
async def test_a_session_that_ended_during_a_freeze_is_unavailable_whenever_it_is_used(
    database_dsn: str, turns: int
) -> None:
    session = await connect(
        database_dsn,
        role=PIPELINE_ROLE,
        application_name="frozen",
        server_settings={"idle_session_timeout": "100"},
    )
    try:
        time.sleep(0.5)  # noqa: ASYNC251 - nothing of ours runs, as in a process that SIGSTOP holds
        for _ in range(turns):  # the server's last words are read in one turn of the loop, its end in a later one
            await asyncio.sleep(0)
        with pytest.raises(DatabaseUnavailable), translated_errors():
            await session.fetchval("SELECT 1", timeout=5)
    finally:
        session.terminate()
