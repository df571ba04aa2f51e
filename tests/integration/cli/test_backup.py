"""What a backup refuses, for its result would be worth nothing; and a data directory, saved and brought back."""

import json
import re
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from services.standalone.data_directory import DataDirectory
from shared.checks.target import password_binding, target_from_monitor
from shared.database.embedded import EmbeddedPostgres
from shared.database.migrations import migrate
from shared.sealing import PrivateKeyRing
from tests.support.command import Answered, run_command
from tests.support.servers.postgres import DatabasesForTests
from tests.support.stored import everything_stored

MONITOR = "7e0b2f0a-1111-4111-8111-000000000001"
INSERT = (
    "INSERT INTO monitors (public_id, organization_id, customer_id, name, hostname, protocol, status, interval_ms,"
    " timeout_seconds, config, sealed_password, credential_id)"
    " VALUES ($1, 1, 10, 'm', 'localhost', 'imap', 'active', 60000, 30, $2, $3, gen_random_uuid())"
)
CONFIG = {"protocol": "imap", "user": "anna"}


def context() -> bytes:
    target = target_from_monitor(
        hostname="localhost", port=None, timeout_seconds=30, config=CONFIG, sealed_password=None
    )
    return password_binding(1, UUID(MONITOR), target).context()


async def describe(dsn: str, ring: PrivateKeyRing) -> None:
    """A monitor whose password is sealed with this ring."""
    connection = await asyncpg.connect(
        dsn, server_settings={"search_path": "mailprobe", "role": "mailprobe_gateway", "mailprobe.organization": "1"}
    )
    try:
        await connection.execute(INSERT, MONITOR, json.dumps(CONFIG), ring.public().seal(b"pass word", context()))
    finally:
        await connection.close()


class Office:
    """One database, and a directory with its keys."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self.dsn, self.folder, self.keys = dsn, folder, folder / "keys"
        self.archive = folder / "saved.tar"

    async def backup(self, *, keys: Path | None = None) -> Answered:
        arguments = ("backup", str(self.archive), "--keys", str(keys or self.keys))
        return await run_command(*arguments, environment={"MAILPROBE_DATABASE_URL": self.dsn})

    async def restore(self, dsn: str, keys: Path) -> Answered:
        arguments = ("restore", str(self.archive), "--keys", str(keys))
        return await run_command(*arguments, environment={"MAILPROBE_DATABASE_URL": dsn})


@pytest.fixture
async def office(database_dsn: str, tmp_path: Path) -> Office:
    made = Office(database_dsn, tmp_path)
    await run_command("keys", "generate", "--out", str(made.keys), environment={})
    await describe(database_dsn, PrivateKeyRing.from_json((made.keys / "private.json").read_text()))
    return made


async def test_every_row_of_every_table_comes_back(office: Office, databases: DatabasesForTests) -> None:
    assert (await office.backup()).exit_code == 0
    async with databases.empty() as empty:
        brought = await office.restore(empty, office.folder / "elsewhere")
        assert brought.exit_code == 0, brought.output
        before = (await everything_stored(office.dsn)).splitlines()
        assert any(MONITOR in row for row in before)
        assert sorted((await everything_stored(empty)).splitlines()) == sorted(before)


async def test_in_a_directory_the_newest_are_kept_and_nothing_else_is_touched(office: Office) -> None:
    folder = office.folder / "backups"
    folder.mkdir()
    old = [folder / f"mailprobe-2026010{day}T020000Z.tar" for day in (1, 2, 3)]
    others = [folder / "mailprobe-before-the-upgrade.tar", folder / "notes.txt"]
    for path in (*old, *others):
        path.write_text("")
    office.archive = folder
    arguments = ("backup", str(folder), "--keys", str(office.keys), "--keep", "2")
    environment = {"MAILPROBE_DATABASE_URL": office.dsn}
    failed = await run_command(*arguments[:3], str(office.folder), *arguments[4:], environment=environment)
    assert failed.exit_code == 1
    assert all(path.exists() for path in old), "none goes before a new one is there"
    saved = await run_command(*arguments, environment=environment)
    assert saved.exit_code == 0, saved.output
    (new,) = set(folder.iterdir()) - {*old, *others}
    assert re.fullmatch(r"mailprobe-\d{8}T\d{6}Z\.tar", new.name)
    assert set(folder.iterdir()) == {old[-1], new, *others}
    misplaced = await run_command("backup", str(folder / "x.tar"), *arguments[2:], environment=environment)
    assert (misplaced.exit_code, "--keep is for a directory" in misplaced.stderr) == (2, True)


async def test_a_backup_without_the_right_keys_is_refused(office: Office) -> None:
    other = office.folder / "other"
    await run_command("keys", "generate", "--out", str(other), environment={})
    refused = await office.backup(keys=other)
    assert (refused.exit_code, "1 passwords are sealed with the key" in refused.stderr) == (1, True)
    missing = await office.backup(keys=office.folder / "nowhere")
    assert (missing.exit_code, "opens nothing" in missing.stderr) == (1, True)
    assert not office.archive.exists()


async def test_a_backup_that_would_leave_rows_out_is_refused(office: Office) -> None:
    connection = await asyncpg.connect(office.dsn)
    try:
        await connection.execute("DROP POLICY of_backup ON mailprobe.monitors")
    finally:
        await connection.close()
    refused = await office.backup()
    assert (refused.exit_code, "rows of monitors would be left out" in refused.stderr) == (1, True)


async def test_nothing_that_is_there_is_overwritten(office: Office, databases: DatabasesForTests) -> None:
    assert (await office.backup()).exit_code == 0
    again = await office.backup()
    assert (again.exit_code, "is there already" in again.stderr) == (1, True)
    over = await office.restore(office.dsn, office.keys)
    assert (over.exit_code, "restore into an empty one" in over.stderr) == (1, True)
    other = office.folder / "other"
    await run_command("keys", "generate", "--out", str(other), environment={})
    async with databases.empty() as empty:
        mixed = await office.restore(empty, other)
    assert (mixed.exit_code, "holds other keys" in mixed.stderr) == (1, True)


async def test_a_damaged_archive_is_refused_before_anything_is_written(
    office: Office, databases: DatabasesForTests
) -> None:
    assert (await office.backup()).exit_code == 0
    whole = office.archive.read_bytes()
    place = whole.rindex(b"PGDMP") + 2000
    spoiled = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
    for content, said in ((spoiled, "database.dump is not what was saved"), (whole[:700], "no archive")):
        office.archive.write_bytes(content)
        async with databases.empty() as empty:
            refused = await office.restore(empty, office.folder / "elsewhere")
        assert (refused.exit_code, said in refused.stderr) == (1, True), refused.output
    assert not (office.folder / "elsewhere").exists()


async def test_a_data_directory_is_saved_and_brought_back(tmp_path: Path) -> None:
    old, new, archive = tmp_path / "old", tmp_path / "new", tmp_path / "saved.tar"
    directory = DataDirectory(old)
    ring = directory.private_keys()
    directory.channel_private_keys()
    directory.write_secret(directory.first_token, "mp_first\n")
    async with EmbeddedPostgres(directory.postgres, durable=False) as postgres:
        await migrate(postgres.dsn())
        await describe(postgres.dsn(), ring)
        # While it runs,
        running = await run_command("backup", str(tmp_path / "running.tar"), "--data", str(old), environment={})
        assert running.exit_code == 0, running.output
    # and while it does not.
    assert (await run_command("backup", str(archive), "--data", str(old), environment={})).exit_code == 0
    brought = await run_command("restore", str(archive), "--data", str(new), environment={})
    assert brought.exit_code == 0, brought.output
    restored = DataDirectory(new)
    assert restored.first_token.read_text() == "mp_first\n"
    async with EmbeddedPostgres(restored.postgres, durable=False) as postgres:
        stored = await everything_stored(postgres.dsn())
    (sealed,) = re.findall(r"mp1\.[\w.-]+", stored)
    assert restored.private_keys().open(sealed, context()) == b"pass word"
