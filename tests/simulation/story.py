"""What happens in the world of one seed: who is there, what breaks and when, all drawn before anything begins."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tests.simulation.processes import Rates

MINUTE = 60.0

# In seconds: troubles begin, troubles end, servers are well again, and when it may end and has to.
TROUBLES_FROM, TROUBLES_UNTIL, WELL_AGAIN = 40.0, 220.0, 340.0
# Slots are audited two minutes after their time; a refused password is tried again after five.
MAY_END, THE_END = 400.0, 600.0


@dataclass(frozen=True, slots=True)
class Event:
    """Something done to somebody; `seconds` is how long it lasts or how far it goes."""

    at: float
    what: str
    whom: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A monitor, by its number."""

    number: int
    host: str
    user: str
    interval_ms: int


@dataclass(frozen=True, slots=True)
class Outage:
    """A host is down for a while."""

    host: str
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Story:
    """One seed's.

    Args:
        outages: of mail servers. wrong_password: a monitor's number, and since when.
        may_end: nobody need look on after this, once all is well.
    """

    seed: int
    protocol: str
    locations: Sequence[str]
    mailboxes: Sequence[Mailbox]
    services: Sequence[str]
    rates: Rates
    events: Sequence[Event]
    outages: Sequence[Outage] = ()
    wrong_password: tuple[int, float] | None = None
    clock_jumps: bool = False
    may_end: float = MAY_END

    @property
    def clock_goes_back(self) -> bool:
        return any(event.what == "jump" and event.seconds < 0 for event in self.events)


def story_of(seed: int) -> Story:
    """The story of a seed, the same each time."""
    chance = random.Random(seed)
    locations = ["here", "there"][: 1 + (chance.random() < 0.3)]
    protocol = chance.choice(["imap", "pop3"])
    mailboxes = _mailboxes(chance, protocol)
    services = ["recorder-1", "notifier-1", "scheduler-1", *(f"worker-{where}-1" for where in locations)]
    services += [
        f"{name}-2"
        for name in ("scheduler", "recorder", "notifier", f"worker-{locations[0]}")
        if chance.random() < 0.25
    ]
    events = _events(chance, services, mailboxes)
    jumps = any(event.what == "jump" for event in events)
    wrong = None
    if chance.random() < 0.35:
        wrong = (chance.choice(mailboxes).number, chance.uniform(60, 180))
    may_end = THE_END if chance.random() < 0.2 else MAY_END
    rates, outages = _rates(chance), _outages(chance, mailboxes)
    return Story(seed, protocol, locations, mailboxes, services, rates, events, outages, wrong, jumps, may_end)


def _mailboxes(chance: random.Random, protocol: str) -> list[Mailbox]:
    hosts = ["mail.first.example", "mail.second.example"][: 1 + (chance.random() < 0.5)]
    boxes = [
        Mailbox(number, chance.choice(hosts), f"user{number}", chance.choice([30_000, 30_000, 60_000]))
        for number in range(1, chance.randint(2, 4) + 1)
    ]
    if protocol == "pop3":  # two monitors of one mailbox, which one login at a time may lock
        boxes[1] = Mailbox(2, boxes[0].host, boxes[0].user, 30_000)
    return boxes


def _outages(chance: random.Random, mailboxes: Sequence[Mailbox]) -> list[Outage]:
    """One of minutes, at times; and some that come and go while messages about them are still held up."""
    outages = []
    if chance.random() < 0.45:
        outages.append(Outage(chance.choice(mailboxes).host, chance.uniform(60, 170), WELL_AGAIN))
    for _ in range(chance.choice([0, 0, 1, 1, 2])):
        since = chance.uniform(TROUBLES_FROM, TROUBLES_UNTIL - 60)
        outages.append(Outage(chance.choice(mailboxes).host, since, since + chance.uniform(5, 90)))
    return outages


def _rates(chance: random.Random) -> Rates:
    def some(most: float, how_often: float = 0.5) -> float:
        return chance.uniform(0, most) if chance.random() < how_often else 0.0

    rates = Rates(
        database_error=some(0.015),
        commit_unknown=some(0.04),
        deadlock=some(0.01, 0.3),
        slow=some(0.05),
        publish_lost=some(0.1),
        confirm_lost=some(0.15),
        duplicated=some(0.4),
        dropped=some(0.25),
        refused=some(0.2, 0.3),
        delayed=some(0.5),
        our_fault=some(0.4, 0.4),
        not_told=some(0.8),
    )
    if chance.random() < 0.4:  # one thing is at its worst
        return replace(rates, **dict([chance.choice(_AT_WORST)]))
    return rates


_AT_WORST = (
    ("publish_lost", 0.6),
    ("confirm_lost", 0.6),
    ("dropped", 0.6),
    ("commit_unknown", 0.25),
    ("database_error", 0.06),
    ("delayed", 0.95),
    ("not_told", 0.95),
)


def _events(chance: random.Random, services: Sequence[str], mailboxes: Sequence[Mailbox]) -> list[Event]:
    def when() -> float:
        return chance.uniform(TROUBLES_FROM, TROUBLES_UNTIL - 10)

    events = [
        Event(when(), "kill", chance.choice(services), chance.uniform(0.5, 30)) for _ in range(chance.randint(0, 5))
    ]
    if chance.random() < 0.3:
        events.append(Event(when(), "freeze", chance.choice(["scheduler-1", *services]), chance.uniform(3, 45)))
    for what, how_often, most in (
        ("broker away", 0.5, 40),
        ("database away", 0.3, 25),
        ("connection lost", 0.5, 0),
        ("receiver away", 0.35, 150),
    ):
        if chance.random() < how_often:
            events.append(Event(when(), what, chance.choice(services), chance.uniform(1, 1 + most)))
    workers = [name for name in services if name.startswith("worker")]
    if chance.random() < 0.3:
        first_or_any = 0.0 if chance.random() < 0.5 else when()
        events.append(Event(first_or_any, "kill in login", chance.choice(workers), chance.uniform(0.5, 5)))
    if chance.random() < 0.15:
        events += [Event(TROUBLES_FROM + 5, "kill", name, chance.uniform(60, 140)) for name in workers]
    if chance.random() < 0.25:
        far = chance.choice([20.0, 300.0, 3600.0]) * chance.choice([1, -1])
        events.append(Event(when(), "jump", seconds=far))
    if chance.random() < 0.35:
        box = chance.choice(mailboxes)
        events.append(Event(when(), chance.choice(["edit", "password", "pause", "delete"]), str(box.number)))
    return sorted(events, key=lambda event: event.at)
