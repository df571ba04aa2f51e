"""The runbook's way of sending dead letters back at the console: a shovel, on a RabbitMQ with the plugins we ship."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage
from aiormq.exceptions import ChannelAccessRefused
from yarl import URL

from shared.broker import policies
from shared.broker.management import ManagementFailed, open_management
from shared.broker.rabbitmq import RabbitBroker
from shared.broker.seam import Delivery, OutgoingMessage
from shared.broker.topology import CHECKS, DEAD_LETTERS_QUEUE, checks_queue, core_topology, location_topology
from shared.broker.users import ON_CALL, apply_users
from tests.support.command import run_command
from tests.support.servers import needs
from tests.support.servers.rabbitmq import RabbitServer
from tests.support.waiting import until

PLUGINS = (Path(__file__).parents[3] / "deploy/rabbitmq/enabled_plugins").read_text().strip()
LANE = checks_queue("imap", "here", "due")


@pytest.fixture
async def server(servers_state: Path) -> AsyncIterator[RabbitServer]:
    assert needs.missing((needs.RABBITMQ,)) == []
    made = RabbitServer(servers_state / "shovelling", plugins=PLUGINS, more_config="prometheus.tcp.port = 0\n")
    await made.start()
    yield made
    await made.kill()


async def test_a_shovel_sends_dead_letters_back_with_their_own_keys_and_ends(server: RabbitServer) -> None:
    async with server.given.fresh_vhost() as vhost:
        broker = RabbitBroker(server.given.amqp_url(vhost), service="test", instance="test@here:0")
        await broker.open(timeout_seconds=60)
        await broker.declare(core_topology())
        await broker.declare(location_topology("imap", "here"))

        async def refuse(delivery: Delivery) -> None:
            await delivery.reject(requeue=False)

        consumer = await broker.consume(LANE, refuse, prefetch=1)
        for number in range(3):
            await broker.publish([OutgoingMessage(CHECKS, "imap.here.due", b"{}", "check-jobs.v1", f"letter-{number}")])
        await until("three letters", lambda: _ready(server, vhost, DEAD_LETTERS_QUEUE, 3))
        await consumer.close()

        await server.given.api(
            "PUT",
            f"parameters/shovel/{vhost}/back-to-work",
            {"value": _back_to_checks(vhost)},
        )
        await until("they are back", lambda: _ready(server, vhost, LANE, 3))
        await until("the shovel has ended", lambda: _no_shovel(server, vhost))
        waiting: list[dict[str, Any]] = await server.given.api(
            "POST", f"queues/{vhost}/{LANE}/get", {"count": 10, "ackmode": "ack_requeue_true", "encoding": "auto"}
        )
        assert {message["properties"]["message_id"] for message in waiting} == {"letter-0", "letter-1", "letter-2"}
        await broker.close()


async def test_who_is_on_call_looks_sends_back_and_sets_limits_and_is_no_administrator(server: RabbitServer) -> None:
    async with server.given.fresh_vhost() as vhost:
        address = URL(server.given.amqp_url(vhost)).with_user("on-call").with_password("night shift")
        await policies.apply(server.given.management_url, vhost=vhost)
        await apply_users(server.given.management_url, {ON_CALL: str(address)})
        console = str(URL(server.given.management_url).with_user("on-call").with_password("night shift"))
        broker = RabbitBroker(server.given.amqp_url(vhost), service="test", instance="test@here:0")
        await broker.open(timeout_seconds=60)
        await broker.declare(core_topology())
        await broker.declare(location_topology("imap", "here"))

        async def refuse(delivery: Delivery) -> None:
            await delivery.reject(requeue=False)

        async def a_letter() -> None:
            consumer = await broker.consume(LANE, refuse, prefetch=1)
            await broker.publish([OutgoingMessage(CHECKS, "imap.here.due", b"{}", "check-jobs.v1", "letter-1")])
            await until("a letter", lambda: _ready(server, vhost, DEAD_LETTERS_QUEUE, 1))
            await consumer.close()

        environment = {"MAILPROBE_AMQP_URL": str(address), "MAILPROBE_MANAGEMENT_URL": console}
        await a_letter()
        status = await run_command("queue", "status", environment=environment)
        assert "messages nobody could handle" in status.stdout, status.output
        listed = await run_command("dlq", "list", environment=environment)
        assert (listed.exit_code, "letter-1" in listed.stdout) == (0, True), listed.output
        back = await run_command("dlq", "requeue", "--all", environment=environment)
        assert back.exit_code == 0, back.output
        await until("it is back", lambda: _ready(server, vhost, LANE, 1))
        await server.given.api("DELETE", f"queues/{vhost}/{LANE}/contents")

        async with open_management(console) as mine:
            await a_letter()
            await mine.put(f"parameters/shovel/{vhost}/back-to-work", {"value": _back_to_checks(vhost)})
            await until("it is back by shovel", lambda: _ready(server, vhost, LANE, 1))
            assert await mine.get("nodes")
            assert await mine.get("connections") is not None
            (policy,) = [each for each in await mine.get(f"policies/{vhost}") if each["name"] == "mailprobe-checks"]
            policy["definition"]["max-length"] = 5000
            await mine.put(f"policies/{vhost}/mailprobe-checks", policy)
            for path, body in (
                ("users/another", {"password": "x", "tags": "administrator"}),
                ("users/on-call", {"password": "x", "tags": "administrator"}),
                (f"permissions/{vhost}/on-call", {"configure": ".*", "write": ".*", "read": ".*"}),
                ("vhosts/another", {}),
                (f"queues/{vhost}/mine", {"durable": True}),
            ):
                with pytest.raises(ManagementFailed):
                    await mine.put(path, body)
        connection = await aio_pika.connect(str(address))
        async with connection:
            for forbidden in (
                _consume("mailprobe.results"),
                _consume(LANE),
                _delete(LANE),
                _delete(DEAD_LETTERS_QUEUE),
            ):
                channel = await connection.channel()
                with pytest.raises(ChannelAccessRefused):
                    await forbidden(channel)
        await broker.close()


async def _give_back(message: AbstractIncomingMessage) -> None:
    await message.reject(requeue=True)


def _consume(queue: str) -> Any:
    async def attempt(channel: Any) -> None:
        await (await channel.get_queue(queue, ensure=False)).consume(_give_back)

    return attempt


def _delete(queue: str) -> Any:
    return lambda channel: channel.queue_delete(queue)


def _back_to_checks(vhost: str) -> dict[str, str]:
    """As the runbook has it."""
    return {
        "src-protocol": "amqp091",
        "src-uri": f"amqp:///{vhost}",
        "src-queue": DEAD_LETTERS_QUEUE,
        "src-delete-after": "queue-length",
        "dest-protocol": "amqp091",
        "dest-uri": f"amqp:///{vhost}",
        "dest-exchange": CHECKS,
        "ack-mode": "on-confirm",
    }


async def _ready(server: RabbitServer, vhost: str, queue: str, count: int) -> bool:
    facts = await server.given.api("GET", f"queues/{vhost}/{queue}")
    return bool(facts.get("messages_ready", 0) == count)


async def _no_shovel(server: RabbitServer, vhost: str) -> bool:
    return await server.given.api("GET", f"parameters/shovel/{vhost}") == []
