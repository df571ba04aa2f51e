"""What an operator sees and does of queues and dead letters, on a real RabbitMQ."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from shared.broker.rabbitmq import RabbitBroker
from shared.broker.seam import Delivery, OutgoingMessage
from shared.broker.topology import (
    CHECKS,
    DEAD_LETTERS,
    DEAD_LETTERS_QUEUE,
    RESULTS,
    RESULTS_QUEUE,
    checks_queue,
    core_topology,
    location_topology,
)
from tests.support.servers.rabbitmq import GivenRabbit
from tests.support.waiting import until

LANE = checks_queue("imap", "here", "due")


class Desk:
    """The command at one vhost, and a broker's client beside it."""

    def __init__(self, rabbitmq: GivenRabbit, vhost: str, broker: RabbitBroker) -> None:
        self.rabbitmq, self.vhost, self.broker = rabbitmq, vhost, broker

    async def mailprobe(self, *arguments: str) -> Result:
        where = ("--management-url", self.rabbitmq.management_url, "--vhost", self.vhost)
        amqp = ("--amqp-url", self.rabbitmq.amqp_url(self.vhost)) if arguments[0] == "dlq" else ()
        return await asyncio.to_thread(lambda: CliRunner().invoke(app, [*arguments, *where, *amqp]))

    async def letters(self) -> list[dict[str, Any]]:
        listed = await self.mailprobe("dlq", "list", "--json")
        assert listed.exit_code == 0, listed.output
        found: list[dict[str, Any]] = json.loads(listed.stdout)
        return found

    async def publish(
        self, number: int, *, exchange: str = CHECKS, key: str = "imap.here.due", body: str = "{}"
    ) -> str:
        message_id = f"{number:08d}-letter"
        message = OutgoingMessage(
            exchange=exchange,
            routing_key=key,
            body=body.encode(),
            type="check-jobs.v1",
            message_id=message_id,
            correlation_id="the check",
            headers={"x-jobs": 1},
        )
        await self.broker.publish([message])
        return message_id

    async def killed(self, count: int, *, queue: str = LANE) -> None:
        """The next messages of this queue are refused by their reader."""
        done = 0

        async def refuse(delivery: Delivery) -> None:
            nonlocal done
            done += 1
            await delivery.reject(requeue=False)

        consumer = await self.broker.consume(queue, refuse, prefetch=1)

        async def dead() -> bool:
            return len(await self.letters()) >= count

        await until("the letters are laid aside", dead)
        await consumer.close()

    async def waiting(self, queue: str) -> list[dict[str, Any]]:
        """What is in a queue now; it stays."""
        found: list[dict[str, Any]] = await self.rabbitmq.api(
            "POST",
            f"queues/{self.vhost}/{queue}/get",
            {"count": 100, "ackmode": "ack_requeue_true", "encoding": "auto"},
        )
        return found


@pytest.fixture
async def desk(rabbitmq: GivenRabbit, amqp_vhost: str, amqp_url: str) -> AsyncIterator[Desk]:
    broker = RabbitBroker(amqp_url, service="test", instance="test@here:0")
    await broker.open(timeout_seconds=60)
    await broker.declare(core_topology())
    await broker.declare(location_topology("imap", "here"))
    yield Desk(rabbitmq, amqp_vhost, broker)
    await broker.close()


async def test_a_dead_letter_says_why_it_died_and_goes_back_where_it_came_from(desk: Desk) -> None:
    body = json.dumps({"published_at": 1, "jobs": [{"target": {"user": "anna", "sealed_password": "mp1.k1.SEALED"}}]})
    message_id = await desk.publish(1, body=body)
    await desk.killed(1)
    (letter,) = await desk.letters()
    assert (letter["reason"], letter["queue"]) == ("rejected", LANE)
    assert (letter["exchange"], letter["routingKey"], letter["messageId"]) == (CHECKS, "imap.here.due", message_id)

    shown = await desk.mailprobe("dlq", "show", letter["id"])
    assert shown.exit_code == 0
    assert "anna" in shown.output
    assert "SEALED" not in shown.output
    assert "its reader refused it" in " ".join(shown.output.split())

    sent = await desk.mailprobe("dlq", "requeue", letter["id"])
    assert sent.exit_code == 0, sent.output
    assert await desk.letters() == []
    (back,) = await desk.waiting(LANE)
    assert back["payload"] == body
    assert back["properties"]["message_id"] == message_id
    assert back["properties"]["correlation_id"] == "the check"
    assert back["properties"]["type"] == "check-jobs.v1"
    assert {name for name in back["properties"]["headers"] if "death" in name} == set()
    assert back["properties"]["headers"]["x-jobs"] == 1


async def test_only_the_chosen_letters_move_and_the_others_keep_their_order(desk: Desk) -> None:
    for number in range(4):
        await desk.publish(number)
    await desk.killed(4)
    order = [letter["id"] for letter in await desk.letters()]
    assert sorted(order) == [f"{number:08d}" for number in range(4)]
    sent = await desk.mailprobe("dlq", "requeue", order[2], "99999999")
    assert (sent.exit_code, "no dead letter 99999999" in sent.output) == (1, True)
    gone = await desk.mailprobe("dlq", "purge", order[0], "--yes")
    assert gone.exit_code == 0, gone.output
    assert [letter["id"] for letter in await desk.letters()] == [order[1], order[3]]
    assert len(await desk.waiting(LANE)) == 1


async def test_what_cannot_go_back_stays(desk: Desk) -> None:
    await desk.publish(1)
    await desk.publish(2, exchange=RESULTS, key="here")
    await desk.killed(1)
    await desk.killed(2, queue=RESULTS_QUEUE)
    await desk.publish(3, exchange=DEAD_LETTERS, key="")  # put there by hand: it came from nowhere
    await desk.rabbitmq.api("DELETE", f"queues/{desk.vhost}/{LANE}")
    sent = await desk.mailprobe("dlq", "requeue", "--all")
    said = " ".join(sent.output.split())
    assert sent.exit_code == 1
    assert "no queue takes messages with the key imap.here.due" in said
    assert "does not say where it came from" in said
    assert {letter["id"] for letter in await desk.letters()} == {"00000001", "00000003"}
    (back,) = await desk.waiting(RESULTS_QUEUE)
    assert back["properties"]["message_id"].startswith("00000002")


async def test_a_body_that_is_not_ours_is_not_shown(desk: Desk) -> None:
    await desk.publish(7, body="LOGIN anna hunter2")
    await desk.killed(1)
    shown = await desk.mailprobe("dlq", "show", "00000007")
    assert "hunter2" not in shown.output
    assert "18 bytes" in shown.output


async def test_letters_are_thrown_away_only_when_that_is_confirmed(desk: Desk) -> None:
    await desk.publish(1)
    await desk.killed(1)
    asked = await desk.mailprobe("dlq", "purge", "--all")
    assert (asked.exit_code, "--yes" in asked.output) == (2, True)
    assert len(await desk.letters()) == 1
    assert (await desk.mailprobe("dlq", "purge", "--all", "--yes")).exit_code == 0
    assert await desk.letters() == []
    none = await desk.mailprobe("dlq", "list")
    assert "There are no dead letters" in none.output


async def test_each_depth_is_told_in_words(desk: Desk) -> None:
    await desk.publish(1)

    async def status() -> dict[str, dict[str, Any]] | None:
        answer = await desk.mailprobe("queue", "status", "--json")
        assert answer.exit_code == 1, answer.output
        found = {each["name"]: each for each in json.loads(answer.stdout)}
        return found if found[LANE]["ready"] == 1 else None  # statistics come late

    found = await until("the broker has counted", status)
    assert found is not None
    assert found[LANE]["standing"] == "act"
    assert "no worker takes imap checks at here" in found[LANE]["meaning"]
    assert "no result recorder listens" in found[RESULTS_QUEUE]["meaning"]
    assert found[DEAD_LETTERS_QUEUE]["standing"] == "well"
    table = await desk.mailprobe("queue", "status")
    assert "no worker takes imap checks at here" in " ".join(table.output.split())


async def test_a_vhost_that_is_not_ours_is_said_in_a_sentence(rabbitmq: GivenRabbit) -> None:
    where = ("--management-url", rabbitmq.management_url, "--vhost", "nobodys")
    answer = await asyncio.to_thread(lambda: CliRunner().invoke(app, ["queue", "status", *where]))
    assert (answer.exit_code, "does not exist" in answer.output) == (1, True)
    async with rabbitmq.fresh_vhost() as empty:
        where = ("--amqp-url", rabbitmq.amqp_url(empty))
        answer = await asyncio.to_thread(lambda: CliRunner().invoke(app, ["dlq", "list", *where]))
        assert (answer.exit_code, "nothing of ours has run here" in answer.output) == (1, True)
