"""One seed lived through: the services as they are, on a modelled database and a broker with faults, in virtual time.

Real: `serve_scheduler`, `serve_recorder`, `serve_notifier` and `serve_worker` with all they call, the stores' Python,
the in-process broker, the messages' bytes. Modelled: what SQL does, the probe, the receiver, the gateway's few writes.
Left out: roll-ups, tidying, maintenance planned ahead, certificates, canaries, mail.
"""

import asyncio
import contextlib
import math
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from unittest import mock

import asyncpg
import structlog

from services.notifier import thread_store
from services.notifier.service import Ways, serve_notifier
from services.result_recorder import service as recorder_service
from services.result_recorder.service import serve_recorder
from services.scheduler import service as scheduler_service
from services.scheduler.service import serve_scheduler
from shared.broker.in_process import InProcessBroker
from shared.broker.topology import core_topology
from shared.checks.vocabulary import MailProtocol
from shared.notifications.channel_models import ChannelType
from shared.probing.job_handling.checking import Checker
from shared.probing.job_handling.clock import FleetClock
from shared.probing.job_handling.worker import serve_worker
from shared.runtime.settings import PaceSettings, ProbingSettings, TellingSettings
from tests.simulation import (  # noqa: F401 - the twins make themselves known
    statements_of_audit,
    statements_of_incidents,
    statements_of_logins,
    statements_of_notifier,
    statements_of_recorder,
    statements_of_requests,
    statements_of_scheduler,
    verdict,
)
from tests.simulation.described import change, describe
from tests.simulation.idling import looks_in_vain_left_out
from tests.simulation.links import BrokerLink
from tests.simulation.mailboxes import Account, MailServers, Receiver
from tests.simulation.memory_database import Database, Session
from tests.simulation.processes import FROZEN_LEADER_SECONDS, Chance, DatabaseTroubles, Process
from tests.simulation.stand_ins import Keys, environment, keeps_all, known_to_probes, sweep_only, term
from tests.simulation.story import THE_END, TROUBLES_FROM, TROUBLES_UNTIL, Event, Story, story_of
from tests.simulation.virtual_time import VirtualLoop, run
from tests.simulation.watch import Watch

EPOCH_SECONDS = 1_800_000_000.0
_LOOK_AGAIN_SECONDS = 30.0
# An outage that goes on for so long after all else is well again is seen, whatever went wrong before.
_SEEN_WITHIN_SECONDS = 110.0
_OFTEN_MS = 30_000


@dataclass(frozen=True, slots=True)
class Told:
    """How a seed went. `broken`: what does not hold, in words. `digest`: the same for the same run."""

    seed: int
    broken: tuple[str, ...]
    counts: dict[str, int]

    @property
    def digest(self) -> str:
        return repr((self.broken, sorted(self.counts.items())))


def live(seed: int, story: Story | None = None) -> Told:
    """Live through a seed."""
    told = story or story_of(seed)
    return run(lambda loop: World(loop, told).live(), random.Random(seed + 1))


class World:
    """All there is of one seed."""

    def __init__(self, loop: VirtualLoop, story: Story) -> None:
        self.story = story
        self._loop = loop
        self._began = loop.time()
        self._jumped_ms = 0
        self.chance = Chance(story.seed, story.rates)
        self._processes: dict[str, Process] = {}
        self._all: list[Process] = []
        self._troubles = DatabaseTroubles(self.chance, self._process_of)
        self.database = Database(self._clock_ms, self._troubles)
        self.servers = MailServers(lambda: int((EPOCH_SECONDS + loop.time()) * 1000))
        self.receiver = Receiver()
        self.watch = Watch(self.database, self.servers)
        self._broker = InProcessBroker()
        self._last = 0

    async def live(self) -> Told:
        with self._in_place():
            await self._broker.open()
            await self._broker.declare(core_topology())
            describe(self.database, self.story)
            self._become_true()
            for name in self.story.services:
                self._start(name)
            happenings = [asyncio.ensure_future(self._happen(event)) for event in self.story.events]
            await self._until(TROUBLES_FROM)
            self.chance.rates = replace(self.chance.rates, now=True)
            await self._until(TROUBLES_UNTIL)
            self.chance.rates = replace(self.chance.rates, now=False)
            await asyncio.gather(*happenings)
            await self._until(self.story.may_end)
            # It need not be looked on for as long as it may take, where all is well already.
            broken = self._verdict()
            while broken and not self.watch.broken and self._loop.time() < self._began + THE_END:
                await self._until(self._loop.time() - self._began + _LOOK_AGAIN_SECONDS)
                broken = self._verdict()
            for process in self._processes.values():
                process.kill()
            await asyncio.sleep(10)
        return Told(self.story.seed, tuple(broken), self._counts())

    async def _until(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, self._began + seconds - self._loop.time()))

    # Who is there

    def _start(self, name: str) -> None:
        if name in self._processes and not self._processes[name].dead:
            return  # it died of two things at once, and is there again already
        service, *where, _ = name.split("-")
        serve = {
            "scheduler": self._scheduler,
            "recorder": self._recorder,
            "notifier": self._notifier,
            "worker": partial(self._worker, location=where[0] if where else ""),
        }[service]
        frozen = {"frozen_seconds": FROZEN_LEADER_SECONDS} if service == "scheduler" else {}
        process = Process(name, serve, database=self.database, chance=self.chance, **frozen)
        BrokerLink(self._broker, process, self.watch)
        self._processes[name] = process
        self._all.append(process)

    async def _scheduler(self, process: Process) -> None:
        assert process.link is not None
        await serve_scheduler(
            dsn=process.name,
            pool=process.pool,
            broker=process.link,
            settings=PaceSettings.model_construct(host_logins_per_second=5.0, host_in_flight=10),
            stop=process.stop,
            instance=process.name,
        )

    async def _recorder(self, process: Process) -> None:
        assert process.link is not None
        await serve_recorder(pool=process.pool, broker=process.link, stop=process.stop, instance=process.name)

    async def _notifier(self, process: Process) -> None:
        senders = {ChannelType.WEBHOOK: self.receiver.sender_for(process)}
        await serve_notifier(
            dsn=process.name,
            pool=process.pool,
            keys=Keys(),  # type: ignore[arg-type]
            settings=TellingSettings.model_construct(public_url=None, operators_channel=None),
            ways=Ways(http=None, mail=None, senders=senders, mail_is_set=False),  # type: ignore[arg-type]
            stop=process.stop,
            instance=process.name,
        )

    async def _worker(self, process: Process, *, location: str) -> None:
        assert process.link is not None
        wrong_by = self.chance.random.uniform(-3600, 3600)
        loop = self._loop
        await serve_worker(
            protocol=MailProtocol(self.story.protocol),
            probe=self.servers.probe_for(process),  # type: ignore[arg-type]
            environment=environment(),
            broker=process.link,
            keys=Keys(),  # type: ignore[arg-type]
            settings=ProbingSettings.model_construct(
                worker_capacity=20, location_code=location, location_name="", country_code=None, presence_seconds=25.0
            ),
            stop=process.stop,
            clock=FleetClock(monotonic=loop.time, wall=lambda: EPOCH_SECONDS + loop.time() + wrong_by),
        )

    def _process_of(self, name: str) -> Process:
        return self._processes[name]

    async def _connect(self, dsn: str, **_: Any) -> Session:
        session = self._processes[dsn].session()
        await self._troubles.before_statement(session)
        return session

    # What happens

    async def _happen(self, event: Event) -> None:
        await asyncio.sleep(event.at)
        process = self._processes.get(event.whom)
        match event.what:
            case "kill" if process is not None:
                process.doomed = True
                await asyncio.sleep(0.3)
                process.kill()
                await asyncio.sleep(event.seconds)
                self._start(event.whom)
            case "kill in login" if process is not None:
                process.dies_in_login = partial(self._loop.call_later, event.seconds, self._start, event.whom)
            case "receiver away":
                self.receiver.away = True
                await asyncio.sleep(event.seconds)
                self.receiver.away = False
            case "freeze" if process is not None:
                process.freeze(event.seconds)
            case "connection lost" if process is not None and process.link is not None:
                process.link.lose()
            case "broker away":
                await self._away(event.seconds)
            case "database away":
                self._troubles.away = True
                for each in self._processes.values():
                    each._lose_sessions()
                await asyncio.sleep(event.seconds)
                self._troubles.away = False
            case "jump":
                self._jumped_ms += int(event.seconds * 1000)
            case "password":
                change(self.database, int(event.whom), event.what, soon=self._loop.call_soon)
                box = next(each for each in self.story.mailboxes if each.number == int(event.whom))
                self.servers.changed.pop((box.host, box.user), None)
            case "edit" | "pause" | "delete":
                while (holder := self.database.owners.get(("monitor_health", int(event.whom)))) is not None:
                    await holder.over.wait()  # a row that goes along with its monitor is locked
                change(self.database, int(event.whom), event.what, soon=self._loop.call_soon)

    async def _away(self, seconds: float) -> None:
        until = self._loop.time() + seconds
        while self._loop.time() < until:  # whoever starts meanwhile does not reach it either
            for process in self._processes.values():
                if process.link is not None and not process.link.away:
                    process.link.lose()
                    process.link.away = True
            await asyncio.sleep(1)
        for process in self._processes.values():
            if process.link is not None:
                process.link.away = False

    # What becomes of it

    def _become_true(self) -> None:
        for each in self.story.outages:
            self.servers.down.append((each.host, self._true_ms(each.since), self._true_ms(each.until)))
        if self.story.wrong_password is not None:
            number, since = self.story.wrong_password
            box = next(each for each in self.story.mailboxes if each.number == number)
            self.servers.changed[box.host, box.user] = self._true_ms(since)

    def _verdict(self) -> list[str]:
        story, database = self.story, self.database
        wrong = list(self.watch.broken)
        wrong += [f"{each.name} ended by itself: {each.broke!r}" for each in self._all if each.broke is not None]
        edited = {event.whom for event in story.events if event.what == "edit"}
        wrong += verdict.conserved(
            database, changed=lambda number: str(number) in edited, went_back=story.clock_goes_back
        )
        wrong += verdict.requests_ended(database, settled=not story.clock_jumps)
        wrong += verdict.manners_kept(
            self.servers,
            steady_clock=not story.clock_jumps,
            known_since=self._refused_since,
            tries_at_once=self._tries_at_once,
        )
        wrong += verdict.well_told(database, self.receiver)
        wrong += verdict.still_checked(database)
        wrong += verdict.all_told(database, self.receiver)
        # A login granted before the clock went back, whose job was lost, holds up its mailbox's next ones for minutes.
        if not (story.clock_goes_back and story.protocol == "pop3"):
            wrong += self._outage_noticed()
        return list(dict.fromkeys(wrong))

    def _refused_since(self, account: Account) -> int | None:
        numbers = {box.number for box in self.story.mailboxes if (box.host, box.user) == account}
        known = [
            row["recorded_at"]
            for row in self.database.tables["results"].values()
            if row["monitor_id"] in numbers and row["outcome"] == "auth_rejected" and not row["withheld"]
        ]
        return min(known, default=None)

    def _tries_at_once(self, account: Account) -> int:
        credentials = sum((box.host, box.user) == account for box in self.story.mailboxes)
        return credentials * len(self.story.locations)

    def _outage_noticed(self) -> list[str]:
        # Of those that were over before the troubles were, nothing is promised.
        long = [each for each in self.story.outages if each.until > TROUBLES_UNTIL + _SEEN_WITHIN_SECONDS]
        began = {each.host: self._true_ms(each.since) for each in long}
        # What is withheld, until a new password's next try or after a login that was never answered, sees no outage.
        withheld = {event.whom for event in self.story.events if event.what == "password"}
        withheld |= {
            str(row["monitor_id"])
            for row in self.database.tables["missed"].values()
            if row["reason"] == "withheld"
            and (self.story.clock_goes_back or row["last_slot"] > self._true_ms(TROUBLES_FROM))
        }
        # It may wait for another's login, or meet a worker that is new and has its own clock to go by.
        missed = {
            row["monitor_id"]
            for row in self.database.tables["missed"].values()
            if row["last_slot"] > self._true_ms(TROUBLES_UNTIL)
        }
        left = {row["monitor_id"] for row in self.database.tables["incidents"].values()}
        wrong = []
        for box in self.story.mailboxes:
            monitor = self.database.tables["monitors"].get(box.number)
            if box.host not in began or monitor is None or monitor["status"] == "disabled":
                continue
            if self.story.wrong_password is not None or str(box.number) in withheld:
                continue  # what is down anyhow is told otherwise
            if box.interval_ms > _OFTEN_MS and (self.story.clock_goes_back or box.number in missed):
                continue  # of the two slots left, one is a repetition, or was not made
            # Of one that had never passed by then none opens.
            if self.watch.first_passed.get(box.number, math.inf) < began[box.host] and box.number not in left:
                wrong.append("an outage of minutes made no incident")
        return wrong

    def _counts(self) -> dict[str, int]:
        tables = self.database.tables
        counts = {name: len(tables[name]) for name in ("results", "missed", "incidents", "deliveries", "login_history")}
        counts |= dict(self.watch.counts)
        counts["told"] = len(self.receiver.told)
        counts["starts"] = len(self._all)
        return counts

    # Clocks, and what is put in place of the real world

    def _clock_ms(self) -> int:
        return int((EPOCH_SECONDS + self._loop.time()) * 1000) + self._jumped_ms

    def _true_ms(self, seconds: float) -> int:
        return int((EPOCH_SECONDS + self._began + seconds) * 1000)

    @contextlib.contextmanager
    def _in_place(self) -> Iterator[None]:
        with contextlib.ExitStack() as patches:

            def put(owner: Any, name: str, value: Any) -> None:
                patches.enter_context(mock.patch.object(owner, name, value))

            put(asyncpg, "connect", self._connect)
            put(time, "time", lambda: EPOCH_SECONDS + self._loop.time())
            put(Checker, "check", known_to_probes(Checker.check))
            put(scheduler_service, "Term", term)
            put(recorder_service, "keep_sweeping", sweep_only)
            for name in [name for name in vars(thread_store) if name.startswith("forget")]:
                put(thread_store, name, keeps_all)
            patches.enter_context(looks_in_vain_left_out(self.database))
            before = structlog.get_config()
            structlog.configure(
                processors=[self._overheard],
                wrapper_class=structlog.make_filtering_bound_logger(40),
                cache_logger_on_first_use=False,
            )
            try:
                yield
            finally:
                structlog.configure(**before)

    def _overheard(self, _: Any, level: str, event: dict[str, Any]) -> Any:
        """A service that says `error` has met what nobody thought of."""
        why = event.get("reason") or event.get("exc_info") or event.get("error") or ""
        self.watch.say(f"a service says {event['event']}: {why!r}")
        raise structlog.DropEvent
