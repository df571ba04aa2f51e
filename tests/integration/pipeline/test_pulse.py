"""Scheduler, workers and recorder together, over both brokers: the pulse comes through, and locations come and go."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import pytest

from services.imap_worker.canary_server import ImapCanaryServer
from services.imap_worker.probe import imap_probe
from services.pop3_worker.canary_server import Pop3CanaryServer
from services.pop3_worker.probe import pop3_probe
from services.result_recorder.service import serve_recorder
from services.scheduler.service import serve_scheduler
from shared.broker.in_process import InProcessBroker
from shared.broker.rabbitmq import RabbitBroker
from shared.broker.seam import Broker, Delivery
from shared.broker.topology import DEAD_LETTERS_QUEUE
from shared.checks.vocabulary import MailProtocol
from shared.database.pool import PIPELINE_ROLE, open_pool
from shared.probing.environment import ProbeEnvironment
from shared.probing.job_handling import serve_worker
from shared.runtime.settings import PaceSettings, ProbingSettings
from shared.sealing import generate_key_rings
from tests.support.conservation import assert_conserved
from tests.support.waiting import until

PROTOCOLS = {
    MailProtocol.IMAP: (imap_probe, ImapCanaryServer),
    MailProtocol.POP3: (pop3_probe, Pop3CanaryServer),
}
SILENT_MS = 130_000


class Fleet:
    """Services in this process, each with a broker connection of its own, or all with the one they share."""

    def __init__(self, dsn: str, pool: Any, make_broker: Callable[[str], Broker]) -> None:
        self.dsn = dsn
        self.pool = pool
        self.make_broker = make_broker
        self.environment = ProbeEnvironment.create()
        self.dead_letters: list[Delivery] = []
        _, self._keys = generate_key_rings()
        self._running: dict[str, tuple[asyncio.Event, asyncio.Task[None]]] = {}

    async def broker(self, name: str) -> Broker:
        broker = self.make_broker(name)
        await broker.open(timeout_seconds=60)
        return broker

    async def start_recorder(self) -> None:
        stop = asyncio.Event()
        broker = await self.broker("recorder")
        self._run("recorder", stop, serve_recorder(pool=self.pool, broker=broker, stop=stop, instance="recorder"))

    async def start_scheduler(self) -> None:
        stop = asyncio.Event()
        broker = await self.broker("scheduler")
        serving = serve_scheduler(
            dsn=self.dsn, pool=self.pool, broker=broker, settings=PaceSettings.load(), stop=stop, instance="scheduler"
        )
        self._run("scheduler", stop, serving)

    async def start_worker(self, location: str, protocol: MailProtocol = MailProtocol.IMAP) -> None:
        stop = asyncio.Event()
        name = f"{protocol}.{location}"
        probe, canary_server = PROTOCOLS[protocol]
        serving = serve_worker(
            protocol=protocol,
            probe=probe,
            environment=self.environment,
            broker=await self.broker(name),
            keys=self._keys,
            settings=ProbingSettings.load(location_code=location, presence_seconds=1, country_code="DE"),
            stop=stop,
            canary_server=canary_server,
        )
        self._run(name, stop, serving)

    async def watch_dead_letters(self) -> None:
        async def keep(delivery: Delivery) -> None:
            await delivery.ack()
            self.dead_letters.append(delivery)

        broker = await self.broker("test")
        await broker.consume(DEAD_LETTERS_QUEUE, keep, prefetch=10, wait_for_queue=True)

    async def stop(self, name: str) -> None:
        stop, task = self._running.pop(name)
        stop.set()
        async with asyncio.timeout(240):
            await task

    async def stop_all(self) -> None:
        for name in reversed(list(self._running)):
            await self.stop(name)
        await self.environment.close()

    def _run(self, name: str, stop: asyncio.Event, serving: Any) -> None:
        self._running[name] = stop, asyncio.ensure_future(serving)

    async def canaries(self) -> dict[tuple[str, str], int]:
        """When each was stored, of those that passed."""
        rows = await self.pool.fetch(
            "SELECT l.code, c.protocol, c.stored_at FROM canaries c JOIN locations l ON l.id = c.location_id"
            " WHERE c.passed"
        )
        return {(row["code"], row["protocol"]): row["stored_at"] for row in rows}

    async def have_come(self, *wanted: tuple[str, str]) -> bool:
        return set(wanted) <= set(await self.canaries())

    async def add_monitor(self) -> int:
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute("SET LOCAL ROLE mailprobe_gateway")
            await connection.execute("SELECT set_config('mailprobe.organization', '1', true)")
            monitor: int = await connection.fetchval(
                "INSERT INTO monitors (public_id, organization_id, customer_id, name, hostname, protocol, status,"
                " interval_ms, timeout_seconds, config)"
                " VALUES ($1, 1, 10, 'a', '127.0.0.1', 'imap', 'active', 30000, 10, $2) RETURNING id",
                uuid4(),
                {"protocol": "imap"},
            )
            await connection.execute("SELECT pg_notify('mailprobe_monitors', $1)", str(monitor))
            return monitor

    async def has(self, query: str, *arguments: Any) -> bool:
        return bool(await self.pool.fetchval(query, *arguments))


@pytest.fixture(params=["rabbitmq", "in_process"])
def amqp_url_or_none(request: pytest.FixtureRequest) -> str | None:
    return str(request.getfixturevalue("amqp_url")) if request.param == "rabbitmq" else None


@pytest.fixture
async def fleet(amqp_url_or_none: str | None, database_dsn: str) -> AsyncIterator[Fleet]:
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(
            open_pool(database_dsn, role=PIPELINE_ROLE, application_name="test", max_size=8)
        )
        shared = InProcessBroker()

        def make_broker(name: str) -> Broker:
            if amqp_url_or_none is None:
                return shared
            broker = RabbitBroker(amqp_url_or_none, service=name, instance=f"{name}@test:1")
            stack.push_async_callback(broker.close)
            return broker

        await shared.open(timeout_seconds=None)
        stack.push_async_callback(shared.close)
        fleet = Fleet(database_dsn, pool, make_broker)
        await fleet.start_recorder()
        await fleet.start_scheduler()
        await fleet.watch_dead_letters()
        try:
            yield fleet
        finally:
            await fleet.stop_all()


async def test_the_pulse_comes_through_by_itself_and_leaves_no_other_trace(fleet: Fleet) -> None:
    await fleet.start_worker("here", MailProtocol.IMAP)
    await fleet.start_worker("here", MailProtocol.POP3)
    await until("both protocols", lambda: fleet.have_come(("here", "imap"), ("here", "pop3")))
    await fleet.start_worker("there")
    await until("a location nobody described", lambda: fleet.have_come(("there", "imap")))
    assert await fleet.pool.fetchval("SELECT country_code FROM locations WHERE code = 'there'") == "DE"
    for table in ("results", "missed", "login_history", "check_requests", "schedule", "monitor_health"):
        assert not await fleet.has(f"SELECT count(*) FROM {table}"), table
    await assert_conserved(fleet.pool, settled=True)
    assert fleet.dead_letters == []


async def test_a_location_that_fell_silent_gets_no_jobs_and_counts_again_when_it_is_back(fleet: Fleet) -> None:
    await fleet.start_worker("here")
    await fleet.start_worker("there")
    await until("both locations", lambda: fleet.have_come(("here", "imap"), ("there", "imap")))
    monitor = await fleet.add_monitor()
    there = "SELECT id FROM locations WHERE code = 'there'"
    results = f"SELECT count(*) FROM results WHERE monitor_id = $1 AND location_id = ({there})"
    await until("it is checked there", lambda: fleet.has(results, monitor))
    await fleet.stop("imap.there")
    # What is left of it is made to look older, on the recorder's own clock of hearing.
    await fleet.pool.execute("UPDATE hearing SET since_at = since_at - $1::bigint", SILENT_MS)
    await fleet.pool.execute(
        f"UPDATE location_workers SET last_seen_at = last_seen_at - $1::bigint WHERE location_id = ({there})", SILENT_MS
    )
    checked = await fleet.pool.fetchval(results, monitor)
    missed = f"SELECT count(*) FROM missed WHERE location_id = ({there}) AND reason = 'no_worker'"
    await until("its slots are missed for that reason", lambda: fleet.has(missed), timeout_seconds=240)
    assert await fleet.pool.fetchval(results, monitor) == checked
    stored = (await fleet.canaries())["there", "imap"]
    await fleet.start_worker("there")

    async def beats_again() -> bool:
        return (await fleet.canaries())["there", "imap"] > stored

    await until("it is back by itself", beats_again, timeout_seconds=240)
    await assert_conserved(fleet.pool)
    assert fleet.dead_letters == []
