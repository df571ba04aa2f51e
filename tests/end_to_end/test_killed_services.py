"""Each service is killed once under way, and every slot is still accounted for."""

import asyncio

import pytest

from shared.database.pool import PIPELINE_ROLE, open_pool
from tests.end_to_end.conftest import Whole
from tests.end_to_end.test_life_of_a_check import checked, created, documented_body
from tests.support.conservation import assert_conserved
from tests.support.fleet import SERVICES

MONITORS = 12


@pytest.mark.timeout(900)
async def test_every_slot_has_a_result_or_is_missed_after_each_service_was_killed(whole: Whole) -> None:
    monitors = []
    for number in range(MONITORS):
        body = documented_body(whole.dovecot.imap_port if number % 2 else whole.dovecot.pop3_port)
        body |= {"checkInterval": 0.5, "timeoutSeconds": 20}
        protocol = "imap" if number % 2 else "pop3"
        await whole.dovecot.set_password(f"user{number}", "right password")
        body["imapPopConfig"] = {"protocol": protocol, "user": f"user{number}", "password": "right password"}
        monitors.append(await created(whole, body))
    for public_id in monitors:
        await checked(whole, public_id)

    for service in SERVICES:
        await whole.fleet.kill(service)
        await asyncio.sleep(4)
        whole.fleet.launch(service)
        await whole.fleet.until_ready(service)
        await asyncio.sleep(4)

    for public_id in monitors:
        status, _ = await whole.api.call("PATCH", f"/api/imap-pop-monitors/{public_id}", {"status": "disabled"})
        assert status == 200
    async with open_pool(whole.database_dsn, role=PIPELINE_ROLE, application_name="test") as pool:
        found = await assert_conserved(pool, settled=True, timeout_seconds=240)
        failed = await pool.fetch("SELECT outcome, message FROM results WHERE NOT passed")
        logins = await pool.fetch("SELECT * FROM login_history WHERE outcome = 'refused'")
    assert found.claimed == found.results + found.missed
    assert found.claimed > MONITORS
    assert found.results > found.claimed / 3, "most slots were lost to the kills"
    assert [dict(row) for row in failed] == []
    assert logins == []
    dead = await whole.rabbitmq.api("GET", f"queues/{whole.vhost}/mailprobe.dead-letters")
    assert dead.get("messages", 0) == 0
