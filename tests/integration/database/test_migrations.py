"""Migrations apply once, in order, whoever runs them; partitions are there ahead of time."""

import asyncio

import asyncpg
import pytest

from shared.database.migrations import MigrationError, applied_and_wanted, migrate
from shared.database.pool import PIPELINE_ROLE, connect, open_pool

DAY_MS = 86_400_000


async def test_migrating_again_applies_nothing(database_dsn: str) -> None:
    assert await migrate(database_dsn) == 0
    connection = await connect(database_dsn, role=None, application_name="test")
    applied, wanted = await applied_and_wanted(connection)
    await connection.close()
    assert applied == wanted > 0


async def test_two_migrations_at_once_wait_for_each_other(database_dsn: str) -> None:
    connection = await asyncpg.connect(database_dsn)
    await connection.execute("DROP SCHEMA mailprobe CASCADE")
    await connection.close()
    applied = await asyncio.gather(*(migrate(database_dsn) for _ in range(3)))
    assert sorted(applied)[:2] == [0, 0]
    assert sorted(applied)[2] > 0


async def test_a_database_of_a_newer_release_is_refused(database_dsn: str) -> None:
    connection = await asyncpg.connect(database_dsn)
    await connection.execute("INSERT INTO mailprobe.schema_migrations VALUES (9999, 'later', '')")
    await connection.close()
    with pytest.raises(MigrationError, match="newer mailprobe"):
        await migrate(database_dsn)


async def test_an_altered_migration_is_refused(database_dsn: str) -> None:
    connection = await asyncpg.connect(database_dsn)
    await connection.execute("UPDATE mailprobe.schema_migrations SET checksum = 'other' WHERE version = 1")
    await connection.close()
    with pytest.raises(MigrationError, match="0001 differs"):
        await migrate(database_dsn)


async def test_partitions_are_made_ahead_and_take_over_what_fell_into_the_default(database_dsn: str) -> None:
    async with open_pool(database_dsn, role=PIPELINE_ROLE, application_name="test") as pool:
        assert await pool.fetchval("SELECT ensure_result_partitions(7)") == 0
        in_nine_days = await pool.fetchval("SELECT clock_ms()") + 9 * DAY_MS
        await pool.execute(
            """INSERT INTO results (check_id, slot_at, organization_id, monitor_id, location_id, kind, revision,
                   outcome, phase, passed, withheld, start_at, started_at, total_ms, message, detail)
               VALUES (gen_random_uuid(), $1, 1, 1, 0, 'scheduled', 1,
                   'ok', 'logout', true, false, $1, $1, 1, '', '{}')""",
            in_nine_days,
        )
        home = "SELECT tableoid::regclass::text FROM results WHERE slot_at = $1"
        assert await pool.fetchval(home, in_nine_days) == "results_default"
        assert await pool.fetchval("SELECT ensure_result_partitions(10)") == 3
        assert (await pool.fetchval(home, in_nine_days)).startswith("results_2")
        assert await pool.fetchval("SELECT count(*) FROM results") == 1
