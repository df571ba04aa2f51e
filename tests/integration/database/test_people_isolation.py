"""People, their sessions, browsers and links are out of another organization's reach, and of every other service's."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from shared.database.errors import DatabaseRejected
from shared.database.pool import (
    GATEWAY_ROLE,
    NOTIFIER_ROLE,
    PIPELINE_ROLE,
    Pool,
    open_pool,
    organization_transaction,
)

TABLES = ("users", "user_sessions", "user_devices", "user_links")
_PERSON = """INSERT INTO users (organization_id, email, name, role, password_hash, customer_ids)
    VALUES ($1, $2, 'x', $3, 'x', $4) RETURNING id"""


@pytest.fixture
async def gateway(database_dsn: str) -> AsyncIterator[Pool]:
    async with open_pool(database_dsn, role=GATEWAY_ROLE, application_name="test") as pool:
        async with organization_transaction(pool, 2) as connection:
            await connection.execute("INSERT INTO organizations (id, name) VALUES (2, 'Another')")
        async with organization_transaction(pool, 1) as connection:
            person = await connection.fetchval(_PERSON, 1, "a@example.com", "user", [10])
            await connection.execute(
                """INSERT INTO user_sessions (organization_id, user_id, session_hash, address, user_agent, expires_at)
                   VALUES (1, $1, 'session', '::1', 'x', now() + interval '1 day')""",
                person,
            )
            await connection.execute(
                "INSERT INTO user_devices (organization_id, user_id, device_hash) VALUES (1, $1, 'device')", person
            )
            await connection.execute(
                """INSERT INTO user_links (organization_id, user_id, purpose, link_hash, expires_at)
                   VALUES (1, $1, 'reset', 'link', now() + interval '1 day')""",
                person,
            )
        yield pool


async def test_only_the_organization_itself_sees_its_people(gateway: Pool) -> None:
    for table in TABLES:
        assert await gateway.fetch(f"SELECT * FROM {table}") == []
        async with organization_transaction(gateway, 2) as connection:
            assert await connection.fetch(f"SELECT * FROM {table}") == []
            await connection.execute(f"DELETE FROM {table}")
        async with organization_transaction(gateway, 1) as connection:
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 1, table


async def test_nobody_is_written_into_another_organization(gateway: Pool) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with organization_transaction(gateway, 2) as connection:
            await connection.fetchval(_PERSON, 1, "b@example.com", "user", None)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with organization_transaction(gateway, 1) as connection:
            await connection.execute("INSERT INTO organizations (id, name) VALUES (7, 'Not mine')")


async def test_a_person_has_customers_of_their_own_organization_alone(gateway: Pool) -> None:
    for organization_id, customers in ((2, [10]), (1, [10, 4711]), (1, [])):
        with pytest.raises(DatabaseRejected):
            async with organization_transaction(gateway, organization_id) as connection:
                await connection.fetchval(_PERSON, organization_id, "b@example.com", "user", customers)
    for role, customers in (("readonly", None), ("admin", [10])):
        with pytest.raises(DatabaseRejected):
            async with organization_transaction(gateway, 1) as connection:
                await connection.fetchval(_PERSON, 1, "b@example.com", role, customers)


async def test_an_address_is_one_persons_in_every_organization(gateway: Pool) -> None:
    with pytest.raises(DatabaseRejected) as refused:
        async with organization_transaction(gateway, 2) as connection:
            await connection.fetchval(_PERSON, 2, "A@EXAMPLE.com", "user", None)
    assert refused.value.constraint == "users_email"


async def test_what_is_needed_before_the_organization_is_known_is_found_by_its_secret_alone(gateway: Pool) -> None:
    found = await gateway.fetchrow("SELECT organization_id, email FROM find_session('session')")
    assert tuple(found) == (1, "a@example.com")
    assert await gateway.fetch("SELECT * FROM find_session('another')") == []
    assert await gateway.fetchval("SELECT organization_id FROM find_link('link')") == 1
    assert await gateway.fetchval("SELECT known_device FROM find_account('A@example.com', 'device')") is True
    assert await gateway.fetchval("SELECT known_device FROM find_account('a@example.com', 'another')") is False


@pytest.mark.parametrize("role", [PIPELINE_ROLE, NOTIFIER_ROLE])
async def test_no_other_service_reads_people(database_dsn: str, role: str) -> None:
    async with open_pool(database_dsn, role=role, application_name="test") as pool:
        for statement in (
            *(f"SELECT count(*) FROM {table}" for table in TABLES if (role, table) != (NOTIFIER_ROLE, "users")),
            "SELECT password_hash FROM users",
            "SELECT * FROM sign_in_attempts",
            "SELECT * FROM find_session('x')",
            "SELECT * FROM find_account('x', 'x')",
            "SELECT * FROM find_link('x')",
            "SELECT * FROM all_organizations()",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await pool.fetch(statement)
