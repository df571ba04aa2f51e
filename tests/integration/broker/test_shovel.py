"""The runbook's way of sending dead letters back at the console: a shovel, on a RabbitMQ with the plugins we ship."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from shared.broker.rabbitmq import RabbitBroker
from shared.broker.seam import Delivery, OutgoingMessage
from shared.broker.topology import CHECKS, DEAD_LETTERS_QUEUE, checks_queue, core_topology, location_topology
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
        await broker.open(timeout_seconds=30)
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
            {
                "value": {
                    "src-protocol": "amqp091",
                    "src-uri": f"amqp:///{vhost}",
                    "src-queue": DEAD_LETTERS_QUEUE,
                    "src-delete-after": "queue-length",
                    "dest-protocol": "amqp091",
                    "dest-uri": f"amqp:///{vhost}",
                    "dest-exchange": CHECKS,
                    "ack-mode": "on-confirm",
                }
            },
        )
        await until("they are back", lambda: _ready(server, vhost, LANE, 3))
        await until("the shovel has ended", lambda: _no_shovel(server, vhost))
        waiting: list[dict[str, Any]] = await server.given.api(
            "POST", f"queues/{vhost}/{LANE}/get", {"count": 10, "ackmode": "ack_requeue_true", "encoding": "auto"}
        )
        assert {message["properties"]["message_id"] for message in waiting} == {"letter-0", "letter-1", "letter-2"}
        await broker.close()


async def _ready(server: RabbitServer, vhost: str, queue: str, count: int) -> bool:
    facts = await server.given.api("GET", f"queues/{vhost}/{queue}")
    return bool(facts.get("messages_ready", 0) == count)


async def _no_shovel(server: RabbitServer, vhost: str) -> bool:
    return await server.given.api("GET", f"parameters/shovel/{vhost}") == []
