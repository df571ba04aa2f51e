"""The release before this one, as others meet it: its messages as it wrote them, and a worker that knows no more.

The files beside this one are messages of release 0.1.0, kept as they are: a later release adds its own instead of
changing them. `assert_readable` is a reader of that release; `WorkerBefore` speaks as its workers did.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import aio_pika
from aio_pika.abc import AbstractIncomingMessage, AbstractRobustChannel

HERE = Path(__file__).parent
MESSAGES = tuple(sorted(path.stem for path in HERE.glob("*.json") if path.stem != "words"))

Json = dict[str, Any]

_NOT_ALWAYS = ("certificate", "login_attempt", "warning_ms", "retry_at")


@cache
def _text(name: str) -> str:
    return (HERE / f"{name}.json").read_text()


def message(name: str) -> Json:
    """exchange, routing_key, type, the names of its headers, and the body, of one message."""
    found: Json = json.loads(_text(name))
    return found


def words() -> dict[str, list[str]]:
    """The closed sets of words of that release, by the names of their types."""
    found: dict[str, list[str]] = json.loads(_text("words"))
    return found


def assert_readable(written: Any, before: Any, where: str = "body") -> None:
    """That a reader of that release finds all it wrote itself, of the kind it wrote; more is nothing to it."""
    match before:
        case dict() | int() if written is None and where.rpartition(".")[2] in _NOT_ALWAYS:
            pass
        case dict():
            assert isinstance(written, dict), f"{where} is no object any more"
            for name, value in before.items():
                assert name in written, f"{where}.{name} is missing"
                if name != "phases_ms":  # by phase, whichever there were
                    assert_readable(written[name], value, f"{where}.{name}")
        case list():
            assert isinstance(written, list), f"{where} is no list any more"
            several = len({type(each) for each in before}) > 1  # each place of it is something else
            assert not several or len(written) == len(before), f"{where} has {len(written)} places"
            for number, each in enumerate(written):
                if before:
                    assert_readable(each, before[number if several else 0], f"{where}[{number}]")
        case None:
            pass
        case bool() | str():
            assert written is None or type(written) is type(before), f"{where} is {written!r}, was {before!r}"
        case _:
            assert isinstance(written, int | float), f"{where} is {written!r}, was {before!r}"


class WorkerBefore:
    """Takes jobs of one protocol at one location and says that each check passed."""

    name = "imap_worker@release-before:1"

    def __init__(self, channel: AbstractRobustChannel, location: str) -> None:
        self._channel = channel
        self._location = location
        self.answered: list[str] = []

    async def run(self) -> None:
        """Until cancelled."""
        await self._channel.set_qos(prefetch_count=1)
        for ending in ("", ".now", ".retry"):
            queue = await self._channel.get_queue(f"mailprobe.checks.imap.{self._location}{ending}")
            await queue.consume(self._answer)
        exchange = await self._channel.get_exchange("mailprobe.presence")
        presence = message("presence")
        while True:
            body = {**presence["body"], "location": self._location, "location_name": self._location}
            body |= {"worker": self.name, "capacity": 1, "canaries": False}
            await exchange.publish(_wire(presence["type"], body), f"imap.{self._location}")
            await asyncio.sleep(2)

    async def _answer(self, delivery: AbstractIncomingMessage) -> None:
        known = message("jobs-scheduled")
        assert delivery.type == known["type"]
        batch = json.loads(delivery.body)
        assert_readable(batch, known["body"])
        exchange = await self._channel.get_exchange("mailprobe.results")
        results = [self._passed(job) for job in batch["jobs"]]
        await exchange.publish(_wire(message("results-made")["type"], {"results": results}), self._location)
        await delivery.ack()
        self.answered += [job["check_id"] for job in batch["jobs"]]

    def _passed(self, job: Json) -> Json:
        result: Json = message("results-made")["body"]["results"][0]
        same = set(result) & set(job) - {"location", "outcome"}
        result |= {name: job[name] for name in same}
        result["outcome"] |= {"certificate": None, "warnings": []}
        result |= {"started_at": int(time.time() * 1000), "location": self._location, "worker": self.name}
        target = job["target"]
        attempt = {"check_id": job["check_id"], "organization_id": job["organization_id"], "host": target["hostname"]}
        attempt |= {"user": target["user"], "credential_id": job["credential_id"], "at_ms": int(time.time() * 1000)}
        logged_in = job["login"] == "allowed" and job["credential_id"] is not None
        result["login_attempt"] = {**result["login_attempt"], **attempt} if logged_in else None
        return result


@asynccontextmanager
async def worker_before(amqp_url: str, *, location: str = "default") -> AsyncIterator[WorkerBefore]:
    """One of them at work; what it could not read fails the test."""
    connection = await aio_pika.connect_robust(amqp_url)
    async with connection, await connection.channel() as channel:
        worker = WorkerBefore(channel, location)
        running = asyncio.create_task(worker.run())
        try:
            yield worker
        finally:
            if not running.done():
                running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running


async def publish_before(channel: AbstractRobustChannel, name: str, body: Json, *, key: str) -> None:
    """A message like that one, with another body and key."""
    like = message(name)
    exchange = await channel.get_exchange(like["exchange"])
    await exchange.publish(_wire(like["type"], body), key)


def _wire(kind: str, body: Json) -> aio_pika.Message:
    return aio_pika.Message(
        json.dumps(body).encode(),
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        type=kind,
        message_id=str(uuid4()),
    )
