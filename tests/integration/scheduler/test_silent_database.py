"""A database cut off without a word, its connections standing: the term ends all the same, and another begins."""

import asyncio
from urllib.parse import urlsplit, urlunsplit

import pytest

from services.scheduler.service import serve_scheduler
from shared.database.pool import PIPELINE_ROLE, open_pool
from shared.runtime.settings import PaceSettings
from tests.integration.scheduler.scripted_broker import ScriptedBroker
from tests.support.faults.wire import Wire
from tests.support.waiting import until


@pytest.mark.timeout(900)
async def test_a_scheduler_whose_database_fell_silent_leads_again(database_dsn: str) -> None:
    parts = urlsplit(database_dsn)
    async with (
        Wire(parts.port or 5432, keepalive_seconds=25).opened() as wire,
        open_pool(database_dsn, role=PIPELINE_ROLE, application_name="test", max_size=1) as looking,
    ):
        by_wire = urlunsplit(parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{wire.port}"))
        async with open_pool(by_wire, role=PIPELINE_ROLE, application_name="test", max_size=5) as pool:
            stop = asyncio.Event()
            serving = asyncio.create_task(
                serve_scheduler(
                    dsn=by_wire,
                    pool=pool,
                    broker=ScriptedBroker(),
                    settings=PaceSettings.load(),
                    stop=stop,
                    instance="scheduler@test:1",
                )
            )

            async def leads_in_term(number: int) -> bool:
                return bool(await looking.fetchval("SELECT epoch FROM shard_leases") >= number)

            async def audits_again(since: int) -> bool:
                return bool(await looking.fetchval("SELECT audited_until FROM shard_leases") > since)

            try:
                await until("a first term", lambda: leads_in_term(1))
                for number in (2, 3):
                    await asyncio.sleep(1.5)  # in the middle of whatever it does each second
                    wire.hush()
                    await asyncio.sleep(3)
                    wire.mend()
                    await until(f"term {number}", lambda number=number: leads_in_term(number), timeout_seconds=120)
                since = await looking.fetchval("SELECT audited_until FROM shard_leases")
                await until("its duties to be done", lambda: audits_again(since))
            finally:
                stop.set()
                wire.mend()
                await asyncio.wait_for(serving, 90)
