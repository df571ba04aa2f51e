"""One organization's rows are out of another's reach, whatever SQL the gateway were brought to send."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from shared.database.errors import DatabaseRejected, translated_errors
from shared.database.pool import GATEWAY_ROLE, PIPELINE_ROLE, Pool, open_pool, organization_transaction

TENANT_TABLES = ("customers", "tokens", "monitors", "check_requests", "results", "missed", "location_health")


@pytest.fixture
async def gateway(database_dsn: str) -> AsyncIterator[Pool]:
    owner = await asyncpg.connect(database_dsn)
    # The owner is bound by row-level security as well; it acts as the pipeline's role would not: in the open.
    await owner.execute("ALTER TABLE mailprobe.organizations NO FORCE ROW LEVEL SECURITY")
    await owner.execute("INSERT INTO mailprobe.organizations (id, name) VALUES (2, 'Another')")
    await owner.execute("ALTER TABLE mailprobe.organizations FORCE ROW LEVEL SECURITY")
    await owner.close()
    async with open_pool(database_dsn, role=GATEWAY_ROLE, application_name="test") as pool:
        yield pool


async def test_the_role_cannot_bypass_row_level_security(gateway: Pool) -> None:
    row = await gateway.fetchrow("SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
    assert tuple(row) == (GATEWAY_ROLE, False, False)


async def test_every_table_with_an_organization_forces_row_level_security(gateway: Pool) -> None:
    loose = await gateway.fetch(
        """SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
           WHERE c.relnamespace = 'mailprobe'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
             AND a.attname = 'organization_id' AND NOT (c.relrowsecurity AND c.relforcerowsecurity)"""
    )
    assert loose == []


@pytest.mark.parametrize("table", TENANT_TABLES)
async def test_without_an_organization_nothing_is_seen(gateway: Pool, table: str) -> None:
    assert await gateway.fetch(f"SELECT * FROM {table}") == []


async def test_an_organization_sees_its_own_and_nothing_else(gateway: Pool) -> None:
    async with organization_transaction(gateway, 1) as connection:
        assert await connection.fetchval("SELECT count(*) FROM customers") == 1
    async with organization_transaction(gateway, 2) as connection:
        assert await connection.fetchval("SELECT count(*) FROM customers") == 0
        assert await connection.fetchval("SELECT count(*) FROM organizations") == 1


async def test_after_a_transaction_the_connection_acts_for_nobody(gateway: Pool) -> None:
    async with gateway.acquire() as connection:
        async with connection.transaction():
            await connection.execute("SELECT set_config('mailprobe.organization', '1', true)")
            assert await connection.fetchval("SELECT count(*) FROM customers") == 1
        assert await connection.fetchval("SELECT count(*) FROM customers") == 0


async def test_a_row_cannot_be_written_for_another_organization(gateway: Pool) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with gateway.acquire() as connection, connection.transaction():
            await connection.execute("SELECT set_config('mailprobe.organization', '1', true)")
            await connection.execute("INSERT INTO customers (organization_id, name) VALUES (2, 'x')")


async def test_a_monitor_cannot_belong_to_another_organizations_customer(gateway: Pool) -> None:
    with pytest.raises(DatabaseRejected):
        async with organization_transaction(gateway, 2) as connection:
            await connection.execute(
                """INSERT INTO monitors (public_id, organization_id, customer_id, name, hostname, protocol, status,
                       interval_ms, timeout_seconds, config)
                   VALUES (gen_random_uuid(), 2, 10, 'x', 'x', 'imap', 'active', 30000, 30, '{}')"""
            )


@pytest.mark.parametrize("table", ["schedule", "login_history", "login_credentials", "login_grants", "shard_leases"])
async def test_the_gateway_has_no_business_in_the_pipelines_tables(gateway: Pool, table: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await gateway.fetch(f"SELECT * FROM {table}")


async def test_the_pipeline_reads_no_tokens_and_writes_no_monitors(database_dsn: str) -> None:
    async with open_pool(database_dsn, role=PIPELINE_ROLE, application_name="test") as pool:
        for statement in ("SELECT * FROM tokens", "UPDATE monitors SET name = 'x'"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await pool.execute(statement)


async def test_a_token_is_found_before_its_organization_is_known(gateway: Pool) -> None:
    async with organization_transaction(gateway, 1) as connection:
        await connection.execute(
            """INSERT INTO tokens (organization_id, name, role, token_hash, token_hint)
               VALUES (1, 'x', 'admin', $1, 'x')""",
            b"hash",
        )
    found = await gateway.fetchrow("SELECT organization_id, role FROM find_token($1)", b"hash")
    assert tuple(found) == (1, "admin")
    assert await gateway.fetch("SELECT * FROM find_token($1)", b"other") == []


async def test_our_errors_come_out_instead_of_asyncpgs(gateway: Pool) -> None:
    with pytest.raises(DatabaseRejected), translated_errors():
        await gateway.execute("SELECT 1 / 0")
