"""A private, real RabbitMQ with its management plugin: its own node, cookie, epmd, ports and data.

Provides `RabbitServer` (start, stop, kill, pause; fresh vhosts; the management API) and `GivenRabbit` for a broker
somebody else runs. Topology is left to `shared.broker`; its policies are in each fresh vhost.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

import aiohttp

from shared.broker import policies
from tests.support.servers.lean_rabbitmq import lean_rabbitmq
from tests.support.servers.needs import RABBITMQ
from tests.support.servers.process import LeashedProcess, free_ports

PROGRAM = RABBITMQ.found() or Path(RABBITMQ.places[0])

_CONFIG = """\
listeners.tcp.1 = 127.0.0.1:{amqp_port}
management.tcp.ip = 127.0.0.1
management.tcp.port = {management_port}
default_user = mailprobe
default_pass = {password}
default_user_tags.administrator = true
default_permissions.configure = .*
default_permissions.read = .*
default_permissions.write = .*
disk_free_limit.absolute = 50MB
collect_statistics_interval = 1000
raft.wal_max_size_bytes = 16777216
log.console = true
log.console.level = warning
log.file = false
"""


@dataclass(frozen=True, slots=True)
class GivenRabbit:
    """A broker reached by an address, with an administrator's rights on its management API."""

    amqp_root: str
    management_url: str
    starts: Callable[[], int] = lambda: 0  # how often it was started, where that is ours

    def amqp_url(self, vhost: str) -> str:
        """The AMQP URL of one vhost: a secret."""
        return f"{self.amqp_root}/{quote(vhost, safe='')}"

    @contextlib.asynccontextmanager
    async def fresh_vhost(self) -> AsyncIterator[str]:
        """A vhost of one's own with our policies in it, by name; gone at the end with all that is in it.

        It stays where the node was started since. A queue deleted while its leader has just come up can end
        RabbitMQ's supervisor of dead-lettering for good, and every other queue with it (rabbitmq-server, issue 16652).
        """
        name = f"test-{secrets.token_hex(6)}"
        starts = self.starts()
        await policies.apply(self.management_url, vhost=name)
        try:
            yield name
        finally:
            if self.starts() == starts:
                with contextlib.suppress(aiohttp.ClientError):  # a test may have left the broker dead
                    await self.api("DELETE", f"vhosts/{name}")

    async def api(self, method: str, path: str, body: Any = None) -> Any:
        """One call of the management API below `/api/`; None where it answers with nothing."""
        url = urlsplit(self.management_url)
        headers = {"Authorization": aiohttp.encode_basic_auth(url.username or "", url.password or "")}
        address = f"{url.scheme}://{url.hostname}:{url.port}/api/{path}"
        timeout = aiohttp.ClientTimeout(total=30)
        async with (
            aiohttp.ClientSession(headers=headers, timeout=timeout, raise_for_status=True) as session,
            session.request(method, address, json=body) as answer,
        ):
            return await answer.json() if answer.content_type == "application/json" else None


class RabbitServer:
    """One RabbitMQ node below `state`; the same ports, data and password over kill and start."""

    def __init__(
        self, state: Path, *, program: Path = PROGRAM, plugins: str = "[rabbitmq_management].", more_config: str = ""
    ) -> None:
        self._state = state
        self._program = program
        self._plugins = plugins
        self._more_config = more_config
        self._process: LeashedProcess | None = None
        self._starts = 0
        self._password = secrets.token_urlsafe(16)
        self.amqp_port, self.management_port, self._epmd_port, self._node_port = free_ports(4)
        self.given = GivenRabbit(
            amqp_root=f"amqp://mailprobe:{self._password}@127.0.0.1:{self.amqp_port}",
            management_url=f"http://mailprobe:{self._password}@127.0.0.1:{self.management_port}",
            starts=lambda: self._starts,
        )

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start the node and wait until it takes AMQP connections."""
        self._starts += 1
        home = self._state
        home.mkdir(parents=True, exist_ok=True)
        if not (home / "program").exists():
            self._program = lean_rabbitmq(self._program, plugins=self._plugins, home=home / "program")
        (home / "enabled_plugins").write_text(f"{self._plugins}\n")
        (home / "no-environment.conf").write_text("")
        config = home / "rabbitmq.conf"
        config.write_text(
            _CONFIG.format(amqp_port=self.amqp_port, management_port=self.management_port, password=self._password)
            + self._more_config
        )
        config.chmod(0o600)
        self._process = LeashedProcess(
            [self._program],
            env=self._environment(),
            cwd=home,
            log_path=home / "console.log",
            grace_seconds=20,
        )
        try:
            await self._process.until_ready("RabbitMQ", self._answers, timeout_seconds=300)
        except BaseException:
            await self.kill()
            raise

    async def stop(self) -> None:
        """Stop it in order."""
        process, self._process = self._process, None
        if process is not None:
            await process.stop()

    async def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        process, self._process = self._process, None
        if process is not None:
            await process.kill()

    def pause(self) -> None:
        """Connections stay open and nothing answers."""
        assert self._process is not None
        self._process.freeze()

    def go_on(self) -> None:
        """Answer again."""
        assert self._process is not None
        self._process.thaw()

    async def control(self, *words: str) -> None:
        """An operator's command (`rabbitmqctl`) on this node, which hides from the system's own."""
        environment = self._environment()
        running = await asyncio.create_subprocess_exec(
            self._program.with_name("rabbitmqctl"),
            "--node",
            environment["RABBITMQ_NODENAME"],
            *words,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(60):
            said, _ = await running.communicate()
        assert running.returncode == 0, said.decode(errors="replace")

    def _environment(self) -> dict[str, str]:
        home = self._state
        return {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "RUNNING_UNDER_SYSTEMD": "1",  # the script then becomes the node, instead of minding it
            "RABBITMQ_NODENAME": f"mailprobe{self.amqp_port}@localhost",
            "RABBITMQ_DIST_PORT": str(self._node_port),
            "ERL_EPMD_PORT": str(self._epmd_port),
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
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none",
        }

    async def _answers(self) -> bool:
        try:
            await self.given.api("GET", "health/checks/port-listener/" + str(self.amqp_port))
        except (aiohttp.ClientError, TimeoutError, OSError):
            await asyncio.sleep(0.2)
            return False
        return True


def given_rabbit(amqp_url: str, management_url: str | None) -> GivenRabbit:
    """The broker behind AMQP_URL; its management API is taken to be on port 15672 unless named."""
    url = urlsplit(amqp_url)
    account = url.netloc.rpartition("@")[0]
    default = f"http://{account}@{url.hostname}:15672"
    return GivenRabbit(amqp_root=f"{url.scheme}://{url.netloc}", management_url=management_url or default)
