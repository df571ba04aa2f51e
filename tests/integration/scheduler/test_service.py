"""The service as a whole, by the real clock: it leads, hears what is said, survives outages, and stops in order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest_asyncio
import structlog

from services.scheduler.service import serve_scheduler
from shared.broker.seam import BrokerUnavailable
from shared.database.pool import PIPELINE_ROLE, open_pool
from shared.runtime.settings import PaceSettings
from tests.integration.scheduler.scripted_broker import ScriptedBroker
from tests.support.waiting import until


async def any_of(said: Sequence[Any], event: str) -> bool:
    return any(entry["event"] == event for entry in said)


class Served:
    """A database with two locations and monitors at both, and schedulers to start on it."""

    def __init__(self, dsn: str, pool: Any) -> None:
        self.dsn = dsn
        self.pool = pool
        self.broker = ScriptedBroker()

    @asynccontextmanager
    async def scheduler(self, name: str = "scheduler@test:1") -> AsyncIterator[asyncio.Event]:
        stop = asyncio.Event()
        serving = asyncio.create_task(
            serve_scheduler(
                dsn=self.dsn,
                pool=self.pool,
                broker=self.broker,
                settings=PaceSettings.load(),
                stop=stop,
                instance=name,
            )
        )
        try:
            yield stop
        finally:
            stop.set()
            await asyncio.wait_for(serving, 60)

    async def add_monitors(self, count: int) -> list[int]:
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute("SET LOCAL ROLE mailprobe_gateway")
            await connection.execute("SELECT set_config('mailprobe.organization', '1', true)")
            return [
                await connection.fetchval(
                    "INSERT INTO monitors (public_id, organization_id, customer_id, name, hostname, protocol, status,"
                    " interval_ms, timeout_seconds, config)"
                    " VALUES ($1, 1, 10, 'a', $2, 'imap', 'active', 30000, 10, $3) RETURNING id",
                    uuid4(),
                    f"mail{number}.example.com",
                    {"protocol": "imap"},
                )
                for number in range(count)
            ]

    async def epoch(self) -> int:
        found: int = await self.pool.fetchval("SELECT epoch FROM shard_leases")
        return found

    def published_at(self, location: str, more_than: int = 0) -> Callable[[], Awaitable[bool]]:
        async def look() -> bool:
            await self.pool.execute("UPDATE location_workers SET last_seen_at = clock_ms()")
            return sum(job.location == location for job in self.broker.jobs) > more_than

        return look


@pytest_asyncio.fixture
async def served(database_dsn: str) -> AsyncIterator[Served]:
    async with open_pool(database_dsn, role=PIPELINE_ROLE, application_name="test") as pool:
        for number, code in enumerate(("one", "two")):
            await pool.execute("INSERT INTO locations VALUES ($1, $2, $2, NULL, now(), clock_ms())", number, code)
            await pool.execute("INSERT INTO location_workers VALUES ($1, 'imap', 'worker', 9, 0, clock_ms())", number)
        yield Served(database_dsn, pool)


async def test_a_new_monitor_is_heard_of_and_scheduled(served: Served) -> None:
    async with served.scheduler():
        await until("it leads", lambda: served.epoch())
        (monitor,) = await served.add_monitors(1)
        await served.pool.execute("SELECT pg_notify('mailprobe_monitors', $1)", str(monitor))

        async def scheduled() -> int:
            found: int = await served.pool.fetchval("SELECT count(*) FROM schedule WHERE monitor_id = $1", monitor)
            return found

        assert await until("it has its rows", scheduled) == 2


async def test_every_connection_lost_is_a_new_term_and_no_end(served: Served) -> None:
    await served.add_monitors(30)
    owner = await asyncpg.connect(served.dsn)
    async with served.scheduler():
        await until("jobs are published", served.published_at("one"))
        epoch = await served.epoch()
        await owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE 'mailprobe scheduler%'"
        )

        async def leads_again() -> bool:
            return await served.epoch() > epoch

        await until("it leads again", leads_again)
        count = sum(job.location == "one" for job in served.broker.jobs)
        await until("jobs are published again", served.published_at("one", more_than=count))
    await owner.close()
    assert len({job.check_id for job in served.broker.jobs}) == len(served.broker.jobs)


async def test_a_database_that_takes_no_writes_for_a_while_is_led_on_afterwards(served: Served) -> None:
    await served.add_monitors(30)
    name = urlsplit(served.dsn).path[1:]
    owner = await asyncpg.connect(served.dsn)
    epoch = await served.epoch()
    await owner.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    async with served.scheduler():
        with structlog.testing.capture_logs() as said:
            await until("it can't lead", lambda: any_of(said, "not_leading"))
        assert await served.epoch() == epoch
        await owner.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        await until("jobs are published", served.published_at("one"))
    await owner.close()


async def test_one_queue_in_trouble_holds_up_no_other(served: Served) -> None:
    served.broker.behaviour = {
        "imap.one.due": BrokerUnavailable("no answer"),
        "imap.one.now": BrokerUnavailable("no answer"),
    }
    await served.add_monitors(30)
    async with served.scheduler():
        await until("the other location's checks go on", served.published_at("two", more_than=40))
        assert not await served.published_at("one")()
        served.broker.behaviour.clear()
        await until("it recovers by itself", served.published_at("one"))


async def test_a_broker_that_is_away_claims_nothing(served: Served) -> None:
    served.broker.is_healthy = False
    await served.add_monitors(30)
    async with served.scheduler():
        await until("there is a schedule", lambda: served.pool.fetchval("SELECT count(*) FROM schedule"))
        await asyncio.sleep(3)
        assert await served.pool.fetchval("SELECT sum(slots_claimed) FROM schedule") == 0
        served.broker.is_healthy = True
        await until("checks go on", served.published_at("one"))


async def test_one_that_stops_hands_over_at_once(served: Served) -> None:
    async with served.scheduler("scheduler@test:1") as stop:
        await until("the first leads", lambda: served.epoch())
        async with served.scheduler("scheduler@test:2"):
            stop.set()

            async def second_leads() -> bool:
                return bool(await served.pool.fetchval("SELECT holder = 'scheduler@test:2' FROM shard_leases"))

            await until("the second leads", second_leads)
