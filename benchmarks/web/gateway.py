"""A gateway of its own on a database of its own, with nothing else running beside it."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from benchmarks.web.seeding import seed_history, seed_monitors
from shared.database.embedded import EmbeddedPostgres
from shared.database.migrations import migrate
from shared.database.pool import GATEWAY_ROLE, PIPELINE_ROLE, connect, open_pool, organization_transaction
from shared.sealing import generate_key_rings

_READY_SECONDS = 60
_REPOSITORY = Path(__file__).parents[2]


@asynccontextmanager
async def serving(folder: Path, monitors: int) -> AsyncIterator[tuple[str, str, dict[str, str]]]:
    """Its address, a token, and the environment an operator's command needs."""
    async with EmbeddedPostgres(folder / "postgres") as postgres:
        dsn = postgres.dsn()
        await migrate(dsn)
        print(f"web: writing {monitors:,} monitors with their checks and their month …", flush=True)
        await _seeded(dsn, monitors)
        (public, _), (channel_public, _) = generate_key_rings(), generate_key_rings()
        port = _free_port()
        environment = {
            "PATH": os.defpath,
            "HOME": str(folder),
            "PYTHONPATH": str(_REPOSITORY),
            "MAILPROBE_DATABASE_URL": dsn,
            # Nobody is there: only tests of monitors would need a broker.
            "MAILPROBE_AMQP_URL": "amqp://nobody:nothing@127.0.0.1:9/none",
            "MAILPROBE_PUBLIC_KEYS": public.to_json(),
            "MAILPROBE_CHANNEL_PUBLIC_KEYS": channel_public.to_json(),
            "MAILPROBE_PORT": str(port),
            "MAILPROBE_RATE_LIMIT_TOKEN": "1000000",
            "MAILPROBE_LOG_LEVEL": "error",
        }
        address = f"http://127.0.0.1:{port}"
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.api_gateway", env=environment, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            await _answering(address)
            yield address, await command(environment, "token", "create", "bench", "--role", "admin"), environment
        finally:
            process.terminate()
            await process.wait()


async def command(environment: dict[str, str], *arguments: str) -> str:
    """What a command of ours prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli.main", *arguments, env=environment, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"mailprobe {' '.join(arguments)} failed")
    return said.decode().strip()


async def _seeded(dsn: str, monitors: int) -> None:
    patient = 600.0
    async with (
        open_pool(dsn, role=GATEWAY_ROLE, application_name="bench", command_timeout_seconds=patient) as pool,
        organization_transaction(pool, 1) as connection,
    ):
        await seed_monitors(connection, monitors)
    async with open_pool(dsn, role=PIPELINE_ROLE, application_name="bench", command_timeout_seconds=patient) as pool:
        await seed_history(pool)
    owner = await connect(dsn, role=None, application_name="bench", command_timeout_seconds=patient)
    try:
        await owner.execute("VACUUM ANALYZE")
    finally:
        await owner.close()


async def _answering(address: str) -> None:
    async with asyncio.timeout(_READY_SECONDS), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"{address}/livez") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
