"""The notifier as a process of its own: before its database, at work, and told to stop."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import aiohttp

from shared.notifications.channel_models import ChannelType
from tests.support.fleet import REPOSITORY
from tests.support.notifier_desk import NotifierDesk
from tests.support.receivers import Mailbox, Receiver
from tests.support.servers.process import LeashedProcess, free_ports
from tests.support.waiting import until


def notifier(desk: NotifierDesk, port: int, log: Path, *, dsn: str, **settings: str) -> LeashedProcess:
    return LeashedProcess(
        [sys.executable, "-m", "services.notifier"],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(log.parent),
            "PYTHONPATH": str(REPOSITORY),
            "PYTHONWARNINGS": "error::ResourceWarning",
            "MAILPROBE_DATABASE_URL": dsn,
            "MAILPROBE_CHANNEL_PRIVATE_KEYS": desk.private.to_json(),
            "MAILPROBE_ADMIN_PORT": str(port),
            "MAILPROBE_LOG_FORMAT": "json",
            "MAILPROBE_ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8",
            **settings,
        },
        cwd=REPOSITORY,
        log_path=log,
    )


async def status(port: int, path: str) -> int:
    try:
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as answer:
            return answer.status
    except (aiohttp.ClientError, OSError):
        return 0


async def test_it_tells_within_seconds_keeps_secrets_out_of_its_log_and_ends_when_told_to(
    desk: NotifierDesk, box: Mailbox, receiver: Receiver, tmp_path: Path
) -> None:
    await desk.free_clock()
    await desk.add_monitors(1, 1)
    await desk.add_channel(ChannelType.WEBHOOK, {"url": receiver.url, "secret": "hunter2"})
    await desk.add_channel(ChannelType.EMAIL, {"email": "ops@example.com"})
    (port,) = free_ports(1)
    process = notifier(
        desk,
        port,
        tmp_path / "log",
        dsn=desk.dsn,
        MAILPROBE_SMTP_URL=box.url,
        MAILPROBE_MAIL_FROM="mailprobe@example.com",
        MAILPROBE_OPERATORS_CHANNEL="http://127.0.0.1:9/hunter2",
    )
    try:

        async def ready() -> bool:
            return await status(port, "/readyz") == 200

        await process.until_ready("notifier", ready)
        await desk.fail(1)

        async def told() -> bool:
            return len(receiver.requests) == 1 and len(box.mails) == 1

        await until("both are told", told)
        receiver.behaviour = "500"
        await desk.recover(1)

        async def told_again() -> bool:
            return receiver.tried >= 2 and len(box.mails) == 2

        await until("the end is told", told_again)
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as answer:
            metrics = await answer.text()
        assert 'mailprobe_notifications_total{channel="webhook",outcome="sent"} 1.0' in metrics
        assert "mailprobe_outbox_pending" in metrics
    finally:
        await process.stop()
    log = (tmp_path / "log").read_text()
    assert '"stopped"' in log
    assert "hunter2" not in log
    assert desk.private.to_json() not in log


async def test_without_a_database_it_lives_and_is_not_ready(desk: NotifierDesk, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    process = notifier(desk, port, tmp_path / "log", dsn="postgresql://nobody:hunter2@127.0.0.1:1/none")
    try:

        async def alive() -> bool:
            return await status(port, "/livez") == 200

        await process.until_ready("notifier", alive)
        assert await status(port, "/readyz") == 503
        process.send(signal.SIGTERM)
        await asyncio.sleep(0)
    finally:
        await process.stop()
    assert "hunter2" not in (tmp_path / "log").read_text()
