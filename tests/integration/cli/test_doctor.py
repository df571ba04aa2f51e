"""The doctor on real servers: a whole system is well, and each thing broken is named with the one thing to do."""

import json
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiosmtpd.controller
import asyncpg
import pytest
from yarl import URL

from services.standalone.data_directory import DataDirectory
from shared.broker import policies
from shared.broker.rabbitmq import RabbitBroker
from shared.broker.topology import core_topology
from shared.database.embedded import EmbeddedPostgres
from shared.database.logins import make_logins
from shared.database.migrations import migrate
from shared.sealing import generate_key_rings
from tests.support.command import run_command
from tests.support.servers.process import free_ports
from tests.support.servers.rabbitmq import GivenRabbit

Examined = Callable[..., Awaitable[dict[str, dict[str, Any]]]]


@dataclass(frozen=True)
class Clinic:
    """What a whole system gives the doctor to look at, and a server to reach."""

    environment: dict[str, str]
    dsn: str

    async def examined(self, *arguments: str, **changed: str) -> tuple[int, dict[str, dict[str, Any]]]:
        """The exit code, and each finding by name."""
        environment = {**self.environment, **{f"MAILPROBE_{name}": value for name, value in changed.items()}}
        answer = await run_command("doctor", "--format", "json", *arguments, environment=environment)
        assert answer.stdout, answer.stderr
        return answer.exit_code, {each["name"]: each for each in json.loads(answer.stdout)}

    async def sql(self, statement: str) -> None:
        connection = await asyncpg.connect(self.dsn, server_settings={"search_path": "mailprobe"})
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@pytest.fixture
async def clinic(database_dsn: str, rabbitmq: GivenRabbit, amqp_vhost: str, amqp_url: str) -> Clinic:
    await policies.apply(rabbitmq.management_url, vhost=amqp_vhost)
    broker = RabbitBroker(amqp_url, service="test", instance="test@here:0")
    await broker.open(timeout_seconds=60)
    await broker.declare(core_topology())
    await broker.close()
    public, private = generate_key_rings()
    channel_public, channel_private = generate_key_rings()
    return Clinic(
        {
            "MAILPROBE_DATABASE_URL": database_dsn,
            "MAILPROBE_AMQP_URL": amqp_url,
            "MAILPROBE_MANAGEMENT_URL": rabbitmq.management_url,
            "MAILPROBE_PUBLIC_KEYS": public.to_json(),
            "MAILPROBE_PRIVATE_KEYS": private.to_json(),
            "MAILPROBE_CHANNEL_PUBLIC_KEYS": channel_public.to_json(),
            "MAILPROBE_CHANNEL_PRIVATE_KEYS": channel_private.to_json(),
            "MAILPROBE_OPERATORS_CHANNEL": "https://alarm.example.org/hook",
        },
        database_dsn,
    )


async def test_what_is_well_is_said_to_be_well(clinic: Clinic) -> None:
    (server,) = free_ports(1)
    smtp = aiosmtpd.controller.Controller(object(), hostname="127.0.0.1", port=server)
    smtp.start()
    try:
        code, found = await clinic.examined(
            f"--mail-server=127.0.0.1:{server}", SMTP_URL=f"smtp://127.0.0.1:{server}", MAIL_FROM="m@example.org"
        )
    finally:
        smtp.stop()
    ill = {name: each for name, each in found.items() if each["standing"] == "ill"}
    assert (code, ill) == (0, {})
    assert {name for name, each in found.items() if each["standing"] == "unseen"} == {"canaries"}
    assert f"egress to port {server}" in found
    assert set(found) >= {"clock", "resolver", "database", "roles", "migrations", "broker", "topology", "policies"}
    assert set(found) >= {"keys", "channel keys", "smtp", "audience", "operators", "isolation", "partitions"}


async def test_each_thing_that_is_wrong_has_one_thing_to_do(clinic: Clinic, rabbitmq: GivenRabbit) -> None:
    (closed,) = free_ports(1)
    other, _ = generate_key_rings()
    vhost = policies.vhost_of(clinic.environment["MAILPROBE_AMQP_URL"])
    await rabbitmq.api("DELETE", f"policies/{vhost}/mailprobe-checks")
    await rabbitmq.api("DELETE", f"queues/{vhost}/mailprobe.results")
    await clinic.sql(
        "INSERT INTO monitors (public_id, organization_id, customer_id, name, hostname, protocol, status, interval_ms,"
        " timeout_seconds, config, sealed_password, credential_id) VALUES (gen_random_uuid(), 1, 10, 'm', 'localhost',"
        " 'imap', 'active', 60000, 30, '{}', 'mp1.klost.AAAA', gen_random_uuid());"
        "INSERT INTO locations (code, name, last_seen_at) VALUES ('here', 'Here', clock_ms());"
        "INSERT INTO location_workers (location_id, protocol, worker, capacity, in_flight, last_seen_at, canaries)"
        " SELECT id, 'imap', 'w', 1, 0, clock_ms(), true FROM locations;"
        "INSERT INTO canaries SELECT id, 'imap', 0, clock_ms() - 600000, true, 'ok' FROM locations;"
    )
    code, found = await clinic.examined(
        f"--mail-server=127.0.0.1:{closed}",
        SMTP_URL=f"smtp://127.0.0.1:{closed}",
        MAIL_FROM="m@example.org",
        CHANNEL_PUBLIC_KEYS=other.to_json(),
    )
    assert code == 1
    ill = {name for name, each in found.items() if each["standing"] == "ill"}
    assert ill == {
        *("topology", "policies", "keys", "channel keys", "smtp", "canary of imap at here", "audience"),
        f"egress to port {closed}",
    }
    assert all(found[name]["remedy"] for name in ill)
    assert "mailprobe.results" in found["topology"]["said"]
    assert found["policies"]["remedy"] == "run `mailprobe broker apply`"
    assert "1 stored secrets are sealed with the key klost" in found["keys"]["said"]
    assert "the private ring lacks" in found["channel keys"]["said"]
    assert re.search(r"the newest passed 6\d\d s ago", found["canary of imap at here"]["said"])


async def test_mail_that_would_go_nowhere_and_canaries_that_fail_are_noticed(clinic: Clinic) -> None:
    await clinic.sql(
        "INSERT INTO notification_channels (public_id, organization_id, name, type, config, secret_names)"
        " VALUES (gen_random_uuid(), 1, 'ops', 'email', '{\"email\": \"ops@example.org\"}', '{}');"
        "INSERT INTO locations (code, name, last_seen_at) VALUES ('here', 'Here', clock_ms());"
        "INSERT INTO location_workers (location_id, protocol, worker, capacity, in_flight, last_seen_at, canaries)"
        " SELECT id, 'imap', 'w', 1, 0, clock_ms(), true FROM locations;"
        "INSERT INTO canaries SELECT id, 'imap', 0, clock_ms() - 9000, true, 'ok' FROM locations;"
        "UPDATE canaries SET stored_at = clock_ms(), passed = false, message = 'no name server answers'"
    )
    code, found = await clinic.examined()
    assert code == 1
    assert (found["smtp"]["standing"], found["canary of imap at here"]["standing"]) == ("ill", "ill")
    assert "1 e-mail channels and 0 monitors' own addresses wait for it" in found["smtp"]["said"]
    assert "MAILPROBE_SMTP_URL" in found["smtp"]["remedy"]
    assert "came through and failed: no name server answers" in found["canary of imap at here"]["said"]
    _, elsewhere = await clinic.examined(CHANNEL_PRIVATE_KEYS="")
    assert elsewhere["smtp"]["standing"] == "unseen", "it is the notifier's to set"


async def test_back_ends_that_do_not_answer_are_findings_not_failures(clinic: Clinic) -> None:
    (closed,) = free_ports(1)
    code, found = await clinic.examined(
        DATABASE_URL=f"postgresql://nobody:secret-word@127.0.0.1:{closed}/mailprobe",
        AMQP_URL=f"amqp://nobody:secret-word@127.0.0.1:{closed}/mailprobe",
        MANAGEMENT_URL=f"http://nobody:secret-word@127.0.0.1:{closed}",
    )
    assert code == 1
    assert {name for name, each in found.items() if each["standing"] == "ill"} == {"database", "broker", "management"}
    assert "secret-word" not in json.dumps(found)


async def test_a_database_that_lags_behind_or_lost_its_isolation_is_noticed(clinic: Clinic) -> None:
    await clinic.sql("ALTER TABLE monitors NO FORCE ROW LEVEL SECURITY")
    _, found = await clinic.examined()
    assert found["isolation"]["standing"] == "ill"
    assert "monitors" in found["isolation"]["said"]
    await clinic.sql("DELETE FROM schema_migrations WHERE version = (SELECT max(version) FROM schema_migrations)")
    code, found = await clinic.examined()
    assert (code, found["migrations"]["remedy"]) == (1, "run `mailprobe migrate`")


async def test_with_nothing_set_it_says_what_it_was_not_given() -> None:
    answer = await run_command("doctor", "--data", "/nonexistent", environment={})
    assert answer.exit_code == 0
    assert "– database: the database is not set here" in answer.stdout
    assert "→ set MAILPROBE_DATABASE_URL" in answer.stdout
    wrong = await run_command("doctor", "--mail-server", "nonsense", environment={})
    assert (wrong.exit_code, "no HOST:PORT" in wrong.stderr) == (2, True)


async def test_a_data_directory_is_looked_at_while_it_runs_and_while_it_does_not(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path / "data")
    directory.private_keys()
    directory.channel_private_keys()
    environment = {"MAILPROBE_DATA": str(tmp_path / "data")}
    async with EmbeddedPostgres(directory.postgres, durable=False) as postgres:
        await migrate(postgres.dsn())
        answer = await run_command("doctor", environment=environment)
    assert "✔ migrations: " in answer.stdout, answer.output
    assert "✔ keys: the halves belong together, and hold the keys of all 0 stored secrets" in answer.stdout
    assert "✔ broker: it is in the process of `mailprobe run`" in answer.stdout
    assert "✖ operators: nobody would be told" in answer.stdout
    assert answer.exit_code == 1
    stopped = await run_command("doctor", environment=environment)
    assert "✖ database: nobody runs the database in" in stopped.stdout


async def test_a_service_s_own_login_is_told_what_it_may_not_see_and_may_not_do(clinic: Clinic, tmp_path: Path) -> None:
    mark = secrets.token_hex(4)
    address = str(URL(clinic.dsn).with_user(f"{mark}-notifier").with_password(mark))
    await make_logins(clinic.dsn, {"notifier": address})
    try:
        code, found = await clinic.examined(DATABASE_URL=address)
        assert code == 0
        assert found["roles"]["said"] == f"{mark}-notifier may act as mailprobe_notifier"
        assert found["partitions"]["standing"] == "unseen"
        assert found["audience"]["standing"] == "well"
        await run_command("keys", "generate", "--out", str(tmp_path), environment={})
        for verb in ("reseal", "drop"):
            refused = await run_command(
                *("keys", verb, "--keys", str(tmp_path)), environment={"MAILPROBE_DATABASE_URL": address}
            )
            assert (refused.exit_code, "Traceback" in refused.stderr) == (1, False)
            assert "permission denied" in refused.stderr
        saved = await run_command(
            *("backup", str(tmp_path / "saved.tar"), "--keys", str(tmp_path)),
            environment={"MAILPROBE_DATABASE_URL": address},
        )
        assert (saved.exit_code, "may not act as mailprobe_backup" in saved.stderr) == (1, True)
    finally:
        database = URL(clinic.dsn).path.removeprefix("/")
        await clinic.sql(f'REVOKE CONNECT ON DATABASE {database} FROM "{mark}-notifier"; DROP ROLE "{mark}-notifier"')
