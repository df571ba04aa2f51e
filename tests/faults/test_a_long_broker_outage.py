"""The broker is away, and when it is back thousands of mailboxes on one Dovecot of default limits are due at once.

At the shipped pace. None of them may fail because of us: no refusal, no limit met, no incident; each is looked at once.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from services.api_gateway.token_store import issue_token
from shared.database.pool import GATEWAY_ROLE, PIPELINE_ROLE, open_pool, organization_transaction
from tests.support.conservation import assert_conserved
from tests.support.faults import results
from tests.support.faults.drill import SETTLED_SECONDS, Ground
from tests.support.faults.farm import CUSTOMER
from tests.support.faults.ledger import Books, worst_lateness_s
from tests.support.fleet import Api, Fleet
from tests.support.servers.dovecot import DovecotOptions, DovecotServer
from tests.support.waiting import until

LIMITS: dict[str, Any] = {
    "auth_failure_delay": "2 secs",
    "auth_penalty": True,
    "mail_max_userip_connections": 10,
    "messages": 0,
}
BATCH = 200

# Their passwords are known to be good: thousands of first logins, three a second, are another story.
_PROVEN = """
INSERT INTO login_credentials (credential_id, organization_id, host, user_name, outcome, ever_accepted, at_ms)
SELECT credential_id, organization_id, lower(hostname), lower(config->>'user'), 'accepted', true, clock_ms()
FROM monitors
"""
_CHECKED_SINCE = "SELECT count(DISTINCT monitor_id) FROM results WHERE started_at > $1"


def described(user: str, port: int, minutes: float) -> dict[str, Any]:
    return {
        "customerId": CUSTOMER,
        "name": user,
        "hostname": "127.0.0.1",
        "port": port,
        "checkInterval": minutes,
        "status": "disabled",
        "imapPopConfig": {"protocol": "imap", "user": user, "password": "secret", "security": "none"},
    }


async def set_status(dsn: str, status: str) -> None:
    async with (
        open_pool(dsn, role=GATEWAY_ROLE, application_name="test", max_size=1, command_timeout_seconds=300) as pool,
        organization_transaction(pool, 1) as connection,
    ):
        await connection.execute("UPDATE monitors SET status = $1, revision = revision + 1", status)
        await connection.execute("SELECT pg_notify('mailprobe_monitors', 'all')")


async def add_monitors(api: Api, dovecot: DovecotServer, users: list[str], minutes: float) -> None:
    for first in range(0, len(users), BATCH):
        items = [
            {"method": "create", "body": described(user, dovecot.imap_port, minutes)}
            for user in users[first : first + BATCH]
        ]
        status, answer = await api.call("POST", "/api/imap-pop-monitors:batch", {"items": items})
        assert status == 200, answer
        assert answer["failed"] == 0, answer["results"][:2]


@pytest.mark.chaos
@pytest.mark.timeout(5400)
@pytest.mark.parametrize(
    ("monitors", "outage_seconds", "minutes"), [(400, 120, 2.0), (4000, 1200, 20.0)], ids=["scaled", "full"]
)
async def test_no_mailbox_fails_after_the_broker_was_away(
    own_ground: Ground,
    start_dovecot: Callable[[DovecotOptions], Awaitable[DovecotServer]],
    say: Callable[[str], None],
    monitors: int,
    outage_seconds: int,
    minutes: float,
) -> None:
    name = (
        f"RabbitMQ away for {outage_seconds // 60} minutes, {monitors} mailboxes on one Dovecot of default limits,"
        f" every {minutes:.0f} minutes"
    )
    say(f"{name} …")
    users = [f"user{number}" for number in range(monitors)]
    dovecot = await start_dovecot(DovecotOptions(accounts=dict.fromkeys(users, "secret"), **LIMITS))
    async with open_pool(own_ground.dsn, role=GATEWAY_ROLE, application_name="test", max_size=1) as pool:
        token = await issue_token(pool, organization_id=1, name="outage", role="admin")
    rabbit = own_ground.rabbit
    async with (
        Fleet(own_ground.state, database_dsn=own_ground.dsn, amqp_url=rabbit.given.amqp_url(own_ground.vhost)) as fleet,
        Api(fleet.address, token) as api,
        open_pool(own_ground.dsn, role=PIPELINE_ROLE, application_name="test", max_size=2) as pool,
    ):
        await add_monitors(api, dovecot, users, minutes)
        await pool.execute(_PROVEN)
        await set_status(own_ground.dsn, "active")

        async def checked_since(at_ms: int, share: float) -> bool:
            return int(await pool.fetchval(_CHECKED_SINCE, at_ms)) >= share * monitors

        await until("checks to begin", lambda: checked_since(0, 0.05), timeout_seconds=600)
        before = (await Books.read(pool)).claimed
        away_ms = int(await pool.fetchval("SELECT mailprobe.clock_ms()"))
        await rabbit.kill()
        try:
            await asyncio.sleep(outage_seconds)
        finally:
            back, back_ms = time.monotonic(), int(await pool.fetchval("SELECT mailprobe.clock_ms()"))
            await rabbit.start()
        await until("a check since", lambda: checked_since(back_ms, 1 / monitors), timeout_seconds=600)
        recovery_s = time.monotonic() - back
        say(f"  recovered in {recovery_s:.1f} s; every mailbox is looked at once more")
        await until(
            "every mailbox to be checked again",
            lambda: checked_since(back_ms, 1),
            timeout_seconds=3 * 60 * minutes + 600,
        )
        caught_up_s = time.monotonic() - back
        await set_status(own_ground.dsn, "disabled")
        # What waits in line is let go as its turn comes, and the line may be as long as an interval.
        kept = await assert_conserved(pool, settled=True, timeout_seconds=60 * minutes + SETTLED_SECONDS)
        books = await Books.read(pool)
        failed = await pool.fetch("SELECT outcome, message FROM results WHERE NOT passed LIMIT 5")
        passed = await pool.fetchval("SELECT count(*) FROM results WHERE passed")
        row = results.FaultRow(
            name,
            faults=1,
            slots=kept.claimed - before,
            lost=len(books.faults) + max(0, passed - dovecot.accepted_logins()),
            duplicates_recorded=books.recorded_twice,
            false_incidents=len(books.incidents),
            worst_lateness_s=await worst_lateness_s(pool, since_ms=away_ms),
            recovery_s=recovery_s,
            remark=f"all of them checked again after {caught_up_s / 60:.1f} minutes, at five logins a second",
        )
    results.append(row)
    assert [dict(each) for each in failed] == []
    assert dovecot.rejected_logins() == 0
    assert "Maximum number of connections" not in dovecot.log()
    assert row.sound
