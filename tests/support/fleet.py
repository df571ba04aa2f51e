"""mailprobe's services as separate processes, the way they run in production: started, killed, frozen, stopped.

Provides `Fleet` (the processes) and `Api` (a client that speaks HTTP as a user's curl would). The servers they need
are in `tests.support.servers`.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from shared.sealing import generate_key_rings
from tests.support.servers.process import LeashedProcess, free_ports
from tests.support.servers.warm_python import warm_python

REPOSITORY = Path(__file__).parents[2]
SERVICES = ("result_recorder", "scheduler", "imap_worker", "pop3_worker", "notifier", "api_gateway")
_RINGS = ("PUBLIC_KEYS", "PRIVATE_KEYS", "CHANNEL_PUBLIC_KEYS", "CHANNEL_PRIVATE_KEYS")


async def says_ready(port: int) -> bool:
    """Whether what listens there says at /readyz that it is ready for work."""
    try:
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/readyz") as answer:
            return answer.status == 200
    except (aiohttp.ClientError, OSError):
        return False


class Fleet:
    """The six services, each a process of its own with an admin port, all logs below `state`."""

    def __init__(
        self,
        state: Path,
        *,
        database_dsn: str,
        amqp_url: str,
        settings: Mapping[str, str] | None = None,
        keys: Path | None = None,
    ) -> None:
        """`keys`: a directory that `mailprobe keys generate` made, read anew by each process that starts."""
        ring = key_settings(keys)
        self._state = state
        self._amqp_url = amqp_url
        self.port, *admin_ports = free_ports(1 + 2 * len(SERVICES))
        self._admin_ports = iter(admin_ports)
        self._ready_at: dict[str, int] = {}
        self._processes: dict[str, LeashedProcess] = {}
        shared = {
            "PATH": os.environ["PATH"],
            "HOME": str(state),
            "PYTHONPATH": str(REPOSITORY),
            "PYTHONWARNINGS": "default",
            "MAILPROBE_AMQP_URL": amqp_url,
            "MAILPROBE_LOG_FORMAT": "json",
            "MAILPROBE_ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8,::1/128",
            **(settings or {}),
        }
        database = {"MAILPROBE_DATABASE_URL": database_dsn}
        # Each gets what it may have and no more: workers no database, the gateway no private key.
        self._environments = {
            "api_gateway": {
                **shared,
                **database,
                "MAILPROBE_PORT": str(self.port),
                **ring("PUBLIC_KEYS"),
                **ring("CHANNEL_PUBLIC_KEYS"),
            },
            "scheduler": {**shared, **database},
            "result_recorder": {**shared, **database},
            "imap_worker": {**shared, **ring("PRIVATE_KEYS")},
            "pop3_worker": {**shared, **ring("PRIVATE_KEYS")},
            "notifier": {**shared, **database, **ring("CHANNEL_PRIVATE_KEYS")},
        }

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def admin_addresses(self) -> dict[str, str]:
        """Where each process shows its metrics, host and port by name."""
        return {name: f"127.0.0.1:{port}" for name, port in self._ready_at.items()}

    async def __aenter__(self) -> Self:
        try:
            await asyncio.to_thread(warm_python().import_all, [f"services.{service}" for service in SERVICES])
            for service in SERVICES:
                self.launch(service)
            await asyncio.gather(*(self.until_ready(service) for service in SERVICES))
        except BaseException:
            await self.stop_all()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop_all()

    def launch(
        self,
        service: str,
        *,
        name: str | None = None,
        settings: Mapping[str, str] | None = None,
        module: str | None = None,
    ) -> None:
        """Start a process of `service`, known as `name` (the service's own where there is one of it).

        `settings` are this one's alone, and go before the others. `module` is run in place of the service's own.
        """
        name = name or service
        port = self._ready_at.setdefault(name, next(self._admin_ports, 0) or free_ports(1)[0])
        self._processes[name] = LeashedProcess(
            [sys.executable, "-m", module or f"services.{service}"],
            env={**self._environments[service], "MAILPROBE_ADMIN_PORT": str(port), **(settings or {})},
            cwd=REPOSITORY,
            log_path=self._state / f"{name}.log",
        )

    async def until_ready(self, name: str) -> None:
        """Wait until the process says that it is ready for work."""
        await self._processes[name].until_ready(name, partial(says_ready, self._ready_at[name]))

    def is_running(self, name: str) -> bool:
        """Whether a process of that name was started and has not ended."""
        return name in self._processes and self._processes[name].alive

    def pid(self, name: str) -> int:
        """The process of that name."""
        return self._processes[name].pid

    async def kill(self, name: str) -> None:
        """SIGKILL, with no time to say anything."""
        await self._processes.pop(name).kill()

    async def stop(self, name: str) -> None:
        """SIGTERM, and wait for the orderly end."""
        await self._processes.pop(name).stop()

    def freeze(self, name: str) -> None:
        self._processes[name].freeze()

    def thaw(self, name: str) -> None:
        self._processes[name].thaw()

    async def stop_all(self) -> None:
        await asyncio.gather(*(self.stop(name) for name in list(self._processes)))

    def logs(self) -> str:
        """Everything the processes have written."""
        return "\n".join(path.read_text(errors="replace") for path in sorted(self._state.glob("*.log")))


def key_settings(folder: Path | None) -> Callable[[str], dict[str, str]]:
    """The setting of each ring, by its variable: as a file of that directory, or of pairs made on the spot."""
    if folder is not None:
        files = {name: folder / f"{name.removesuffix('_KEYS').lower().replace('_', '-')}.json" for name in _RINGS}
        return lambda name: {f"MAILPROBE_{name}_FILE": str(files[name])}
    (public, private), (channel_public, channel_private) = generate_key_rings(), generate_key_rings()
    texts = [each.to_json() for each in (public, private, channel_public, channel_private)]
    made = dict(zip(_RINGS, texts, strict=True))
    return lambda name: {f"MAILPROBE_{name}": made[name]}


class Api:
    """Calls the gateway with one token and answers with (status, JSON)."""

    def __init__(self, address: str, token: str) -> None:
        self._address = address
        self.token = token
        self._session = aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        async with self._session.request(method, self._address + path, json=body) as answer:
            return answer.status, await answer.json(content_type=None)

    async def history(self, public_id: str) -> list[dict[str, Any]]:
        """The checks of a monitor, newest first."""
        status, answer = await self.call("GET", f"/api/imap-pop-monitors/{public_id}/check-history?limit=200")
        assert status == 200, answer
        checks: list[dict[str, Any]] = answer["data"]
        return checks
