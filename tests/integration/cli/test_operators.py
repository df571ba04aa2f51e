"""What an operator does at the database and the broker."""

import asyncio
import json

from typer.testing import CliRunner, Result

from cli.main import app
from services.api_gateway.token_store import find_principal, token_hash
from shared.database.pool import GATEWAY_ROLE, open_pool
from tests.support.servers.postgres import DatabasesForTests
from tests.support.servers.rabbitmq import GivenRabbit


async def mailprobe(*arguments: str) -> Result:
    return await asyncio.to_thread(lambda: CliRunner().invoke(app, list(arguments)))


async def test_a_database_is_migrated_once(databases: DatabasesForTests) -> None:
    async with databases.empty() as dsn:
        early = await mailprobe("token", "list", "--database-url", dsn)
        assert early.exit_code == 1
        assert "Traceback" not in early.output
        first = await mailprobe("migrate", "--database-url", dsn)
        assert (first.exit_code, "Applying 0001" in first.output) == (0, True)
        again = await mailprobe("migrate", "--database-url", dsn)
        assert (again.exit_code, "up to date" in again.output) == (0, True)


async def test_a_token_is_shown_once_listed_by_its_end_and_revoked(database_dsn: str) -> None:
    made = await mailprobe("token", "create", "ci", "--role", "readonly", "--database-url", database_dsn)
    assert made.exit_code == 0, made.output
    token = made.stdout.strip()
    async with open_pool(database_dsn, role=GATEWAY_ROLE, application_name="test") as pool:
        principal = await find_principal(pool, token_hash(token))
        assert principal is not None
        assert principal.role == "readonly"
        listed = await mailprobe("token", "list", "--json", "--database-url", database_dsn)
        assert token not in listed.stdout
        (only,) = json.loads(listed.stdout)
        assert (only["name"], only["tokenHint"][-4:]) == ("ci", token[-4:])
        assert "ci" in (await mailprobe("token", "list", "--database-url", database_dsn)).output
        revoked = await mailprobe("token", "revoke", str(only["id"]), "--database-url", database_dsn)
        assert revoked.exit_code == 0
        assert await find_principal(pool, token_hash(token)) is None
    again = await mailprobe("token", "revoke", str(only["id"]), "--database-url", database_dsn)
    assert (again.exit_code, "there is no token" in again.output) == (1, True)
    stranger = await mailprobe("token", "create", "x", "--customer", "999", "--database-url", database_dsn)
    assert (stranger.exit_code, "such a customer" in stranger.output) == (1, True)


async def test_policies_are_missing_until_they_are_applied(rabbitmq: GivenRabbit) -> None:
    async with rabbitmq.fresh_vhost() as vhost:
        where = ("--management-url", rabbitmq.management_url, "--vhost", vhost)
        assert (await mailprobe("broker", "apply", *where)).exit_code == 0
        assert (await mailprobe("broker", "verify", *where)).exit_code == 0
    gone = await mailprobe("broker", "verify", *where)
    assert (gone.exit_code, "does not exist" in gone.output) == (1, True)
