"""A Postgres and a RabbitMQ of the benchmark's own, both as durable as in production, gone with the process."""

import asyncio
import contextlib
import secrets
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.pipeline.cpu import OURSELVES
from shared.broker import policies
from shared.broker.management import ManagementFailed
from shared.database.embedded import SUPERUSER, EmbeddedPostgres
from shared.database.embedded_process import free_port, stop_with_parent
from shared.database.migrations import migrate
from shared.database.pool import Connection, connect

# The wrapper in /usr/sbin insists on the system's own node.
_RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_VHOST = "mailprobe"
_READY_SECONDS = 600
_PATIENT_SECONDS = 3600.0

_CONFIG = """\
listeners.tcp.1 = 127.0.0.1:{amqp}
management.tcp.ip = 127.0.0.1
management.tcp.port = {management}
default_user = mailprobe
default_pass = {password}
default_user_tags.administrator = true
default_permissions.configure = .*
default_permissions.read = .*
default_permissions.write = .*
disk_free_limit.absolute = 1GB
log.console = false
"""


class NoRabbitHere(Exception):
    """RabbitMQ is not installed, or does not start; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Servers:
    """Both of them. `owner`: for looking, loading and floors; it bypasses row-level security."""

    dsn: str
    postmaster: int
    owner: Connection
    amqp_url: str
    broker: int  # its process


@asynccontextmanager
async def servers(folder: Path, *, settings: Mapping[str, str] | None = None) -> AsyncIterator[Servers]:
    """Started, migrated and with our policies; Postgres with these `settings`. Raises NoRabbitHere."""
    async with AsyncExitStack() as stack:
        postgres = await stack.enter_async_context(EmbeddedPostgres(folder / "postgres", settings=settings))
        await migrate(postgres.dsn())
        # Our own role for what it owns, a superuser where rows are copied past row-level security.
        owner = await connect(
            postgres.dsn(user=SUPERUSER),
            role=None,
            application_name=OURSELVES,
            command_timeout_seconds=_PATIENT_SECONDS,
        )
        stack.push_async_callback(_closed, owner)
        amqp_url, process = await stack.enter_async_context(_rabbit(folder / "rabbitmq"))
        assert postgres.pid is not None
        yield Servers(postgres.dsn(), postgres.pid, owner, amqp_url, process)


async def _closed(connection: Connection) -> None:
    with contextlib.suppress(TimeoutError):
        await connection.close(timeout=5)


@asynccontextmanager
async def _rabbit(home: Path) -> AsyncIterator[tuple[str, int]]:
    amqp, management, node, epmd = (free_port() for _ in range(4))
    password = secrets.token_urlsafe(16)
    process = _launched(home, password, amqp=amqp, management=management, node=node, epmd=epmd)
    try:
        management_url = f"http://mailprobe:{password}@127.0.0.1:{management}"
        await _ready(process, management_url)
        yield f"amqp://mailprobe:{password}@127.0.0.1:{amqp}/{_VHOST}", process.pid
    finally:
        await asyncio.to_thread(_ended, process, epmd)


def _launched(
    home: Path, password: str, *, amqp: int, management: int, node: int, epmd: int
) -> "subprocess.Popen[bytes]":
    if not _RABBITMQ.exists():
        raise NoRabbitHere("there is no RabbitMQ here; on Debian: apt-get install rabbitmq-server")
    home.mkdir()
    (home / "enabled_plugins").write_text("[rabbitmq_management].\n")
    (home / "no-environment.conf").write_text("")
    config = home / "rabbitmq.conf"
    config.write_text(_CONFIG.format(amqp=amqp, management=management, password=password))
    config.chmod(0o600)
    return subprocess.Popen(
        [_RABBITMQ],
        env=_environment(home, amqp=amqp, node=node, epmd=epmd),
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=stop_with_parent(),
    )


def _ended(process: "subprocess.Popen[bytes]", epmd: int) -> None:
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    # The port mapper of this node alone, which outlives it.
    subprocess.run(["/usr/bin/epmd", "-port", str(epmd), "-kill"], capture_output=True, timeout=10, check=False)


async def _ready(process: "subprocess.Popen[bytes]", management_url: str) -> None:
    async with asyncio.timeout(_READY_SECONDS):
        while True:
            if process.poll() is not None:
                raise NoRabbitHere(f"RabbitMQ ended by itself with {process.returncode}")
            try:
                await policies.apply(management_url, vhost=_VHOST)
            except ManagementFailed:
                await asyncio.sleep(0.5)
            else:
                return


def _environment(home: Path, *, amqp: int, node: int, epmd: int) -> dict[str, str]:
    return {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "RUNNING_UNDER_SYSTEMD": "1",  # the script then becomes the node, instead of minding it
        "RABBITMQ_NODENAME": f"mailprobe{amqp}@localhost",
        "RABBITMQ_DIST_PORT": str(node),
        "ERL_EPMD_PORT": str(epmd),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_CONF_ENV_FILE": str(home / "no-environment.conf"),
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(home / "advanced.config"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(home / "generated"),
        "RABBITMQ_SCHEMA_DIR": str(home / "schema"),
        "RABBITMQ_MNESIA_BASE": str(home / "data"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_PID_FILE": str(home / "node.pid"),
    }
