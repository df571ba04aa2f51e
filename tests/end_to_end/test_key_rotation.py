"""Keys are rotated step by step while checks are made all the time: none fails, and the old keys are gone."""

import asyncio
import contextlib
import itertools
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from services.api_gateway.token_store import issue_token
from shared.database.pool import GATEWAY_ROLE, open_pool
from tests.end_to_end.test_life_of_a_check import documented_body
from tests.support.command import run_command
from tests.support.fleet import Api, Fleet
from tests.support.servers.dovecot import DovecotServer
from tests.support.waiting import until


async def ask_on_and_on(api: Api, monitors: list[str]) -> None:
    """Checks out of turn, one monitor after the other; while the gateway restarts, nobody is asked."""
    for monitor in itertools.cycle(monitors):
        with contextlib.suppress(aiohttp.ClientError):
            await api.call("POST", f"/api/imap-pop-monitors/{monitor}/trigger-check")
        await asyncio.sleep(0.3)


async def one_more_check(api: Api, monitors: list[str]) -> None:
    """Until each monitor has been checked once more."""
    before = {monitor: len(await api.history(monitor)) for monitor in monitors}

    async def more() -> bool:
        return all([len(await api.history(monitor)) > count for monitor, count in before.items()])

    await until("another check of each monitor", more, timeout_seconds=240)


@pytest.mark.timeout(900)
async def test_keys_are_rotated_under_load_and_no_check_fails(
    tmp_path: Path, database_dsn: str, amqp_url: str, dovecot: DovecotServer
) -> None:
    keys = tmp_path / "keys"
    made = await run_command("keys", "generate", "--out", str(keys), environment={})
    assert made.exit_code == 0, made.output
    async with open_pool(database_dsn, role=GATEWAY_ROLE, application_name="test", max_size=1) as pool:
        token = await issue_token(pool, organization_id=1, name="rotation", role="admin")
    settings = {"MAILPROBE_CA_FILE": str(dovecot.ca_file), "MAILPROBE_RATE_LIMIT_TOKEN": "100000"}
    fleet = Fleet(tmp_path, database_dsn=database_dsn, amqp_url=amqp_url, settings=settings, keys=keys)

    async def step(verb: str) -> None:
        done = await run_command(
            *("keys", verb, "--keys", str(keys)), environment={"MAILPROBE_DATABASE_URL": database_dsn}
        )
        assert done.exit_code == 0, done.output

    async def restarted(*services: str) -> None:
        for service in services:
            await fleet.stop(service)
            fleet.launch(service)
            await fleet.until_ready(service)

    async with fleet, Api(fleet.address, token) as api:
        monitors = []
        for port in (dovecot.imaps_port, dovecot.imap_port):
            body = documented_body(port)
            security = "tls" if port == dovecot.imaps_port else "starttls"
            login = {"user": "anna", "password": "right password"}
            body["imapPopConfig"] = {"protocol": "imap", "security": security, **login}
            _, monitor = await api.call("POST", "/api/imap-pop-monitors", body)
            monitors.append(str(monitor["publicId"]))
        asking = asyncio.create_task(ask_on_and_on(api, monitors))
        try:
            await one_more_check(api, monitors)
            old = (keys / "private.json").read_text()
            await step("rotate")
            await restarted("imap_worker", "pop3_worker", "notifier")
            await step("public")
            await restarted("api_gateway")
            early = await run_command(
                *("keys", "drop", "--keys", str(keys)), environment={"MAILPROBE_DATABASE_URL": database_dsn}
            )
            assert (early.exit_code, "keys reseal" in early.stderr) == (1, True)
            await step("reseal")
            await one_more_check(api, monitors)
            await step("drop")
            await restarted("imap_worker")
            await one_more_check(api, monitors)
        finally:
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asking
        checks = [check for monitor in monitors for check in await api.history(monitor)]
    assert len(checks) >= 3 * len(monitors)
    assert {(check["status"], check["errorMessage"]) for check in checks} == {("success", None)}
    assert dovecot.rejected_logins() == 0
    connection = await asyncpg.connect(
        database_dsn, server_settings={"search_path": "mailprobe", "role": "mailprobe_pipeline"}
    )
    try:
        sealed = [row["sealed_password"] for row in await connection.fetch("SELECT sealed_password FROM monitors")]
        assert await connection.fetchval("SELECT count(*) FROM incidents") == 0
    finally:
        await connection.close()
    assert len(sealed) == 2
    assert not any(each.split(".")[1] in old for each in sealed)
