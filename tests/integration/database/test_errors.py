"""What asyncpg makes of a connection that ended, in our words."""

import asyncio
import select

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
    )
    try:
        await session.execute("SET idle_session_timeout = 100")
        # Nothing of ours runs until the server has ended it, as in a process that SIGSTOP holds.
        ended = select.poll()
        ended.register(session._transport.get_extra_info("socket").fileno(), select.POLLRDHUP)
        assert ended.poll(60_000)
        for _ in range(turns):  # the server's last words are read in one turn of the loop, its end in a later one
            await asyncio.sleep(0)
        with pytest.raises(DatabaseUnavailable), translated_errors():
            await session.fetchval("SELECT 1", timeout=60)
    finally:
        session.terminate()
