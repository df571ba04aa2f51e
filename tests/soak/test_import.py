"""Three hundred mailboxes imported by the clock: six processes, RabbitMQ, and a Dovecot with its default limits.

At the shipped pace; it takes as long as three first logins a second take. What happens over hours is tried with a clock
that is moved (tests/end_to_end/test_three_hundred_mailboxes.py).
"""

import csv
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from services.api_gateway.token_store import issue_token
from shared.broker import policies
from shared.database.pool import GATEWAY_ROLE, PIPELINE_ROLE, open_pool
from tests.support.command import run_command
from tests.support.fleet import Fleet
from tests.support.servers.dovecot import DovecotOptions, DovecotServer
from tests.support.servers.rabbitmq import GivenRabbit
from tests.support.watchful_front import watchful_front

ROWS = 300
WRONG = (150, 151)  # of which the penalty is felt by all that come after them
LIMITS = {"auth_failure_delay": "2 secs", "auth_penalty": True, "mail_max_userip_connections": 10, "messages": 0}


def write_file(path: Path, port: int) -> None:
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["address", "password", "user", "host", "port", "security", "interval"])
        for number in range(ROWS):
            given = "mistyped" if number in WRONG else f"secret-{number}"
            table.writerow([f"u{number}@example.com", given, f"u{number}", "127.0.0.1", port, "none", 60])


@pytest.mark.soak
@pytest.mark.timeout(1500)
async def test_three_hundred_rows_are_green_in_real_time(
    tmp_path: Path,
    database_dsn: str,
    rabbitmq: GivenRabbit,
    amqp_vhost: str,
    amqp_url: str,
    start_dovecot: Callable[[DovecotOptions], Awaitable[DovecotServer]],
) -> None:
    accounts = {f"u{number}": f"secret-{number}" for number in range(ROWS)}
    dovecot = await start_dovecot(DovecotOptions(accounts=accounts, **LIMITS))  # type: ignore[arg-type]
    await policies.apply(rabbitmq.management_url, vhost=amqp_vhost)
    async with open_pool(database_dsn, role=GATEWAY_ROLE, application_name="test", max_size=1) as pool:
        token = await issue_token(pool, organization_id=1, name="import", role="admin")
    async with (
        watchful_front(
            dovecot.imap_port, refused=dovecot.rejected_logins, clock_ms=lambda: int(time.monotonic() * 1000)
        ) as front,
        Fleet(tmp_path, database_dsn=database_dsn, amqp_url=amqp_url) as fleet,
    ):
        write_file(tmp_path / "mailboxes.csv", front.port)
        answered = await run_command(
            *("monitors", "import", str(tmp_path / "mailboxes.csv"), "--red", str(tmp_path / "red.csv")),
            environment={"MAILPROBE_URL": fleet.address, "MAILPROBE_TOKEN": token},
            timeout_seconds=1200,
        )
        print(answered.output)
        assert answered.exit_code == 1, answered.output
        assert answered.stdout.startswith(f"{ROWS} rows: {ROWS - len(WRONG)} green, {len(WRONG)} red\n")
        front.look()
        assert (front.banned, front.most_within, dovecot.rejected_logins()) == (False, len(WRONG), len(WRONG))
        async with open_pool(database_dsn, role=PIPELINE_ROLE, application_name="test", max_size=1) as pool:
            assert await pool.fetchval("SELECT count(*) FROM monitors WHERE status = 'active'") == ROWS - len(WRONG)
            assert await pool.fetchval("SELECT count(*) FROM incidents") == 0
