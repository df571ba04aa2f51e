"""Faults at our edges: receivers that misbehave, people who change their minds, and an API asked too much."""

import asyncio
from collections import Counter

import aiohttp

from shared.checks.vocabulary import MailProtocol
from tests.support.faults.drill import Drill
from tests.support.faults.farm import Mailbox
from tests.support.faults.fault import Fault, nothing
from tests.support.waiting import until

_TRIED_SECONDS = 120


def receiver_down() -> Fault:
    """Nobody listens where messages go."""

    async def inject(drill: Drill) -> None:
        await drill.receiver_wire.cut()
        await _until_something_is_to_be_told(drill)

    async def heal(drill: Drill) -> None:
        drill.receiver_wire.mend()

    return Fault("a receiver that is down", inject, heal, "tried again until it is back; told once")


def receiver(behaviour: str, words: str) -> Fault:
    """A receiver that answers wrongly until it is tried at least once."""

    async def inject(drill: Drill) -> None:
        drill.receiver.behaviour = behaviour
        tried = drill.receiver.tried

        async def tried_again() -> bool:
            await drill.mend_confirmed()
            return drill.receiver.tried > tried

        await until("the receiver to be tried", tried_again, timeout_seconds=_TRIED_SECONDS)

    async def heal(drill: Drill) -> None:
        drill.receiver.behaviour = "ok"
        drill.receiver.released.set()
        await asyncio.sleep(0)
        drill.receiver.released.clear()

    return Fault(f"a receiver that {words}", inject, heal, "tried again, under the same key")


def changed_under_way() -> Fault:
    """A monitor is edited, one paused, one deleted while its login is under way."""

    async def inject(drill: Drill) -> None:
        protocols = (MailProtocol.IMAP, MailProtocol.POP3, MailProtocol.IMAP)
        boxes = [
            await drill.farm.add_held(protocol, f"{what}-{drill.disturbances}")
            for protocol, what in zip(protocols, ("edited", "paused", "deleted"), strict=True)
        ]
        for box in boxes:
            box.outages = 1  # where the machine is so slow that it is held for too long, it may be told to be down
        await asyncio.gather(*(drill.watch(box, timeoutSeconds=30) for box in boxes))
        async with asyncio.timeout(_TRIED_SECONDS):
            await asyncio.gather(*(box.login_came.wait() for box in boxes))
        edited, paused, deleted = boxes
        await asyncio.gather(
            drill.change(edited, {"timeoutSeconds": 29}),
            drill.change(paused, {"status": "disabled"}),
            drill.delete(deleted),
        )
        for box in boxes:
            _let_go(box)
        deleted.monitor = ""

    return Fault(
        "monitors edited, paused, deleted with a check under way",
        inject,
        nothing,
        "the check of what was is kept or accounted for, and changes nothing",
        times=1,
    )


def _let_go(box: Mailbox) -> None:
    hold, box.hold = box.hold, None
    assert hold is not None
    hold.set()


def api_flooded(*, requests: int, at_once: int) -> Fault:
    """So many requests at once, over and over, as fast as they are answered."""
    answered: Counter[str] = Counter()

    async def inject(drill: Drill) -> None:
        left = iter(range(requests))
        headers = {"Authorization": f"Bearer {drill.api.token}"}
        timeout = aiohttp.ClientTimeout(total=60)

        async def ask() -> None:
            async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
                for _ in left:
                    try:
                        async with session.get(f"{drill.fleet.address}/api/imap-pop-monitors?perPage=100") as answer:
                            await answer.read()
                            answered[str(answer.status)] += 1
                    except (aiohttp.ClientError, TimeoutError) as error:
                        answered[type(error).__name__] += 1

        await asyncio.gather(*(ask() for _ in range(at_once)))
        drill.say(f"  the API answered {dict(answered)}")
        assert set(answered) <= {"200", "429", "503"}, answered

    return Fault(
        "the API flooded",
        inject,
        nothing,
        "answers 429 or 503 to what is too much; the pipeline keeps its pace",
        lasts_seconds=0.0,
        remark=f"{requests} requests, {at_once} at once",
    )


async def _until_something_is_to_be_told(drill: Drill) -> None:
    async def waiting() -> bool:
        return bool(await drill.pool.fetchval("SELECT count(*) FROM incidents WHERE resolved_at IS NULL"))

    await until("an outage to be told", waiting, timeout_seconds=_TRIED_SECONDS)


def receivers() -> list[Fault]:
    return [
        receiver_down(),
        receiver("slow", "is slow"),
        receiver("500", "answers 500"),
        receiver("hang", "hangs"),
        receiver("reset", "resets the connection"),
        receiver("endless", "answers without end"),
    ]


def everything() -> list[Fault]:
    return [*receivers(), changed_under_way(), api_flooded(requests=4000, at_once=200)]
