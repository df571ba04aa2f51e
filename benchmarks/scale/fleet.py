"""Everything a check needs, each a process: servers, a cheap mail server, and mailprobe's services around them."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.engine.certificates import write_certificates
from benchmarks.engine.compiled import compiled
from benchmarks.engine.stage import Cores, PracticeServer
from benchmarks.pipeline.cpu import PostgresCpu, live_cpu
from benchmarks.pipeline.cycle import DATABASE_SERVICES
from benchmarks.pipeline.loading import INTERVAL_MS, described, load
from benchmarks.pipeline.servers import Servers, servers
from benchmarks.pipeline.services import Services

# Enough that a million monitors stay in memory, and that a checkpoint is no event.
_POSTGRES = {"shared_buffers": "1GB", "max_wal_size": "4GB", "checkpoint_timeout": "15min", "max_connections": "200"}

# Slots this close together: spread over the whole minute, or all at once.
SPREAD_MS = INTERVAL_MS
BURST_MS = 2_000


@dataclass(frozen=True, slots=True)
class Fleet:
    """What runs, and where the mail server listens."""

    at: Servers
    services: Services
    mail: PracticeServer
    postgres: PostgresCpu

    async def launch(self, *names: str) -> None:
        """Start services, such as `imap_worker` or `imap_worker.2`, and wait until they are ready."""
        for name in names:
            self.services.start(name.partition(".")[0], name=name)
        await asyncio.gather(*(self.services.until_ready(name) for name in names))

    async def load(self, numbers: range, *, security: str, within_ms: int = SPREAD_MS, phase_ms: int = 0) -> None:
        """Monitors of these numbers, due one after the other within so long of each minute."""
        port = self.mail.ports[f"imap.{security}"]

        def phase(number: int) -> int:
            place = (number - numbers.start) * 7919 % len(numbers)
            return (phase_ms + place * within_ms // len(numbers)) % INTERVAL_MS

        keys = self.services.public_keys
        found = await asyncio.to_thread(
            lambda: list(
                described(numbers, host=lambda _: "127.0.0.1", port=port, tls=security == "tls", phase=phase, keys=keys)
            )
        )
        await load(self.at.owner, found)

    async def stop_monitors(self, above: int) -> None:
        """Those of higher numbers are not checked any more."""
        async with self.at.owner.transaction():
            await self.at.owner.execute("SET LOCAL session_replication_role = replica")
            await self.at.owner.execute("UPDATE schedule SET active = false WHERE monitor_id > $1", above)
            await self.at.owner.execute("UPDATE monitors SET status = 'disabled' WHERE id > $1", above)

    async def cpu(self) -> dict[str, float]:
        """CPU seconds so far, by process; of Postgres, all of it."""
        postgres = await self.postgres.read(self.at.owner, DATABASE_SERVICES)
        return {
            **{name: live_cpu(pid) for name, pid in self.services.pids().items()},
            "Postgres": sum(postgres.values()),
            "RabbitMQ": live_cpu(self.at.broker),
            "the mail server": live_cpu(self.mail.pid),
        }


@asynccontextmanager
async def fleet(folder: Path, names: Sequence[str]) -> AsyncIterator[Fleet]:
    """Running, with these services; everything ends with it."""
    cores = Cores.here()
    certificates = write_certificates(folder)
    async with AsyncExitStack() as stack:
        mail = PracticeServer(
            compiled("practice_server", folder), certificates, cores=frozenset(cores.clients | cores.servers)
        )
        stack.callback(mail.close)
        at = await stack.enter_async_context(servers(folder, settings=_POSTGRES))
        services = await stack.enter_async_context(Services(folder, at, ca_file=certificates.authority))
        running = Fleet(at, services, mail, PostgresCpu(at.postmaster))
        await running.launch(*names)
        yield running


class Progress:
    """A line every so often, so that whoever waits sees that something happens."""

    def __init__(self, every_seconds: float = 10.0) -> None:
        self._every = every_seconds
        self._next = time.monotonic() + every_seconds

    def say(self, words: str) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + self._every
            print(f"  {words}", flush=True)
