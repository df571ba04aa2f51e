"""Two schedulers side by side over 30-second monitors, the one that leads killed or frozen again and again.

The schedulers are processes; the recorder is the real one, the worker answers at once. Run as a script for the
figures (`python -m tests.soak.two_schedulers --minutes 10`); a short form of the same is among the integration tests.
"""

import argparse
import asyncio
import contextlib
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from services.result_recorder.service import serve_recorder
from shared.broker.envelope import presence_message, read_jobs, result_message
from shared.broker.rabbitmq import RabbitBroker
from shared.broker.seam import BrokerUnavailable, Delivery
from shared.broker.topology import checks_queue, core_topology
from shared.checks.messages import CheckJob, CheckResult, Presence, ResultBatch
from shared.checks.outcome import Outcome
from shared.checks.vocabulary import Lane, MailProtocol, OutcomeKind, Phase
from shared.database.pool import PIPELINE_ROLE, open_pool
from shared.runtime import logs
from tests.support.conservation import Conservation, assert_conserved
from tests.support.servers.postgres import databases_for_tests
from tests.support.servers.process import LeashedProcess
from tests.support.servers.rabbitmq import RabbitServer
from tests.support.waiting import until

REPOSITORY = Path(__file__).parents[2]
LOCATION = "soak"
MONITORS = 60
INTERVAL_MS = 30_000

# Longer than a frozen scheduler keeps its connections.
FREEZE_SECONDS = 14.0


@dataclass(slots=True)
class Figures:
    """What was seen."""

    kills: int = 0
    freezes: int = 0
    epochs: int = 0
    jobs: Counter[UUID] = field(default_factory=Counter)
    lateness_ms: list[int] = field(default_factory=list)
    gaps_seconds: list[float] = field(default_factory=list)
    kept: Conservation | None = None

    def lines(self) -> list[str]:
        """For people."""
        late = sorted(self.lateness_ms) or [0]
        assert self.kept is not None
        return [
            f"faults                   {self.kills} kills, {self.freezes} freezes, {self.epochs} terms",
            f"slots                    {self.kept.claimed} claimed = {self.kept.results} results"
            f" + {self.kept.missed} missed + {self.kept.in_flight} in flight",
            "lost                     0",
            "recorded twice           0",
            f"jobs published again     {sum(times - 1 for times in self.jobs.values())}",
            f"lateness of jobs         p50 {late[len(late) // 2]} ms, p99 {late[len(late) * 99 // 100]} ms,"
            f" worst {late[-1]} ms",
            f"longest without a job    {max(self.gaps_seconds, default=0.0):.1f} s",
        ]


class AnsweringWorker:
    """Announces itself, and answers every job with a passed check."""

    def __init__(self, broker: RabbitBroker, figures: Figures) -> None:
        self._broker = broker
        self._figures = figures
        self._heard = time.monotonic()

    async def serve(self, stop: asyncio.Event) -> None:
        for lane in Lane:
            queue = checks_queue(MailProtocol.IMAP, LOCATION, lane)
            await self._broker.consume(queue, self._answer, prefetch=50, wait_for_queue=True)
        while not stop.is_set():
            presence = Presence(
                location=LOCATION, location_name="Soak", protocol=MailProtocol.IMAP, worker="soak@here:1", capacity=100
            )
            with contextlib.suppress(BrokerUnavailable):
                await self._broker.publish([presence_message(presence)])
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 2)

    async def _answer(self, delivery: Delivery) -> None:
        jobs = read_jobs(delivery.body, delivery.type).jobs
        now = time.time() * 1000
        self._figures.gaps_seconds.append(time.monotonic() - self._heard)
        self._heard = time.monotonic()
        for job in jobs:
            self._figures.jobs[job.check_id] += 1
            self._figures.lateness_ms.append(max(0, int(now) - job.start_at))
        await self._broker.publish([result_message(ResultBatch(results=tuple(_passed(job) for job in jobs)))])
        await delivery.ack()


def _passed(job: CheckJob) -> CheckResult:
    return CheckResult(
        check_id=job.check_id,
        kind=job.kind,
        organization_id=job.organization_id,
        monitor_id=job.monitor_id,
        monitor_public_id=job.monitor_public_id,
        revision=job.revision,
        location=job.location,
        slot_at=job.slot_at,
        start_at=job.start_at,
        started_at=max(job.start_at, int(time.time() * 1000)),
        interval_ms=job.interval_ms,
        outcome=Outcome(kind=OutcomeKind.OK, phase=Phase.LOGOUT, message="It went well."),
        worker="soak@here:1",
    )


class Schedulers:
    """Two processes, of which one leads."""

    def __init__(self, state: Path, *, dsn: str, amqp_url: str, pool: Any) -> None:
        self._state = state
        self._pool = pool
        self._env = {
            "PATH": os.environ["PATH"],
            "HOME": str(state),
            "PYTHONPATH": str(REPOSITORY),
            "MAILPROBE_DATABASE_URL": dsn,
            "MAILPROBE_AMQP_URL": amqp_url,
            "MAILPROBE_LOG_FORMAT": "json",
        }
        self._started = 0
        self.running: list[LeashedProcess] = []

    def launch(self) -> None:
        self._started += 1
        self.running.append(
            LeashedProcess(
                [sys.executable, "-m", "services.scheduler"],
                env=self._env,
                cwd=REPOSITORY,
                log_path=self._state / f"scheduler-{self._started}.log",
            )
        )

    async def epoch(self) -> int:
        found: int = await self._pool.fetchval("SELECT epoch FROM shard_leases")
        return found

    async def leader(self) -> LeashedProcess:
        """The process that leads; waits for one to."""

        async def look() -> LeashedProcess | None:
            holder = await self._pool.fetchval("SELECT holder FROM shard_leases") or ""
            return next((one for one in self.running if holder.endswith(f":{one.pid}") and one.alive), None)

        found = await until("one of the schedulers leads", look, timeout_seconds=240)
        assert found is not None
        return found

    async def successor_of(self, epoch: int) -> None:
        """Wait until somebody else has taken over."""

        async def look() -> bool:
            return await self.epoch() > epoch

        await until("the stand-by takes over", look, timeout_seconds=240)

    async def kill_leader(self) -> None:
        leader, epoch = await self.leader(), await self.epoch()
        await leader.kill()
        self.running.remove(leader)
        self.launch()
        await self.successor_of(epoch)

    async def freeze_leader(self) -> None:
        """It sleeps for longer than it may, and comes back to find that another leads."""
        leader, epoch = await self.leader(), await self.epoch()
        leader.freeze()
        try:
            await self.successor_of(epoch)
            await asyncio.sleep(FREEZE_SECONDS)
        finally:
            leader.thaw()

    async def stop(self) -> None:
        await asyncio.gather(*(one.stop() for one in self.running))

    def logs(self) -> str:
        return "\n".join(path.read_text(errors="replace") for path in sorted(self._state.glob("scheduler-*.log")))


async def run(
    state: Path,
    *,
    dsn: str,
    amqp_url: str,
    between_faults: float,
    rng: random.Random,
    seconds: float = 0.0,
    least_faults: int = 0,
) -> Figures:
    """Let them run, with a kill and a freeze in turns; raises AssertionError where a slot is lost or ends twice.

    Args:
        seconds, least_faults: it goes on for so long, and until there were so many faults.
    """
    figures, stop = Figures(), asyncio.Event()
    async with (
        open_pool(dsn, role=PIPELINE_ROLE, application_name="soak") as pool,
        contextlib.AsyncExitStack() as opened,
    ):
        broker = RabbitBroker(amqp_url, service="soak", instance="soak@here:1")
        opened.push_async_callback(broker.close)
        await broker.open(timeout_seconds=60)
        await broker.declare(core_topology())
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(serve_recorder(pool=pool, broker=broker, stop=stop, instance="recorder@here:1"))
            tasks.create_task(AnsweringWorker(broker, figures).serve(stop))
            try:
                schedulers = Schedulers(state, dsn=dsn, amqp_url=amqp_url, pool=pool)
                async with _running(schedulers):
                    await add_monitors(pool)
                    await _faults(
                        schedulers, figures, seconds=seconds, least=least_faults, between=between_faults, rng=rng
                    )
                    await set_status(pool, "disabled")
                    figures.kept = await assert_conserved(pool, settled=True, timeout_seconds=200)
                    figures.epochs = await schedulers.epoch()
                # JSON logs hold no traceback as text: a process that failed says so by this event.
                assert "process_failed" not in schedulers.logs(), schedulers.logs()
            finally:
                stop.set()
    return figures


async def _faults(
    schedulers: Schedulers, figures: Figures, *, seconds: float, least: int, between: float, rng: random.Random
) -> None:
    ends = time.monotonic() + seconds
    kills = True
    while (left := ends - time.monotonic()) > 0 or figures.kills + figures.freezes < least:
        pause = between * rng.uniform(0.7, 1.3)
        await asyncio.sleep(pause if figures.kills + figures.freezes < least else min(left, pause))
        if time.monotonic() >= ends and figures.kills + figures.freezes >= least:
            return
        if kills:
            figures.kills += 1
            await schedulers.kill_leader()
        else:
            figures.freezes += 1
            await schedulers.freeze_leader()
        kills = not kills


@contextlib.asynccontextmanager
async def _running(schedulers: Schedulers) -> AsyncIterator[None]:
    schedulers.launch()
    schedulers.launch()
    try:
        await schedulers.leader()
        yield
    finally:
        await schedulers.stop()


async def add_monitors(pool: Any) -> None:
    async with _as_gateway(pool) as gateway:
        await gateway.executemany(
            "INSERT INTO monitors (public_id, organization_id, customer_id, name, hostname, protocol, status,"
            " interval_ms, timeout_seconds, config) VALUES ($1, 1, 10, 'soaked', $2, 'imap', 'active', $3, 10, $4)",
            [
                (uuid4(), f"mail{number}.example.com", INTERVAL_MS, {"protocol": "imap", "security": "tls"})
                for number in range(MONITORS)
            ],
        )
        await gateway.execute("SELECT pg_notify('mailprobe_monitors', 'all')")


async def set_status(pool: Any, status: str) -> None:
    async with _as_gateway(pool) as gateway:
        await gateway.execute("UPDATE monitors SET status = $1, revision = revision + 1", status)
        await gateway.execute("SELECT pg_notify('mailprobe_monitors', 'all')")


@contextlib.asynccontextmanager
async def _as_gateway(pool: Any) -> AsyncIterator[Any]:
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL ROLE mailprobe_gateway")
        await connection.execute("SELECT set_config('mailprobe.organization', '1', true)")
        yield connection


async def soak(minutes: float, seed: int) -> Figures:
    """On servers of its own."""
    with _short_lived_directory() as state:
        async with (
            databases_for_tests(state) as databases,
            databases.fresh() as dsn,
            RabbitServer(state / "rabbitmq") as rabbit,
            rabbit.given.fresh_vhost() as vhost,
        ):
            return await run(
                state,
                dsn=dsn,
                amqp_url=rabbit.given.amqp_url(vhost),
                seconds=minutes * 60,
                between_faults=25,
                rng=random.Random(seed),
            )


@contextlib.contextmanager
def _short_lived_directory() -> Iterator[Path]:
    state = Path(tempfile.mkdtemp(prefix="mp-soak-", dir="/tmp"))
    state.chmod(0o755)  # servers started by root drop to users of their own
    try:
        yield state
    finally:
        shutil.rmtree(state, ignore_errors=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    logs.configure("soak", format="console", level="error")
    figures = asyncio.run(soak(given.minutes, given.seed))
    print("\n".join(figures.lines()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
