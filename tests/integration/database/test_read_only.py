"""A database that takes no writes for a while, as one short of disk or about to fail over does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from urllib.parse import urlsplit

import asyncpg
import pytest

from shared.database.errors import DatabaseUnavailable, translated_errors
from shared.database.pool import PIPELINE_ROLE, Pool, open_pool, transaction

WRITE = "UPDATE shard_leases SET holder = 'somebody'"


@asynccontextmanager
async def filled_while_read_only(dsn: str) -> AsyncIterator[Pool]:
    """A pool whose one session began while nobody might write; by now everybody may again."""
    name = urlsplit(dsn).path[1:]
    owner = await asyncpg.connect(dsn, timeout=60)
    try:
        await owner.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        async with open_pool(dsn, role=PIPELINE_ROLE, application_name="test", max_size=1) as pool:
            await owner.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
            yield pool
    finally:
        await owner.close()


@pytest.mark.parametrize("translated_within", [False, True])
async def test_a_pool_filled_while_nobody_might_write_soon_writes(
    database_dsn: str, *, translated_within: bool
) -> None:
    async with filled_while_read_only(database_dsn) as pool:
        with pytest.raises(DatabaseUnavailable):
            async with transaction(pool) as connection:
                with translated_errors() if translated_within else nullcontext():
                    await connection.execute(WRITE)
        async with transaction(pool) as connection:
            assert await connection.execute(WRITE) == "UPDATE 1"
