"""Stored secrets of every organization are sealed anew, one by one, and what does not open is named and left alone."""

import json
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest

from shared.notifications.channel_types import ChannelType, open_secrets, seal_secrets
from shared.sealing import PrivateKeyRing, SealBroken
from tests.integration.cli.test_backup import CONFIG, context, describe
from tests.support.command import Answered, run_command

WEBHOOK = {"url": "https://hook.example.org/"}


class Vault:
    """One database, and the directory of its keys."""

    def __init__(self, dsn: str, keys: Path) -> None:
        self.dsn, self.keys = dsn, keys

    def ring(self, name: str = "private.json") -> PrivateKeyRing:
        return PrivateKeyRing.from_json((self.keys / name).read_text())

    async def run(self, verb: str) -> Answered:
        return await run_command(
            *("keys", verb, "--keys", str(self.keys)), environment={"MAILPROBE_DATABASE_URL": self.dsn}
        )

    async def rows(self, statement: str, role: str) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.dsn, server_settings={"search_path": "mailprobe", "role": role})
        try:
            found: list[asyncpg.Record] = await connection.fetch(statement)
            return found
        finally:
            await connection.close()


@pytest.fixture
async def vault(database_dsn: str, tmp_path: Path) -> Vault:
    await run_command("keys", "generate", "--out", str(tmp_path / "keys"), environment={})
    return Vault(database_dsn, tmp_path / "keys")


async def add_channel(vault: Vault, organization: int) -> UUID:
    """A channel of an organization that is made with it."""
    public_id = uuid4()
    sealed = seal_secrets(
        vault.ring("channel-private.json").public(),
        {"secret": "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtMTI="},
        organization_id=organization,
        channel_public_id=public_id,
        channel_type=ChannelType.WEBHOOK,
        config=WEBHOOK,
    )
    connection = await asyncpg.connect(
        vault.dsn,
        server_settings={
            "search_path": "mailprobe",
            "role": "mailprobe_gateway",
            "mailprobe.organization": str(organization),
        },
    )
    try:
        await connection.execute(
            "INSERT INTO notification_channels (public_id, organization_id, name, type, config, sealed_secrets,"
            " secret_names) VALUES ($1, $2, 'hook', 'webhook', $3, $4, '{secret}')",
            *(public_id, organization, json.dumps(WEBHOOK), sealed),
        )
    finally:
        await connection.close()
    return public_id


async def test_passwords_and_channels_open_with_the_new_keys_alone(vault: Vault) -> None:
    await describe(vault.dsn, vault.ring())
    channel = await add_channel(vault, 1)
    old, old_channels = vault.ring(), vault.ring("channel-private.json")
    assert (await vault.run("rotate")).exit_code == 0
    done = await vault.run("reseal")
    assert (done.exit_code, "1 passwords and 1 channels" in done.stdout) == (0, True), done.output
    again = await vault.run("reseal")
    assert "0 passwords and 0 channels" in again.stdout
    assert (await vault.run("drop")).exit_code == 0
    assert set(vault.ring().keys) == {vault.ring().current}
    assert set(vault.ring().keys) & set(old.keys) == set()
    (row,) = await vault.rows("SELECT sealed_password, revision FROM monitors", "mailprobe_pipeline")
    assert vault.ring().open(row["sealed_password"], context()) == b"pass word"
    assert row["revision"] == 1
    with pytest.raises(SealBroken):
        old.open(row["sealed_password"], context())
    (stored,) = await vault.rows("SELECT sealed_secrets FROM notification_channels", "mailprobe_notifier")
    where = {
        "organization_id": 1,
        "channel_public_id": channel,
        "channel_type": ChannelType.WEBHOOK,
        "config": WEBHOOK,
    }
    opened = open_secrets(vault.ring("channel-private.json"), stored["sealed_secrets"], **where)
    assert opened == {"secret": "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtMTI="}
    with pytest.raises(SealBroken):
        open_secrets(old_channels, stored["sealed_secrets"], **where)


async def test_what_does_not_open_is_named_and_left_alone(vault: Vault, tmp_path: Path) -> None:
    await run_command("keys", "generate", "--out", str(tmp_path / "lost"), environment={})
    lost = PrivateKeyRing.from_json((tmp_path / "lost/private.json").read_text())
    await describe(vault.dsn, lost)
    await vault.run("rotate")
    refused = await vault.run("reseal")
    assert (refused.exit_code, "does not open with these rings" in refused.stdout) == (1, True)
    (row,) = await vault.rows("SELECT sealed_password FROM monitors", "mailprobe_pipeline")
    assert lost.open(row["sealed_password"], context()) == b"pass word"
    dropped = await vault.run("drop")
    assert (dropped.exit_code, "still sealed with" in dropped.stderr) == (1, True)
    assert len(vault.ring().keys) == 2


def test_the_context_is_that_of_the_monitor_described() -> None:
    assert CONFIG["user"].encode() in context()
