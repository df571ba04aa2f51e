"""From settings to running services: data directory, database, first token, a word to whoever started it."""

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_address, ip_network
from pathlib import Path

from services.api_gateway.people.operating import set_up_link
from services.api_gateway.token_store import issue_token
from services.notifier.service import somebody_is_told
from services.standalone.announcement import announcement
from services.standalone.composition import compose
from services.standalone.data_directory import DataDirectory
from services.standalone.stages import Stage, run_in_order
from shared.database.embedded import EmbeddedPostgres, EmbeddedPostgresError
from shared.database.errors import DatabaseError
from shared.database.migrations import MigrationError, migrate
from shared.database.pool import GATEWAY_ROLE, NOTIFIER_ROLE, PIPELINE_ROLE, Pool, open_pool
from shared.runtime import lifecycle
from shared.runtime.admin import AdminServer
from shared.runtime.lifecycle import StartError, listening_fault
from shared.runtime.settings import StandaloneSettings

_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
_FIRST_ORGANIZATION = 1

# What may be wrong around us, and says so in a sentence.
EXPECTED = (EmbeddedPostgresError, MigrationError, DatabaseError)


@dataclass(frozen=True, slots=True)
class Running:
    """Where a standalone mailprobe is, and its first token."""

    address: str
    token: str = field(repr=False)
    token_file: Path
    set_up_link: str | None = field(default=None, repr=False)  # while nobody can sign in
    somebody_told: bool = True  # whether any channel would hear of an outage


Beside = Callable[[Running, asyncio.Event], Awaitable[None]]
"""Something that lives beside the services, until its event is set."""


def main() -> int:
    """Run with the settings of the environment."""
    return run_standalone()


def run_standalone(*, host: str | None = None, port: int | None = None, data: Path | None = None) -> int:
    """Run until told to stop; answers with the exit code. What is given goes before the environment."""
    given = {"host": host, "port": port, "data": data}

    async def serve(stop: asyncio.Event) -> None:
        settings = StandaloneSettings.load(**{name: value for name, value in given.items() if value is not None})
        await serve_standalone(settings, stop)

    return lifecycle.run("standalone", serve, expected=EXPECTED)


async def announce(running: Running, stop: asyncio.Event) -> None:
    """Tell whoever started us where everything is, and let it run."""
    text = announcement(
        running.address,
        running.token,
        running.token_file,
        somebody_told=running.somebody_told,
        set_up_link=running.set_up_link,
    )
    print(text, flush=True)
    await stop.wait()


async def serve_standalone(settings: StandaloneSettings, stop: asyncio.Event, *, beside: Beside = announce) -> None:
    """Serve until `stop` is set. `beside` is started after the services and stopped before them."""
    # Whoever tries mailprobe out tries it on a server of their own machine first.
    settings = settings.model_copy(
        update={"allowed_private_networks": (*settings.allowed_private_networks, *_LOOPBACK)}
    )
    # First of all: a port in use is better said now than after half a minute of preparations.
    with _listening(settings.host, settings.port) as listener:
        directory = DataDirectory(settings.data)
        async with AsyncExitStack() as opened:
            dsn = await _database(settings, directory, opened)
            await migrate(dsn, said=_say)
            gateway_pool = await opened.enter_async_context(
                open_pool(dsn, role=GATEWAY_ROLE, application_name="mailprobe api_gateway")
            )
            pipeline_pool = await opened.enter_async_context(
                open_pool(dsn, role=PIPELINE_ROLE, application_name="mailprobe pipeline")
            )
            notifier_pool = await opened.enter_async_context(
                open_pool(dsn, role=NOTIFIER_ROLE, application_name="mailprobe notifier")
            )
            token = await _first_token(directory, gateway_pool)
            await opened.enter_async_context(AdminServer(settings.admin_host, settings.admin_port, {}))
            stages = await compose(
                settings,
                dsn=dsn,
                gateway_pool=gateway_pool,
                pipeline_pool=pipeline_pool,
                notifier_pool=notifier_pool,
                keys=directory.private_keys(),
                channel_keys=directory.channel_private_keys(),
                listener=listener,
                opened=opened,
            )
            running = Running(
                address=_address(settings),
                token=token,
                token_file=directory.first_token,
                set_up_link=await _set_up_link(gateway_pool, settings),
                somebody_told=await somebody_is_told(notifier_pool),
            )
            await run_in_order([*stages, Stage("beside", partial(beside, running))], stop)


async def _database(settings: StandaloneSettings, directory: DataDirectory, opened: AsyncExitStack) -> str:
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    _say(f"Starting the database in {directory.postgres}")
    postgres = await opened.enter_async_context(EmbeddedPostgres(directory.postgres))
    return postgres.dsn()


async def _first_token(directory: DataDirectory, gateway_pool: Pool) -> str:
    """The token of the first start, made when there is none; its file is its only copy."""
    if directory.first_token.exists():
        return directory.first_token.read_text().strip()
    token = await issue_token(
        gateway_pool, organization_id=_FIRST_ORGANIZATION, name="First token of this installation", role="admin"
    )
    directory.write_secret(directory.first_token, token + "\n")
    return token


async def _set_up_link(gateway_pool: Pool, settings: StandaloneSettings) -> str | None:
    """How the first person signs up; a new one with each start until somebody has, as none is kept in the clear."""
    made = await set_up_link(gateway_pool, settings.public_url or _address(settings), operator="mailprobe run")
    return None if made is None else made[0]


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        way_out = (
            f"choose another port with: make run PORT={port + 1 if port < 65535 else 8080}"
            if error.errno in (errno.EADDRINUSE, errno.EACCES)
            else "set MAILPROBE_HOST to an address of this machine"
        )
        raise StartError(f"cannot listen on {host}:{port}: {listening_fault(error)}; {way_out}") from None


def _address(settings: StandaloneSettings) -> str:
    try:
        everywhere = ip_address(settings.host).is_unspecified
    except ValueError:
        everywhere = False
    host = "127.0.0.1" if everywhere else settings.host
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def _say(line: str) -> None:
    print(line, flush=True)
