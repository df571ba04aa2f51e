"""mailprobe's services as processes of their own, with the settings of production but for what is said here."""

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp

from benchmarks.pipeline.servers import Servers
from shared.database.embedded_process import free_port, stop_with_parent
from shared.sealing import generate_key_rings

_REPOSITORY = Path(__file__).parents[2]
_READY_SECONDS = 300
_STOP_SECONDS = 30

# One mail server stands for thousands here, so that what spares a single one has to be out of the way.
PACE_PER_HOST = {"MAILPROBE_HOST_LOGINS_PER_SECOND": "100000", "MAILPROBE_HOST_IN_FLIGHT": "1000000"}


class Services:
    """Processes by name, each with its log below `folder`."""

    def __init__(self, folder: Path, at: Servers, *, ca_file: Path, settings: Mapping[str, str] | None = None) -> None:
        self.public_keys, private = generate_key_rings()
        channel_public, channel_private = generate_key_rings()
        self._folder = folder
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._admin_ports: dict[str, int] = {}
        self._ports: dict[str, int] = {}
        common = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder),
            "PYTHONPATH": str(_REPOSITORY),
            "MAILPROBE_LOG_FORMAT": "json",
            "MAILPROBE_ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8",
        }
        database, broker = {"MAILPROBE_DATABASE_URL": at.dsn}, {"MAILPROBE_AMQP_URL": at.amqp_url}
        worker = {"MAILPROBE_PRIVATE_KEYS": private.to_json(), "MAILPROBE_CA_FILE": str(ca_file)}
        self._environments = {
            "scheduler": {**common, **database, **broker, **PACE_PER_HOST},
            "result_recorder": {**common, **database, **broker},
            "imap_worker": {**common, **broker, **worker, "MAILPROBE_WORKER_CAPACITY": "1000"},
            "notifier": {**common, **database, "MAILPROBE_CHANNEL_PRIVATE_KEYS": channel_private.to_json()},
            "api_gateway": {
                **common,
                **database,
                **broker,
                "MAILPROBE_PUBLIC_KEYS": self.public_keys.to_json(),
                "MAILPROBE_CHANNEL_PUBLIC_KEYS": channel_public.to_json(),
                "MAILPROBE_RATE_LIMIT_TOKEN": "100000000",
            },
        }
        for environment in self._environments.values():
            environment.update(settings or {})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(*(self.stop(name) for name in list(self._processes)))

    def start(self, service: str, *, name: str | None = None, settings: Mapping[str, str] | None = None) -> None:
        """Start a process of this service."""
        name = name or service
        port, self._ports[name] = free_port(), free_port()
        self._admin_ports[name] = port
        with (self._folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", f"services.{service}"],
                env={
                    **self._environments[service],
                    "MAILPROBE_ADMIN_PORT": str(port),
                    "MAILPROBE_PORT": str(self._ports[name]),
                    **(settings or {}),
                },
                cwd=_REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=stop_with_parent(),
            )

    def pids(self) -> dict[str, int]:
        """Those that run."""
        return {name: process.pid for name, process in self._processes.items()}

    def api_address(self, name: str) -> str:
        """Where a gateway answers."""
        return f"http://127.0.0.1:{self._ports[name]}"

    def environment(self, service: str) -> dict[str, str]:
        """What a process of this service is given."""
        return dict(self._environments[service])

    def log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    async def until_ready(self, name: str) -> None:
        """Wait until it says so. Raises RuntimeError with its last words where it ends instead."""
        url = f"http://127.0.0.1:{self._admin_ports[name]}/readyz"
        async with asyncio.timeout(_READY_SECONDS), aiohttp.ClientSession() as session:
            while True:
                if self._processes[name].poll() is not None:
                    raise RuntimeError(f"{name} ended: {self.log(name).read_text(errors='replace')[-2000:]}")
                try:
                    async with session.get(url) as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.2)

    def kill(self, name: str) -> None:
        """At once, as a power cut would."""
        process = self._processes.pop(name)
        process.kill()
        process.wait()

    async def stop(self, name: str) -> None:
        """In order, or not after half a minute."""
        process = self._processes.pop(name)
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, _STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
