"""A process frozen in the middle of a transaction: what it had locked, others get."""

import asyncio

import pytest

from services.notifier import thread_store
from shared.database.errors import DatabaseUnavailable
from shared.database.pool import NOTIFIER_ROLE, open_pool, transaction
from tests.support.waiting import until


async def test_another_may_plan_when_the_one_that_did_was_frozen_in_the_middle(database_dsn: str) -> None:
    async with (
        open_pool(database_dsn, role=NOTIFIER_ROLE, application_name="frozen", idle_transaction_seconds=4.0) as ours,
        open_pool(database_dsn, role=NOTIFIER_ROLE, application_name="beside") as theirs,
    ):
        thaw = asyncio.Event()
        holds = asyncio.Event()

        async def frozen() -> None:
            async with transaction(ours) as connection:
                assert await thread_store.plan_alone(connection)
                holds.set()
                await thaw.wait()
                await connection.execute("SELECT 1")

        async def beside() -> bool:
            async with transaction(theirs) as connection:
                return await thread_store.plan_alone(connection)

        async with transaction(theirs) as connection:
            await connection.execute("SELECT 1")  # connected by now: the other does not wait for long
        planning = asyncio.create_task(frozen())
        await holds.wait()
        assert not await beside()
        await until("the other's turn", beside)
        thaw.set()
        with pytest.raises(DatabaseUnavailable):
            await planning
        async with transaction(ours) as connection:
            assert await connection.fetchval("SHOW idle_in_transaction_session_timeout") == "4s"


async def test_no_pool_lets_a_frozen_transaction_last(database_dsn: str) -> None:
    async with open_pool(database_dsn, role=NOTIFIER_ROLE, application_name="test") as pool:
        assert await pool.fetchval("SHOW idle_in_transaction_session_timeout") == "30s"
