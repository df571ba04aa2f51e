"""The drill: saved while it runs, lost, brought back elsewhere; checks go on, passwords open, history is there."""

import json
import stat
from pathlib import Path

import pytest

from services.api_gateway.token_store import issue_token
from shared.database.pool import GATEWAY_ROLE, open_pool
from tests.end_to_end.test_life_of_a_check import documented_body
from tests.support.command import run_command
from tests.support.fleet import Api, Fleet
from tests.support.servers.dovecot import DovecotServer
from tests.support.servers.postgres import DatabasesForTests
from tests.support.waiting import until


async def checks_beyond(api: Api, monitor: str, count: int) -> list[str]:
    async def look() -> list[str] | None:
        history = await api.history(monitor)
        return [check["status"] for check in history] if len(history) > count else None

    found = await until(f"more than {count} checks", look)
    assert found is not None
    return found


@pytest.mark.timeout(900)
async def test_what_was_saved_while_it_ran_comes_back_and_checks_go_on(
    tmp_path: Path, databases: DatabasesForTests, database_dsn: str, amqp_url: str, dovecot: DovecotServer
) -> None:
    old, new, archive = tmp_path / "old", tmp_path / "new", tmp_path / "mailprobe.tar"
    assert (await run_command("keys", "generate", "--out", str(old), environment={})).exit_code == 0
    async with open_pool(database_dsn, role=GATEWAY_ROLE, application_name="test", max_size=1) as pool:
        token = await issue_token(pool, organization_id=1, name="drill", role="admin")
    settings = {"MAILPROBE_CA_FILE": str(dovecot.ca_file)}

    def fleet(name: str, dsn: str, keys: Path) -> Fleet:
        (tmp_path / name).mkdir()
        return Fleet(
            tmp_path / name,
            database_dsn=dsn,
            amqp_url=amqp_url,
            settings=settings,
            keys=keys,
        )

    async with fleet("before", database_dsn, old) as running, Api(running.address, token) as api:
        _, made = await api.call("POST", "/api/imap-pop-monitors", documented_body(dovecot.imaps_port))
        monitor = str(made["publicId"])
        assert await checks_beyond(api, monitor, 0) == ["success"]
        saved = await run_command(
            *("backup", str(archive), "--keys", str(old)), environment={"MAILPROBE_DATABASE_URL": database_dsn}
        )
        assert saved.exit_code == 0, saved.output
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert b"right password" not in archive.read_bytes()

    async with databases.empty() as other_dsn:
        brought = await run_command(
            *("restore", str(archive), "--keys", str(new)), environment={"MAILPROBE_DATABASE_URL": other_dsn}
        )
        assert brought.exit_code == 0, brought.output
        assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in new.iterdir()} == dict.fromkeys(
            ("private.json", "public.json", "channel-private.json", "channel-public.json"), 0o600
        )
        assert json.loads((new / "public.json").read_text()) == json.loads((old / "public.json").read_text())
        async with fleet("after", other_dsn, new) as running, Api(running.address, token) as api:
            assert await checks_beyond(api, monitor, 0)
            status, _ = await api.call("POST", f"/api/imap-pop-monitors/{monitor}/trigger-check")
            assert status == 200
            assert set(await checks_beyond(api, monitor, 1)) == {"success"}
        # What was restored can be saved in its turn, today's partitions and all.
        again = await run_command(
            *("backup", str(tmp_path / "again.tar"), "--keys", str(new)),
            environment={"MAILPROBE_DATABASE_URL": other_dsn},
        )
        assert again.exit_code == 0, again.output
