"""Processes of this release beside those of the one before, over a real broker: the order of an upgrade, half done."""

import asyncio
import json
import time
from typing import Any
from uuid import uuid4

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage

from shared.database.pool import PIPELINE_ROLE, open_pool
from tests.end_to_end.conftest import Whole
from tests.end_to_end.test_life_of_a_check import checked, created, documented_body
from tests.support.conservation import assert_conserved
from tests.support.release_before import assert_readable, message, publish_before, worker_before
from tests.support.waiting import until

MONITORS = 8


async def described(whole: Whole) -> list[str]:
    monitors = []
    for number in range(MONITORS):
        await whole.dovecot.set_password(f"user{number}", "right password")
        body = documented_body(whole.dovecot.imap_port)
        body |= {"checkInterval": 0.5, "timeoutSeconds": 20}
        body["imapPopConfig"] = {"protocol": "imap", "user": f"user{number}", "password": "right password"}
        monitors.append(await created(whole, body))
    for monitor in monitors:
        await checked(whole, monitor)
    return monitors


async def workers_of(whole: Whole, monitors: list[str]) -> dict[str, int]:
    """How many checks each worker made."""
    made: dict[str, int] = {}
    for monitor in monitors:
        for check in await whole.api.history(monitor):
            assert (check["status"], check["errorMessage"]) == ("success", None)
            worker = check["diagnostics"]["worker"].partition("@")[2].partition(":")[0]
            made[worker] = made.get(worker, 0) + 1
    return made


@pytest.mark.timeout(900)
async def test_a_worker_of_the_release_before_works_beside_a_new_one(whole: Whole) -> None:
    monitors = await described(whole)
    async with worker_before(whole.rabbitmq.amqp_url(whole.vhost)) as old:

        async def both_have_worked() -> bool:
            for monitor in monitors:
                await whole.api.call("POST", f"/api/imap-pop-monitors/{monitor}/trigger-check")
            made = await workers_of(whole, monitors)
            return made.get("release-before", 0) >= 5 and sum(made.values()) - made["release-before"] >= 5 + MONITORS

        await until("both have made checks", both_have_worked, timeout_seconds=240)
        for monitor in monitors:
            status, _ = await whole.api.call("PATCH", f"/api/imap-pop-monitors/{monitor}", {"status": "disabled"})
            assert status == 200
        async with open_pool(whole.database_dsn, role=PIPELINE_ROLE, application_name="test") as pool:
            await assert_conserved(pool, settled=True, timeout_seconds=240)
            recorded = {str(row["check_id"]) for row in await pool.fetch("SELECT check_id FROM results")}
            assert await pool.fetchval("SELECT count(*) FROM incidents") == 0
            assert await pool.fetchval("SELECT count(*) FROM login_history WHERE outcome <> 'accepted'") == 0
    assert old.answered
    assert set(old.answered) <= recorded
    dead = await whole.rabbitmq.api("GET", f"queues/{whole.vhost}/mailprobe.dead-letters")
    assert dead.get("messages", 0) == 0


async def test_a_scheduler_recorder_and_gateway_of_the_release_before_understand_a_new_worker(whole: Whole) -> None:
    """What its scheduler asked is done; what our worker says, its recorder and its gateway can read."""
    await whole.fleet.stop("result_recorder")
    await whole.fleet.stop("scheduler")
    heard: dict[str, list[dict[str, Any]]] = {"results": [], "reply": [], "presence": []}

    def hearing(what: str, before: dict[str, Any]) -> Any:
        async def hear(delivery: AbstractIncomingMessage) -> None:
            assert delivery.type == before["type"]
            heard[what].append(json.loads(delivery.body))

        return hear

    connection = await aio_pika.connect_robust(whole.rabbitmq.amqp_url(whole.vhost))
    async with connection, await connection.channel() as channel:
        own = "mailprobe.replies.api_gateway@release-before:1"
        for what, exchange, key in (
            ("results", "mailprobe.results", "#"),
            ("presence", "mailprobe.presence", "#"),
            ("reply", "mailprobe.replies", own),
        ):
            queue = await channel.declare_queue(own if what == "reply" else "", exclusive=True)
            await queue.bind(exchange, key)
            like = message("results-made" if what == "results" else "reply-made" if what == "reply" else "presence")
            await queue.consume(hearing(what, like), no_ack=True)

        now = int(time.time() * 1000)
        for name, lane in (("jobs-scheduled", "due"), ("jobs-test", "now")):
            (job, *_) = message(name)["body"]["jobs"]
            job |= {"check_id": str(uuid4()), "location": "default", "slot_at": now, "start_at": now}
            job |= {"not_after": now + 30_000, "credential_id": None}
            job["target"] |= {"hostname": "127.0.0.1", "port": whole.dovecot.imap_port, "security": "none"}
            job["target"] |= {"user": None, "sealed_password": None, "authorization_id": None, "auth": "auto"}
            if job["reply_to"] is not None:
                job["reply_to"] = own
            await publish_before(channel, name, {"published_at": now, "jobs": [job]}, key=f"imap.default.{lane}")

        async def all_heard() -> bool:
            return all(heard.values())

        await until("results, a reply and a sign of life", all_heard, timeout_seconds=240)
        await asyncio.sleep(0)
    for batch in heard["results"]:
        assert_readable(batch, message("results-made")["body"])
    for batch in heard["reply"]:
        assert_readable(batch, message("reply-made")["body"])
        assert batch["results"][0]["outcome"]["kind"] == "ok"
    for presence in heard["presence"]:
        assert_readable(presence, message("presence")["body"])
