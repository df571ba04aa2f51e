"""The gateway as a process of its own: it starts, serves over real Postgres and RabbitMQ, and stops when told."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from services.api_gateway.token_store import issue_token
from shared.broker.envelope import reply_message
from shared.broker.rabbitmq import RabbitBroker
from shared.broker.seam import PublishOutcome
from shared.checks.messages import CheckResult
from shared.checks.outcome import Outcome
from shared.checks.vocabulary import CheckKind, OutcomeKind, Phase
from shared.database.pool import GATEWAY_ROLE, PIPELINE_ROLE, open_pool
from shared.sealing import generate_key_rings
from tests.support.servers.process import free_ports

_ROOT = Path(__file__).parents[3]


async def started(env: Mapping[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.api_gateway",
        cwd=_ROOT,
        env={"PATH": os.environ["PATH"], "MAILPROBE_LOG_FORMAT": "json", **env},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )


async def ended(process: asyncio.subprocess.Process) -> tuple[int, str]:
    async with asyncio.timeout(60):
        _, said = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


async def test_it_serves_until_it_is_told_to_stop(database_dsn: str, amqp_url: str) -> None:
    public, _ = generate_key_rings()
    port, admin_port = free_ports(2)
    async with open_pool(database_dsn, role=GATEWAY_ROLE, application_name="test") as pool:
        token = await issue_token(pool, 1, "test", "admin")
    process = await started(
        {
            "MAILPROBE_DATABASE_URL": database_dsn,
            "MAILPROBE_AMQP_URL": amqp_url,
            "MAILPROBE_PUBLIC_KEYS": public.to_json(),
            "MAILPROBE_CHANNEL_PUBLIC_KEYS": public.to_json(),
            "MAILPROBE_PORT": str(port),
            "MAILPROBE_ADMIN_PORT": str(admin_port),
        }
    )
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session, asyncio.timeout(60):
            while not await _is_ready(session):
                assert process.returncode is None
                await asyncio.sleep(0.05)
            async with session.get(f"http://127.0.0.1:{admin_port}/readyz") as answer:
                assert (await answer.json())["checks"] == {"database": "ok", "broker": "ok"}
            body = {"customerId": 10, "name": "n", "hostname": "mail.example.com"}
            headers = {"Authorization": f"Bearer {token}", "Content-Encoding": "br"}
            async with session.post("/api/imap-pop-monitors", json=body, headers=headers) as answer:
                assert (answer.status, answer.content_type) == (415, "application/problem+json")
            del headers["Content-Encoding"]
            await _a_location(database_dsn)
            async with session.post("/api/imap-pop-monitors", json=body, headers=headers) as answer:
                assert answer.status == 201
            answering = asyncio.create_task(_answer_one_test(database_dsn, amqp_url))
            async with session.post("/api/imap-pop-monitors/test", json=body, headers=headers) as answer:
                assert (answer.status, (await answer.json())["success"]) == (200, True)
            await answering
    finally:
        process.send_signal(signal.SIGTERM)
        code, said = await ended(process)
    assert code == 0, said
    assert token not in said


async def test_missing_settings_are_named_in_sentences() -> None:
    code, said = await ended(await started({}))
    assert code == 78
    for name in (
        "MAILPROBE_DATABASE_URL",
        "MAILPROBE_AMQP_URL",
        "MAILPROBE_PUBLIC_KEYS",
        "MAILPROBE_CHANNEL_PUBLIC_KEYS",
    ):
        assert f"{name} is not set" in said
    assert "Traceback" not in said


async def _a_location(dsn: str) -> None:
    async with open_pool(dsn, role=PIPELINE_ROLE, application_name="test") as pool:
        await pool.execute("INSERT INTO locations (code, name, last_seen_at) VALUES ('fra', 'FRA', clock_ms())")
        await pool.execute("INSERT INTO location_workers VALUES (0, 'imap', 'w@h:1', 1, 0, clock_ms())")


async def _answer_one_test(dsn: str, amqp_url: str) -> None:
    """Stand in for scheduler and worker, over the real broker."""
    broker = RabbitBroker(amqp_url, service="imap_worker", instance="imap_worker@test:1")
    try:
        await broker.open(timeout_seconds=60)
        async with open_pool(dsn, role=PIPELINE_ROLE, application_name="test") as pool, asyncio.timeout(60):
            asked = "SELECT * FROM check_requests WHERE kind = 'test'"
            while (row := await pool.fetchrow(asked)) is None:  # noqa: ASYNC110 - nobody tells us
                await asyncio.sleep(0.05)
        result = CheckResult(
            check_id=row["check_id"],
            kind=CheckKind.TEST,
            organization_id=1,
            monitor_id=0,
            monitor_public_id=row["monitor_public_id"],
            revision=0,
            location="fra",
            slot_at=row["slot_at"],
            start_at=row["start_at"],
            started_at=row["start_at"],
            interval_ms=60_000,
            record=False,
            outcome=Outcome(kind=OutcomeKind.OK, phase=Phase.LOGOUT, message="All is well."),
        )
        outcomes = await broker.publish([reply_message(result, reply_to=row["reply_to"])], timeout_seconds=20)
        assert outcomes == [PublishOutcome.CONFIRMED]
    finally:
        await broker.close()


async def _is_ready(session: aiohttp.ClientSession) -> bool:
    try:
        async with session.get("/readyz") as answer:
            return answer.status == 200
    except aiohttp.ClientConnectionError:
        return False
