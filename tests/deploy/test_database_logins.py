"""The services' logins, tried on a real Postgres at what they must not do; their work is done by the other tests."""

import secrets
from collections.abc import AsyncIterator
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg
import pytest

from shared.database.errors import DatabaseRejected, DatabaseUnavailable
from shared.database.logins import ROLE_OF_SERVICE, make_logins
from shared.database.opening import open_migrated_pool
from shared.database.pool import GATEWAY_ROLE, NOTIFIER_ROLE, PIPELINE_ROLE, connect

FOREIGN_ROLES = {
    "api_gateway": (PIPELINE_ROLE, NOTIFIER_ROLE),
    "scheduler": (GATEWAY_ROLE, NOTIFIER_ROLE),
    "result_recorder": (GATEWAY_ROLE, NOTIFIER_ROLE),
    "notifier": (GATEWAY_ROLE, PIPELINE_ROLE),
}
NEVER = (
    "CREATE TABLE mailprobe.mine (id int)",
    "DROP TABLE mailprobe.monitors",
    "ALTER TABLE mailprobe.monitors DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE mailprobe.monitors NO FORCE ROW LEVEL SECURITY",
    "TRUNCATE mailprobe.results",
    "INSERT INTO mailprobe.schema_migrations VALUES (9999, 'x', 'x')",
    "UPDATE mailprobe.schema_migrations SET version = 0",
    "CREATE ROLE intruder SUPERUSER",
    "CREATE ROLE intruder",
    "CREATE FUNCTION mailprobe.clock_ms(int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE OR REPLACE FUNCTION mailprobe.clock_ms() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'",
    "DELETE FROM mailprobe.organizations",
)
NOT_OF = {
    "api_gateway": (
        "SELECT * FROM mailprobe.schedule",
        "SELECT * FROM mailprobe.login_grants",
        "INSERT INTO mailprobe.results DEFAULT VALUES",
        "DELETE FROM mailprobe.results",
        "UPDATE mailprobe.monitor_health SET health = 'up'",
    ),
    "scheduler": (
        "SELECT * FROM mailprobe.tokens",
        "UPDATE mailprobe.monitors SET hostname = 'elsewhere.example'",
        "SELECT * FROM mailprobe.notification_channels",
        "SELECT mailprobe.find_token('x')",
    ),
    "result_recorder": ("SELECT * FROM mailprobe.tokens", "DELETE FROM mailprobe.monitors"),
    "notifier": (
        "SELECT * FROM mailprobe.tokens",
        "SELECT * FROM mailprobe.results",
        "SELECT * FROM mailprobe.login_history",
        "UPDATE mailprobe.monitors SET hostname = 'elsewhere.example'",
        "INSERT INTO mailprobe.check_requests DEFAULT VALUES",
    ),
}


@pytest.fixture
async def logins(database_dsn: str) -> AsyncIterator[dict[str, str]]:
    """An address for each service, its login made; logins belong to the whole server and are dropped at the end."""
    mark = secrets.token_hex(4)
    made = {service: address_of(database_dsn, f"{mark}-{service}", secrets.token_hex(8)) for service in ROLE_OF_SERVICE}
    await make_logins(database_dsn, made)
    yield made
    owner = await asyncpg.connect(database_dsn)
    for service in made:
        database = await owner.fetchval("SELECT current_database()")
        await owner.execute(f'REVOKE CONNECT ON DATABASE {database} FROM "{mark}-{service}"')
        await owner.execute(f'DROP ROLE "{mark}-{service}"')
    await owner.close()


def address_of(dsn: str, user: str, password: str) -> str:
    parts = urlsplit(dsn)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(user)}:{quote(password, safe='')}@{host}"))


async def refused(connection: asyncpg.Connection, statement: str) -> bool:
    try:
        async with connection.transaction():
            await connection.execute(statement)
            raise AssertionError(f"{statement} was done")
    except asyncpg.InsufficientPrivilegeError:
        return True


@pytest.mark.parametrize("service", ROLE_OF_SERVICE)
async def test_a_login_opens_the_database_as_its_service_does(logins: dict[str, str], service: str) -> None:
    role = ROLE_OF_SERVICE[service]
    async with open_migrated_pool(logins[service], role=role, application_name="test", max_size=1) as pool:
        assert await pool.fetchval("SELECT current_user") == role
        assert await pool.fetchval("SELECT clock_ms() > 0")


@pytest.mark.parametrize("service", ROLE_OF_SERVICE)
async def test_a_login_is_refused_everything_else(logins: dict[str, str], service: str) -> None:
    connection = await asyncpg.connect(logins[service])
    try:
        for statement in (*NEVER, *NOT_OF[service]):
            assert await refused(connection, statement), statement
        for role in FOREIGN_ROLES[service]:
            assert await refused(connection, f"SET ROLE {role}")
        assert not await connection.fetchval(
            "SELECT rolbypassrls OR rolsuper FROM pg_roles WHERE rolname = session_user"
        )
    finally:
        await connection.close()


async def test_a_gateways_login_sees_one_organization_at_most(logins: dict[str, str]) -> None:
    connection = await asyncpg.connect(logins["api_gateway"])
    try:
        assert await connection.fetchval("SELECT count(*) FROM mailprobe.customers") == 0
        await connection.execute("SELECT set_config('mailprobe.organization', '1', false)")
        assert await connection.fetchval("SELECT count(*) FROM mailprobe.customers") == 1
    finally:
        await connection.close()


async def test_logins_are_made_again_with_another_password(database_dsn: str, logins: dict[str, str]) -> None:
    user = urlsplit(logins["scheduler"]).username or ""
    changed = address_of(database_dsn, user, "ånother p@ss/word")
    assert await make_logins(database_dsn, {"scheduler": changed}) == [user]
    await (await connect(changed, role=PIPELINE_ROLE, application_name="test")).close()
    with pytest.raises(DatabaseUnavailable):
        await connect(logins["scheduler"], role=PIPELINE_ROLE, application_name="test")


async def test_the_owner_is_never_made_a_lesser_login(database_dsn: str) -> None:
    owner = urlsplit(database_dsn).username or ""
    with pytest.raises(DatabaseRejected, match="who owns the tables"):
        await make_logins(database_dsn, {"scheduler": address_of(database_dsn, owner, "x")})
