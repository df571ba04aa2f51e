"""A service whose database is not there yet is alive, not ready, and says what it waits for."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from shared.sealing import generate_key_rings
from tests.support.servers.process import LeashedProcess, free_ports

ROOT = Path(__file__).parents[3]


async def asked(port: int, path: str) -> tuple[int, str]:
    """What the containers' health check says; the exit code and its words."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "shared.runtime.healthcheck",
        path,
        env={"MAILPROBE_ADMIN_PORT": str(port), "PATH": os.environ["PATH"]},
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    words, _ = await process.communicate()
    return process.returncode or 0, words.decode()


@pytest.mark.parametrize("service", ["api_gateway", "scheduler", "result_recorder"])
async def test_who_waits_for_the_database_is_alive_and_not_ready(service: str, tmp_path: Path) -> None:
    nowhere, admin_port, port = free_ports(3)
    public = generate_key_rings()[0].to_json()
    environment = {
        "PATH": os.environ["PATH"],
        "MAILPROBE_DATABASE_URL": f"postgresql://someone:secret@127.0.0.1:{nowhere}/mailprobe",
        "MAILPROBE_AMQP_URL": f"amqp://someone:secret@127.0.0.1:{nowhere}/mailprobe",
        "MAILPROBE_PUBLIC_KEYS": public,
        "MAILPROBE_CHANNEL_PUBLIC_KEYS": public,
        "MAILPROBE_PORT": str(port),
        "MAILPROBE_ADMIN_PORT": str(admin_port),
    }
    process = LeashedProcess(
        [sys.executable, "-m", f"services.{service}"], env=environment, cwd=ROOT, log_path=tmp_path / "log"
    )
    try:

        async def alive() -> bool:
            return (await asked(admin_port, "/livez"))[0] == 0

        await process.until_ready(service, alive)
        code, words = await asked(admin_port, "/readyz")
        assert code == 1
        assert f"waiting for the database 127.0.0.1:{nowhere}/mailprobe" in words
        assert "secret" not in words
    finally:
        await process.stop()


async def test_a_health_check_says_that_nobody_answers() -> None:
    (port,) = free_ports(1)
    code, words = await asked(port, "/readyz")
    assert (code, words.count("\n")) == (1, 1)
    assert f"the admin port {port} does not answer" in words
