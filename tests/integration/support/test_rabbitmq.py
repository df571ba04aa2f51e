"""The private RabbitMQ: vhosts apart, killed and started again, nothing left behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import aio_pika

from shared.broker import policies
from tests.support.servers.rabbitmq import GivenRabbit, RabbitServer
from tests.support.waiting import until


async def test_each_test_has_queues_of_its_own(rabbitmq: GivenRabbit, amqp_url: str) -> None:
    async with rabbitmq.fresh_vhost() as other:
        for url in (amqp_url, rabbitmq.amqp_url(other)):
            async with await aio_pika.connect(url) as connection:
                queue = await (await connection.channel()).declare_queue("mine", exclusive=True)
                assert queue.declaration_result.message_count == 0


async def test_our_policies_are_in_every_fresh_vhost(rabbitmq: GivenRabbit, amqp_vhost: str) -> None:
    assert await policies.verify(rabbitmq.management_url, vhost=amqp_vhost) == []


async def test_what_was_confirmed_is_there_after_a_power_cut(rabbitmq_server: RabbitServer) -> None:
    async with rabbitmq_server.given.fresh_vhost() as vhost:
        url = rabbitmq_server.given.amqp_url(vhost)
        quorum = {"x-queue-type": "quorum"}
        async with await aio_pika.connect(url) as connection:
            channel = await connection.channel(publisher_confirms=True)
            await channel.declare_queue("kept", durable=True, arguments=quorum)
            await channel.default_exchange.publish(
                aio_pika.Message(b"kept", delivery_mode=aio_pika.DeliveryMode.PERSISTENT), routing_key="kept"
            )
        await asyncio.sleep(2)  # a quorum queue younger than its node's next save (0.5 s) comes back mute
        await rabbitmq_server.kill()
        await rabbitmq_server.start()
        async with await aio_pika.connect(url) as connection:
            queue = await (await connection.channel()).declare_queue("kept", durable=True, arguments=quorum)
            message = await queue.get(timeout=60)
            assert message.body == b"kept"
            await message.ack()


def processes_mentioning(word: str) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            mentions = word.encode() in (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if mentions and int(entry.name) != os.getpid():
            found.append(int(entry.name))
    return found


async def _up(log: bytes, word: str) -> bool:
    return b"up" in log and len(processes_mentioning(word)) > 3


async def test_nothing_is_left_when_the_test_run_is_killed(tmp_path: Path) -> None:
    """Even a daemon that left its session and its parents ends with the run."""
    marker = f"mailprobe-leash-{os.getpid()}"
    run = (
        "import os, sys, time; from pathlib import Path; from tests.support.servers.process import LeashedProcess\n"
        f"env = {{'PATH': '/usr/bin:/bin', 'MARK': '{marker}'}}\n"
        "daemon = 'setsid sh -c \"sleep 600 & sleep 600\" & sleep 0.2; echo up; sleep 600'\n"
        "held = LeashedProcess(['sh', '-c', daemon], env=env, cwd=Path('/'), log_path=Path(sys.argv[1]))\n"
        "print('held', flush=True); time.sleep(600)\n"
    )
    log = tmp_path / "log"
    program = [sys.executable, "-c", run, str(log)]
    with subprocess.Popen(program, stdout=subprocess.PIPE) as test_run:  # noqa: ASYNC220
        assert test_run.stdout is not None
        assert test_run.stdout.readline() == b"held\n"
        await until("all of it runs", lambda: _up(log.read_bytes(), marker))
        test_run.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 60
    while left := processes_mentioning(marker):
        assert time.monotonic() < deadline, f"still there: {left}"
        await asyncio.sleep(0.05)
