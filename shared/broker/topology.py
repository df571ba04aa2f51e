"""The names an operator reads at the console, and what is bound to what. Nothing else spells them.

Code declares only that everything is durable and queues are quorum queues; limits and dead-lettering are policies
(`definitions.json`), which can be changed on a living broker where declared arguments cannot.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from shared.checks.vocabulary import Lane

CHECKS = "mailprobe.checks"
RESULTS = "mailprobe.results"
REPLIES = "mailprobe.replies"
PRESENCE = "mailprobe.presence"
EVENTS = "mailprobe.events"
DEAD_LETTERS = "mailprobe.dead-letters"

RESULTS_QUEUE = RESULTS
PRESENCE_QUEUE = PRESENCE
DEAD_LETTERS_QUEUE = DEAD_LETTERS

_LOCATION = re.compile(r"[a-z0-9-]+")
_PROTOCOL = re.compile(r"[a-z0-9]+")
_QUEUE_ENDINGS = {Lane.DUE: "", Lane.NOW: ".now", Lane.RETRY: ".retry"}


class ExchangeKind(StrEnum):
    """How an exchange chooses queues."""

    TOPIC = "topic"
    DIRECT = "direct"
    FANOUT = "fanout"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A durable exchange."""

    name: str
    kind: ExchangeKind


@dataclass(frozen=True, slots=True)
class Queue:
    """A durable quorum queue."""

    name: str


@dataclass(frozen=True, slots=True)
class Binding:
    """Messages of this exchange whose key matches go to this queue."""

    exchange: str
    queue: str
    key: str


@dataclass(frozen=True, slots=True)
class Topology:
    """Exchanges, queues and bindings to have; declaring it twice changes nothing."""

    exchanges: tuple[Exchange, ...] = ()
    queues: tuple[Queue, ...] = ()
    bindings: tuple[Binding, ...] = ()


@lru_cache(maxsize=1024)  # asked for each job, and the answers are few
def checks_key(protocol: str, location: str, lane: str) -> str:
    """The routing key of a job: `imap.<location>.due`."""
    _require(_PROTOCOL, protocol, "protocol")
    _require(_LOCATION, location, "location code")
    return f"{protocol}.{location}.{Lane(lane)}"


def checks_queue(protocol: str, location: str, lane: str) -> str:
    """The queue such jobs wait in: `mailprobe.checks.imap.<location>`, and beside it `.now` and `.retry`."""
    _require(_PROTOCOL, protocol, "protocol")
    _require(_LOCATION, location, "location code")
    return f"{CHECKS}.{protocol}.{location}{_QUEUE_ENDINGS[Lane(lane)]}"


def reply_queue(instance: str) -> str:
    """The queue answers to one gateway wait in."""
    return f"{REPLIES}.{instance}"


def reply_key(queue: str, secret: str) -> str:
    """The key of the answer to one question (`reply_to`), which only those can use who were asked it."""
    return f"{queue}.{secret}"


def events_queue(instance: str) -> str:
    """The queue one gateway hears by that there is something to tell its listeners."""
    return f"{EVENTS}.{instance}"


def core_topology() -> Topology:
    """What every service needs, whichever of them starts first."""
    return Topology(
        exchanges=(
            Exchange(CHECKS, ExchangeKind.TOPIC),
            Exchange(RESULTS, ExchangeKind.TOPIC),
            Exchange(REPLIES, ExchangeKind.DIRECT),
            Exchange(PRESENCE, ExchangeKind.TOPIC),
            Exchange(EVENTS, ExchangeKind.FANOUT),
            Exchange(DEAD_LETTERS, ExchangeKind.FANOUT),
        ),
        queues=(Queue(RESULTS_QUEUE), Queue(PRESENCE_QUEUE), Queue(DEAD_LETTERS_QUEUE)),
        bindings=(
            Binding(RESULTS, RESULTS_QUEUE, "#"),
            Binding(PRESENCE, PRESENCE_QUEUE, "#"),
            Binding(DEAD_LETTERS, DEAD_LETTERS_QUEUE, ""),
        ),
    )


def location_topology(protocol: str, location: str) -> Topology:
    """The three queues of one protocol at one location; needs `core_topology` to be there."""
    queues = {lane: checks_queue(protocol, location, lane) for lane in Lane}
    return Topology(
        queues=tuple(Queue(name) for name in queues.values()),
        bindings=tuple(Binding(CHECKS, name, checks_key(protocol, location, lane)) for lane, name in queues.items()),
    )


def _require(pattern: re.Pattern[str], value: str, what: str) -> None:
    # A dot or a wildcard in a name would let one location read the jobs of another.
    if not pattern.fullmatch(value):
        raise ValueError(f"{what} must match {pattern.pattern}, not {value!r}")
