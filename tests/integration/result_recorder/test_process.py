"""The recorder as a process of its own: killed at any moment, told to stop, and started before anything else is."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from shared.broker.envelope import result_message
from shared.broker.rabbitmq import RabbitBroker
from shared.broker.topology import core_topology
from shared.checks.messages import ResultBatch
from tests.support.answers import answer, missed, slot
from tests.support.recorder_desk import RecorderDesk
from tests.support.servers.postgres import DatabasesForTests
from tests.support.waiting import until


@asynccontextmanager
async def process(
    dsn: str, amqp_url: str, *, stderr: int = asyncio.subprocess.DEVNULL
) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = {**os.environ, "MAILPROBE_DATABASE_URL": dsn, "MAILPROBE_AMQP_URL": amqp_url}
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.result_recorder", env=environment, stderr=stderr
    )
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.wait()


async def test_killed_again_and_again_it_records_everything_once(desk: RecorderDesk, amqp_url: str) -> None:
    broker = RabbitBroker(amqp_url, service="worker", instance="worker@test:1")
    await broker.open(timeout_seconds=60)
    try:
        await broker.declare(core_topology())
        for number in range(3):
            async with process(desk.dsn, amqp_url) as running:
                begin = number * 120
                messages = [
                    result_message(ResultBatch(results=(answer(slot(n)), missed(slot(n + 1000))))) for n in range(120)
                ]
                half = [result_message(ResultBatch(results=(answer(slot(n)),))) for n in range(begin, begin + 120)]
                await broker.publish([*messages[:60], *half[:60]], timeout_seconds=60)
                if number < 2:
                    await until("the first results", lambda low=begin: _recorded_from(desk, low))  # type: ignore[misc]
                    running.kill()
                    await running.wait()
                    await broker.publish(half[60:], timeout_seconds=60)
                else:
                    await broker.publish(half[60:], timeout_seconds=60)
                    await until("all results", lambda: _recorded(desk, 360))
                    running.send_signal(signal.SIGTERM)
                    assert await asyncio.wait_for(running.wait(), 60) == 0
        assert await desk.missed_slots() == [slot(n + 1000) for n in range(60)]
        state = await desk.location_state()
        assert (state["health"], state["last_slot"], state["since"]) == ("up", slot(359), slot(0))
    finally:
        await broker.close()


async def test_started_before_the_database_is_migrated_it_waits_and_says_so(
    databases: DatabasesForTests, amqp_url: str
) -> None:
    async with databases.empty() as dsn, process(dsn, amqp_url, stderr=asyncio.subprocess.PIPE) as running:
        assert running.stderr is not None
        async with asyncio.timeout(60):
            while b"mailprobe migrate" not in await running.stderr.readline():
                pass
        running.send_signal(signal.SIGTERM)
        await asyncio.wait_for(running.communicate(), 60)
        assert running.returncode == 0


async def test_all_connections_terminated_it_goes_on(desk: RecorderDesk, amqp_url: str) -> None:
    broker = RabbitBroker(amqp_url, service="worker", instance="worker@test:1")
    await broker.open(timeout_seconds=60)
    owner = await asyncpg.connect(desk.dsn)
    try:
        await broker.declare(core_topology())
        async with process(desk.dsn, amqp_url) as running:
            for number in range(3):
                await broker.publish([result_message(ResultBatch(results=(answer(slot(number)),)))], timeout_seconds=60)
                await until("its result", lambda count=number + 1: _recorded(desk, count))  # type: ignore[misc]
                await owner.execute(
                    """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                       WHERE datname = current_database() AND application_name LIKE 'result_recorder@%'"""
                )
            assert running.returncode is None
    finally:
        await owner.close()
        await broker.close()


async def _recorded(desk: RecorderDesk, count: int) -> bool:
    return bool(await desk.value("SELECT count(*) FROM results") == count)


async def _recorded_from(desk: RecorderDesk, number: int) -> bool:
    return bool(await desk.value("SELECT count(*) FROM results WHERE slot_at >= $1", slot(number)))
