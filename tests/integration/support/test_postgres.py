"""The databases the tests stand on."""

import asyncpg

from tests.support.servers.postgres import DatabasesForTests


async def test_a_fresh_database_is_migrated_and_owned_by_no_superuser(database_dsn: str) -> None:
    connection = await asyncpg.connect(database_dsn, timeout=60)
    try:
        assert await connection.fetchval("SELECT to_regclass('mailprobe.monitors') IS NOT NULL")
        assert not await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    finally:
        await connection.close()


async def test_two_databases_know_nothing_of_each_other(databases: DatabasesForTests) -> None:
    async with databases.fresh() as one, databases.fresh() as other:
        for dsn in (one, other):
            connection = await asyncpg.connect(dsn, timeout=60)
            await connection.execute("CREATE TABLE only_mine ()")
            await connection.close()


async def test_an_empty_database_has_no_schema_of_ours(databases: DatabasesForTests) -> None:
    async with databases.empty() as dsn:
        connection = await asyncpg.connect(dsn, timeout=60)
        try:
            assert await connection.fetchval("SELECT to_regnamespace('mailprobe') IS NULL")
        finally:
            await connection.close()
