"""Where `mailprobe monitors import` meets everything real but the clock: gateway, scheduler, probes, recorder, and a
Dovecot behind a door that bans whoever is refused too often.

The clock is the database's: it stands, and is moved on as long as something is to be done, over the ten minutes of a
host's window in one step. Passwords are sealed by the gateway and opened for the probe as in a worker.
"""

import asyncio
import csv
import io
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestServer

from services.api_gateway.app import create_app
from services.api_gateway.token_store import issue_token
from services.imap_worker.probe import imap_probe
from services.scheduler.requests import find_near
from shared.broker.in_process import InProcessBroker
from shared.checks.messages import CheckJob
from shared.checks.outcome import Outcome
from shared.database.pool import GATEWAY_ROLE, open_pool
from shared.probing.environment import ProbeEnvironment
from shared.probing.job_handling.answering import Circumstances, result_of
from shared.probing.job_handling.passwords import open_password
from shared.probing.probe import ProbeRequest
from shared.runtime.settings import GatewaySettings
from shared.sealing import OpenedSeals, PrivateKeyRing, generate_key_rings
from tests.integration.scheduler.world import SECOND, World
from tests.support.command import REPOSITORY, Answered
from tests.support.servers.dovecot import DovecotServer
from tests.support.watchful_front import WatchfulFront, watchful_front

# Above the shipped five a second: each host is asked faster than it would be, and no rule is any other.
PACE = {"per_second": 50, "in_flight": 10}
HOST = "127.0.0.1"

# When the first checks may go on that wait for their host, where nothing else waits; not before the command has paused
# what is red, which it does within seconds, and these would be minutes for it.
_WINDOW_ENDS_AT = """
SELECT min(q.start_at) FROM check_requests q
WHERE q.state = 'waiting' AND q.kind = 'first' AND q.waits_for = 'withheld'
  AND NOT EXISTS (SELECT FROM check_requests o JOIN monitors m ON m.id = o.monitor_id
                  WHERE o.state <> 'finished' AND o.waits_for IS DISTINCT FROM 'withheld' AND o.kind = 'first')
  AND NOT EXISTS (SELECT FROM monitors m JOIN monitor_health h ON h.monitor_id = m.id
                  WHERE m.status = 'active' AND h.health = 'down')"""


@dataclass
class ImportHall:
    """See the module. `rounds`: how often the scheduler has looked."""

    world: World
    dovecot: DovecotServer
    front: WatchfulFront
    environment: dict[str, str]
    folder: Path
    keys: PrivateKeyRing
    probing: ProbeEnvironment
    rounds: int = 0
    under_way: set[asyncio.Task[None]] = field(default_factory=set)

    def file(self, rows: Iterable[tuple[str, str]], *, name: str = "mailboxes.csv") -> Path:
        """A CSV of (user, password), all on the one server; checked once a day after their first check."""
        written = io.StringIO()
        table = csv.writer(written, delimiter=";")
        table.writerow(["Address", "Password", "User", "Host", "Port", "Security", "Interval"])
        for user, password in rows:
            table.writerow([f"{user}@example.com", password, user, HOST, self.front.port, "none", 1440])
        path = self.folder / name
        path.write_text(written.getvalue(), encoding="utf-8-sig")
        return path

    async def run(self, *arguments: str | Path, killed_after: int | None = None) -> Answered:
        """`mailprobe monitors import …` to its end; or until so many monitors are there, and then killed."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cli.main", "monitors", "import", *map(str, arguments)),
            cwd=REPOSITORY,
            env={**self.environment, "PATH": os.environ["PATH"], "HOME": str(self.folder)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
        )
        ended = asyncio.create_task(process.communicate())
        try:
            while not ended.done():
                await self._round()
                if killed_after is not None and len(await self.monitors()) >= killed_after:
                    process.send_signal(signal.SIGKILL)
                    killed_after = None
            out, said = await ended
        finally:
            if process.returncode is None:
                process.kill()
            ended.cancel()
            await asyncio.gather(*self.under_way, return_exceptions=True)
        return Answered(process.returncode or 0, out.decode(), said.decode())

    async def monitors(self) -> list[dict[str, Any]]:
        rows = await self.world.pool.fetch(
            "SELECT m.config ->> 'user' AS user_name, m.status, h.health, h.first_passed_at IS NOT NULL AS passed"
            " FROM monitors m LEFT JOIN monitor_health h ON h.monitor_id = m.id ORDER BY m.id"
        )
        return [dict(row) for row in rows]

    async def tested(self) -> int:
        """How many first checks were asked for so far; what comes when it is due anyway is not counted."""
        asked: int = await self.world.pool.fetchval("SELECT count(*) FROM check_requests WHERE kind = 'first'")
        return asked

    async def _round(self) -> None:
        """One look of the scheduler, and whatever comes of it."""
        began = time.monotonic()
        self.rounds += 1
        await self._move_clock()
        if self.rounds % 20 == 1:
            await self.world.reconcile()
        if self.rounds % 5 == 1:
            await self.world.tick(seen=False)
        else:
            await self._publish_requests()
        for job in self.world.new_jobs():
            task = asyncio.create_task(self._work(job))
            self.under_way.add(task)
            task.add_done_callback(self.under_way.discard)
        self.world.unanswered.clear()
        await self.world.record_reports()
        self.front.look()
        if self.under_way:
            await asyncio.wait(self.under_way, timeout=max(0.05, began + 0.6 - time.monotonic()))
        else:
            await asyncio.sleep(0.05)

    async def _publish_requests(self) -> None:
        """What the scheduler does between its ticks, whenever something was asked for."""
        await find_near(self.world.term)
        for dispatcher in self.world.dispatchers.values():
            if dispatcher._queue.requests_near.is_set():
                dispatcher._queue.requests_near.clear()
                await dispatcher.publish_requests()

    async def _move_clock(self) -> None:
        """On by a second; or, where everything waits for its host's window to end, to that moment."""
        at = self.world.now + SECOND
        if not self.under_way:
            at = max(at, await self.world.pool.fetchval(_WINDOW_ENDS_AT) or 0)
        # First, or somebody would look between the two and see no worker.
        await self.world.pool.execute("UPDATE location_workers SET last_seen_at = $1", at)
        await self.world.set_clock(at)

    async def _work(self, job: CheckJob) -> None:
        password = open_password(job, self.keys, OpenedSeals())
        assert not isinstance(password, Outcome), password
        outcome = await imap_probe(ProbeRequest(job.target, password, job.login), self.probing)
        at = max(self.world.now, job.start_at)
        circumstances = Circumstances(started_at=at, ended_at=at, worker="worker", loop_lag_ms=0)
        await self.world.record([result_of(job, outcome, circumstances)])


def _refusals(dovecot: DovecotServer) -> Callable[[], int]:
    """How many passwords it refused; counted anew only when it has logged something."""
    known = (-1, 0)

    def count() -> int:
        nonlocal known
        length = len(dovecot.log())
        if length != known[0]:
            known = (length, dovecot.rejected_logins())
        return known[1]

    return count


@asynccontextmanager
async def import_hall(dsn: str, dovecot: DovecotServer, folder: Path) -> AsyncIterator[ImportHall]:
    """A hall, open for as long as the block lasts."""
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(World.opened(dsn, **PACE))
        pool = await stack.enter_async_context(open_pool(dsn, role=GATEWAY_ROLE, application_name="gateway"))
        front = await stack.enter_async_context(
            watchful_front(dovecot.imap_port, refused=_refusals(dovecot), clock_ms=lambda: world.now)
        )
        token = await issue_token(pool, organization_id=1, name="import", role="admin")
        broker = InProcessBroker()
        await broker.open(timeout_seconds=None)
        stack.push_async_callback(broker.close)
        public, private = generate_key_rings()
        settings = GatewaySettings.load(
            database_url=dsn,
            amqp_url="amqp://nowhere",
            public_keys=public.to_json(),
            channel_public_keys=public.to_json(),
            allowed_private_networks=("127.0.0.0/8",),
        )
        app = create_app(
            pool=pool, broker=broker, public_keys=public, channel_keys=public, settings=settings, instance="gateway"
        )
        server = TestServer(app)
        await server.start_server()
        stack.push_async_callback(server.close)
        probing = ProbeEnvironment.create(allowed_private_networks=["127.0.0.0/8"])
        stack.push_async_callback(probing.close)
        environment = {"MAILPROBE_URL": str(server.make_url("/")), "MAILPROBE_TOKEN": token}
        yield ImportHall(world, dovecot, front, environment, folder, private, probing)
