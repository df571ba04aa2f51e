"""How long our queues are, and what that says of mailprobe, in words for an operator."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from shared.broker.management import ManagementFailed, open_management, path_part
from shared.broker.seam import Broker, QueueLength
from shared.broker.topology import (
    CHECKS,
    DEAD_LETTERS_QUEUE,
    EVENTS,
    PRESENCE_QUEUE,
    REPLIES,
    RESULTS_QUEUE,
    checks_queue,
)
from shared.checks.vocabulary import Lane, MailProtocol

_WORTH_A_WORD = {"results": 1_000, "checks": 500}  # messages; each may carry fifty
_NEARLY_FULL = 0.8
_CORE = (RESULTS_QUEUE, PRESENCE_QUEUE, DEAD_LETTERS_QUEUE)


class Standing(StrEnum):
    """Whether somebody has to do something."""

    WELL = "well"
    LOOK = "look"
    ACT = "act"


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """One queue of ours: `ready` wait for a consumer, `unacked` are with one (None: nobody said)."""

    name: str
    ready: int
    unacked: int | None
    consumers: int
    standing: Standing
    meaning: str


async def queue_depths(management_url: str, *, vhost: str) -> list[QueueDepth]:
    """Our queues in this vhost, by name, those missing included. Raises ManagementFailed."""
    async with open_management(management_url) as management:
        queues = await management.get(f"queues/{path_part(vhost)}")
        policies = await management.get(f"policies/{path_part(vhost)}")
    if queues is None:
        raise ManagementFailed(f"the vhost {vhost} does not exist; `mailprobe broker apply` makes it")
    limits = {policy["name"]: policy.get("definition", {}).get("max-length") for policy in policies or ()}
    ours = {str(queue["name"]): queue for queue in queues if str(queue["name"]).startswith("mailprobe.")}
    depths = [_depth(name, queue, limits.get(str(queue.get("policy")))) for name, queue in ours.items()]
    return _whole(depths)


async def queue_depths_seen(broker: Broker, *, locations: Iterable[str]) -> list[QueueDepth]:
    """The same as any user of the broker may see it, by the codes of the locations: raises BrokerUnavailable.

    Queues of gateways, which are nobody else's to look at, are left out, and how much a queue may hold is not known.
    """
    lanes = [checks_queue(protocol, code, lane) for code in locations for protocol in MailProtocol for lane in Lane]
    lengths = await broker.lengths([*_CORE, *lanes])
    return _whole([_seen(each) for each in lengths])


def _whole(depths: list[QueueDepth]) -> list[QueueDepth]:
    there = {depth.name for depth in depths}
    missing = [
        QueueDepth(name, 0, 0, 0, Standing.ACT, "it is missing: start the result recorder, which makes it")
        for name in _CORE
        if name not in there
    ]
    return sorted([*depths, *missing], key=lambda depth: depth.name)


def _seen(length: QueueLength) -> QueueDepth:
    standing, meaning = _meaning(length.name, length.ready, length.unacked or 0, length.consumers)
    return QueueDepth(length.name, length.ready, length.unacked, length.consumers, standing, meaning)


def _depth(name: str, queue: Mapping[str, Any], limit: object) -> QueueDepth:
    ready, unacked = _number(queue, "messages_ready"), _number(queue, "messages_unacknowledged")
    consumers = _number(queue, "consumers")
    standing, meaning = _meaning(name, ready, unacked, consumers)
    if name in (DEAD_LETTERS_QUEUE, PRESENCE_QUEUE):
        pass
    elif isinstance(limit, int) and ready + unacked >= limit:
        standing, meaning = Standing.ACT, f"it is full ({limit}): what does not fit is counted as missed; {meaning}"
    elif isinstance(limit, int) and ready + unacked >= _NEARLY_FULL * limit:
        standing, meaning = Standing.ACT, f"it is nearly full (of {limit}); {meaning}"
    return QueueDepth(name, ready, unacked, consumers, standing, meaning)


def _meaning(name: str, ready: int, unacked: int, consumers: int) -> tuple[Standing, str]:
    if name == DEAD_LETTERS_QUEUE:
        if ready + unacked:
            return Standing.ACT, "messages nobody could handle; read them with `mailprobe dlq list`"
        return Standing.WELL, "nothing was laid aside"
    if name in (RESULTS_QUEUE, PRESENCE_QUEUE):
        if not consumers:
            return Standing.ACT, "no result recorder listens; start one. Nothing is lost meanwhile"
        if ready > _WORTH_A_WORD["results"]:
            return Standing.LOOK, "results come faster than they are stored: look at the database"
        return Standing.WELL, "the recorder keeps up"
    if name.startswith(f"{REPLIES}."):
        return Standing.WELL, "answers to tests, for one gateway"
    if name.startswith(f"{EVENTS}."):
        return Standing.WELL, "what is new, for one gateway and the pages open at it"
    if name.startswith(f"{CHECKS}."):
        return _meaning_of_lane(name, ready, unacked, consumers)
    return Standing.LOOK, "it is none of the queues this release knows"


def _meaning_of_lane(name: str, ready: int, unacked: int, consumers: int) -> tuple[Standing, str]:
    protocol, _, rest = name.removeprefix(f"{CHECKS}.").partition(".")
    location, _, lane = rest.partition(".")
    where = f"{protocol} checks at {location}"
    if not consumers and (ready or not lane):
        standing = Standing.ACT if ready else Standing.LOOK
        return standing, f"no worker takes {where}: start one, or remove the location from its monitors"
    match lane:
        case "now" if ready > _WORTH_A_WORD["checks"]:
            return Standing.LOOK, f"many {where} were asked for at once; they are made as room comes free"
        case "retry" if ready or unacked:
            return Standing.LOOK, f"{where} handed back by workers that ended or died, being made one by one"
    if ready > _WORTH_A_WORD["checks"]:
        return Standing.LOOK, f"{where} wait: add workers, or raise MAILPROBE_WORKER_CAPACITY"
    return Standing.WELL, f"{where}, under way" if ready or unacked else f"no {where} wait"


def _number(queue: Mapping[str, Any], name: str) -> int:
    value = queue.get(name, 0)  # absent until the broker has counted for the first time
    return value if isinstance(value, int) else 0
