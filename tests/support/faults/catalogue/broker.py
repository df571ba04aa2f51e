"""Faults of RabbitMQ and of what travels through it: away, full, short of memory, silent; messages twice and late."""

import asyncio
import random
from uuid import uuid4

from shared.broker.rabbitmq import RabbitBroker
from shared.broker.seam import Delivery, OutgoingMessage
from shared.broker.topology import RESULTS, RESULTS_QUEUE, checks_queue
from shared.checks.vocabulary import Lane, MailProtocol
from tests.support.faults.drill import Drill
from tests.support.faults.fault import Fault, nothing
from tests.support.fleet import SERVICES
from tests.support.waiting import until

_TINY = {
    "pattern": "^mailprobe\\.checks\\.",
    "apply-to": "queues",
    "priority": 99,
    "definition": {
        "delivery-limit": 5,
        "dead-letter-exchange": "mailprobe.dead-letters",
        "dead-letter-strategy": "at-least-once",
        "overflow": "reject-publish",
        "max-length": 2,
    },
}


def killed(*, times: int = 1) -> Fault:
    async def inject(drill: Drill) -> None:
        await drill.ground.rabbit.kill()

    return Fault("RabbitMQ killed", inject, _started, "confirmed is kept; the rest is published again", times=times)


def restarted(*, lasts_seconds: float) -> Fault:
    async def inject(drill: Drill) -> None:
        await drill.ground.rabbit.stop()

    return Fault(
        "RabbitMQ restarted",
        inject,
        _started,
        "nothing is claimed meanwhile; one catch-up check each",
        lasts_seconds=lasts_seconds,
        remark=f"away for {lasts_seconds:.0f} s",
    )


def down_at_start() -> Fault:
    """Everything is started while there is no broker."""

    async def inject(drill: Drill) -> None:
        await asyncio.gather(*(drill.fleet.kill(service) for service in SERVICES))
        await drill.ground.rabbit.kill()
        for service in SERVICES:
            drill.fleet.launch(service)

    async def heal(drill: Drill) -> None:
        await drill.ground.rabbit.start()
        await asyncio.gather(*(drill.fleet.until_ready(service) for service in SERVICES))

    return Fault(
        "RabbitMQ down when everything starts",
        inject,
        heal,
        "the services wait for it",
        lasts_seconds=10,
    )


def memory_alarm(*, lasts_seconds: float) -> Fault:
    async def inject(drill: Drill) -> None:
        await drill.ground.rabbit.control("set_vm_memory_high_watermark", "0.0001")

    async def heal(drill: Drill) -> None:
        await drill.ground.rabbit.control("set_vm_memory_high_watermark", "0.4")

    return Fault(
        "RabbitMQ short of memory",
        inject,
        heal,
        "publishing times out and nothing is claimed; consuming goes on",
        lasts_seconds=lasts_seconds,
        remark=f"for {lasts_seconds:.0f} s",
    )


def queue_full(*, lasts_seconds: float) -> Fault:
    """Nobody takes jobs, and there is room for two."""

    def policy(drill: Drill) -> str:
        return f"policies/{drill.ground.vhost}/tiny"

    async def inject(drill: Drill) -> None:
        await drill.ground.rabbit.given.api("PUT", policy(drill), _TINY)
        for worker in ("imap_worker", "pop3_worker"):
            drill.fleet.freeze(worker)

    async def heal(drill: Drill) -> None:
        await drill.ground.rabbit.given.api("DELETE", policy(drill))
        for worker in ("imap_worker", "pop3_worker"):
            drill.fleet.thaw(worker)

    return Fault(
        "queues full",
        inject,
        heal,
        "what is refused is missed, and said so",
        lasts_seconds=lasts_seconds,
        remark=f"for {lasts_seconds:.0f} s",
    )


def consumer_cancelled() -> Fault:
    """The broker deletes the queues that workers and recorder consume from, and what is in them."""

    async def inject(drill: Drill) -> None:
        for queue in (
            checks_queue(MailProtocol.IMAP, "default", Lane.DUE),
            checks_queue(MailProtocol.POP3, "default", Lane.DUE),
            RESULTS_QUEUE,
        ):
            await drill.ground.rabbit.given.api("DELETE", f"queues/{drill.ground.vhost}/{queue}")

    return Fault(
        "consumers cancelled by the broker",
        inject,
        nothing,
        "queues are declared anew; what was in them is missed",
        remark="its queues deleted",
    )


def silent(*, lasts_seconds: float) -> Fault:
    async def inject(drill: Drill) -> None:
        drill.broker_wire.hush()

    async def heal(drill: Drill) -> None:
        drill.broker_wire.mend()

    return Fault(
        "RabbitMQ cut off without a reset",
        inject,
        heal,
        "given up by heartbeats, connected to anew",
        lasts_seconds=lasts_seconds,
        remark=f"for {lasts_seconds:.0f} s",
    )


def results_tampered_with(*, held_seconds: float) -> Fault:
    """Somebody beside the recorder takes results, and gives them back late, twice, and out of order."""

    async def inject(drill: Drill) -> None:
        url = drill.ground.rabbit.given.amqp_url(drill.ground.vhost)
        broker = RabbitBroker(url, service="test", instance="tampering@here:0")
        await broker.open(timeout_seconds=60)
        held: list[OutgoingMessage] = []

        async def take(delivery: Delivery) -> None:
            held.extend((_as_it_came(delivery), _as_it_came(delivery)))
            await delivery.ack()

        consumer = await broker.consume(RESULTS_QUEUE, take, prefetch=20)
        await asyncio.sleep(held_seconds)
        await consumer.close()
        random.Random(5).shuffle(held)
        for first in range(0, len(held), 50):
            await broker.publish(held[first : first + 50], timeout_seconds=60)
        await broker.close()
        assert held, "nothing to tamper with"

        async def drained() -> bool:
            queue = await drill.ground.rabbit.given.api("GET", f"queues/{drill.ground.vhost}/{RESULTS_QUEUE}")
            return not queue.get("messages", 1)

        await until("results to be recorded", drained, timeout_seconds=120)

    return Fault(
        "results twice, out of order and late",
        inject,
        nothing,
        "recorded once; a late one frees its missed slot",
        remark=f"by {held_seconds:.0f} s"
        + (
            ", more than the two minutes after which a slot counts as missed, as an hour would be"
            if held_seconds > 125
            else ""
        ),
    )


def _as_it_came(delivery: Delivery) -> OutgoingMessage:
    return OutgoingMessage(
        exchange=RESULTS,
        routing_key=delivery.routing_key,
        body=delivery.body,
        type=delivery.type,
        message_id=str(uuid4()),  # the broker takes it for another; the results in it are the same
    )


async def _started(drill: Drill) -> None:
    await drill.ground.rabbit.start()


def everything() -> list[Fault]:
    return [
        killed(times=2),
        restarted(lasts_seconds=45),
        down_at_start(),
        memory_alarm(lasts_seconds=20),
        queue_full(lasts_seconds=25),
        consumer_cancelled(),
        silent(lasts_seconds=45),
        results_tampered_with(held_seconds=150),
    ]
