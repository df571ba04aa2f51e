"""The import itself: rows handed to mailprobe a few at a time, their first checks awaited, the red ones paused.

What was done stands in mailprobe alone, so that whoever ends this at any row, and runs it again, ends where they would
have ended.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from cli.api_client import ApiClient, Refused
from cli.failing import Failed
from cli.mailbox_import.pace import Pace
from cli.mailbox_import.rows import Row
from cli.mailbox_import.wanted import Key, Plan, Todo, Wanted, canonical, patch_of, plan
from shared.checks.vocabulary import REFUSALS, SOFT_FAILURES, Health, MailProtocol, MonitorStatus

POLL_SECONDS = 1.0
# A request for a first check lasts five minutes; after that it is asked for again, now and then.
ASK_AGAIN_SECONDS = 330.0
SOFT_PAUSE_SECONDS = 30.0
MOST_SOFT_TRIES = 3
# One location that cannot reach a server says nothing of the others, which answer within about this time.
OTHERS_SECONDS = 60.0
_NEWEST = 200
_CHECKS = 20
_OF_ONE_ROW = frozenset({400, 404, 409, 413, 422})


class End(StrEnum):
    """What became of a row."""

    GREEN = "green"
    RED = "red"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    UNTRIED = "not tried"
    UNTESTED = "not tested yet"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A row's end, and why where it is not a good one."""

    row: Row
    end: End
    reason: str = ""
    monitor: str | None = None


@dataclass(slots=True)
class Report:
    """All rows' ends. stops: why rows were not tried, each reason once."""

    outcomes: list[Outcome] = field(default_factory=list)
    stops: list[str] = field(default_factory=list)

    def of(self, *ends: End) -> list[Outcome]:
        return sorted((each for each in self.outcomes if each.end in ends), key=lambda each: each.row.line)


@dataclass(slots=True)
class _Trying:
    """A monitor whose first check is awaited. `checked_before`: when it was checked last before that."""

    wanted: Wanted
    public_id: str
    checked_before: str | None
    asked_at: float
    tries: int = 1
    failing_since: float | None = None


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why a check failed. held_back: it made no login. places: how many locations have answered by now."""

    kind: str
    reason: str
    held_back: bool
    places: int


Said = Callable[[Report, int, int], None]
"""Called with the report so far, how many are being tried, and how many wait."""


def plans_of(wanted: Iterable[Wanted], there: Iterable[Mapping[str, Any]], *, update: bool) -> list[Plan]:
    """What is to be done about each row that names a server."""
    known: dict[Key, Mapping[str, Any]] = {}
    for monitor in there:
        config = monitor["config"]
        protocol = MailProtocol(str(config.get("protocol", MailProtocol.IMAP)))
        known.setdefault((str(config.get("user", "")).lower(), monitor["hostname"], protocol), monitor)
    return [plan(each, known.get(each.key), update=update) for each in wanted if each.fault is None]


class Run:
    """One run over all rows.

    Args:
        places: how many locations are at work, by protocol.
        patience_seconds: for so long it waits while nothing at all ends.
        said: told whenever something has changed.
    """

    def __init__(
        self, api: ApiClient, *, places: Mapping[MailProtocol, int], patience_seconds: float, said: Said
    ) -> None:
        self._api = api
        self._places = places
        self._patience_seconds = patience_seconds
        self._said = said
        self._trying: dict[str, _Trying] = {}
        self._report = Report()
        self._moved_at = time.monotonic()

    async def run(self, wanted: list[Wanted], plans: list[Plan]) -> Report:
        """Everything that is to be done, done."""
        for each in wanted:
            if each.fault is not None:
                self._end(each, End.RED, each.fault)
        untested = [each for each in plans if each.todo in (Todo.CREATE, Todo.RETRY, Todo.AWAIT)]
        pace = Pace.over((canonical(each.wanted.host), each) for each in untested)
        for found in plans:
            await self._settle(found, pace)
        while True:
            for host, next_one in pace.next():
                if not await self._begin(next_one):
                    pace.skipped(host.name)
            self._said(self._report, len(self._trying), pace.left)
            if not self._trying and pace.is_over:
                break
            if time.monotonic() > self._moved_at + self._patience_seconds:
                break
            await asyncio.sleep(POLL_SECONDS)
            await self._look(pace)
        for reason, left in pace.untried():
            self._end(left.wanted, End.UNTRIED, reason)
            if reason not in self._report.stops:
                self._report.stops.append(reason)
        for trying in self._trying.values():
            self._end(trying.wanted, End.UNTESTED, "its first check has not come yet", trying.public_id)
        return self._report

    async def _settle(self, found: Plan, pace: Pace[Plan]) -> None:
        """What needs no test."""
        host = canonical(found.wanted.host)
        there = found.there or {}
        match found.todo:
            case Todo.CHANGE:
                try:
                    await self._api.change_monitor(UUID(there["publicId"]), patch_of(found))
                    self._end(found.wanted, End.CHANGED, monitor=there["publicId"])
                except Refused as error:
                    self._end(found.wanted, End.RED, reason_of(error), there["publicId"])
                pace.known(host, passed=True)
            case Todo.LEAVE:
                differs = f"differs in {', '.join(found.differs)}; --update would change it" if found.differs else ""
                self._end(found.wanted, End.UNCHANGED, differs, there["publicId"])
                pace.known(host, passed=True)
            case Todo.RED:
                reason = there["healthMessage"] or "it was paused before it passed"
                self._end(found.wanted, End.RED, self._advised(found.wanted, reason), there["publicId"])
                pace.known(host, passed=False, reason=reason)

    async def _begin(self, found: Plan) -> bool:
        """Hand one to mailprobe; False where it does not take it."""
        wanted = found.wanted
        checked_before: str | None = None
        try:
            if found.there is None:
                monitor = await self._api.add_monitor(wanted.body())
            elif found.todo is Todo.RETRY:
                checked_before = found.there["lastCheckedAt"]
                body = {name: value for name, value in wanted.body().items() if name != "customerId"}
                monitor = await self._api.change_monitor(UUID(found.there["publicId"]), body)
            else:
                monitor = dict(found.there)
        except Refused as error:
            self._end(wanted, End.RED, reason_of(error))
            return False
        public_id = str(monitor["publicId"])
        self._trying[public_id] = _Trying(wanted, public_id, checked_before, time.monotonic())
        return True

    async def _look(self, pace: Pace[Plan]) -> None:
        """See which first checks have come."""
        newest = {each["publicId"]: each for each in await self._api.newest_monitors(_NEWEST)}
        for trying in list(self._trying.values()):
            monitor = newest.get(trying.public_id)
            if monitor is None:
                try:
                    monitor = await self._api.monitor(UUID(trying.public_id))
                except Refused as error:  # somebody has removed it
                    self._over(trying, End.RED, reason_of(error))
                    pace.skipped(canonical(trying.wanted.host))
                    continue
            await self._judge(trying, monitor, pace)

    async def _judge(self, trying: _Trying, monitor: Mapping[str, Any], pace: Pace[Plan]) -> None:
        host = canonical(trying.wanted.host)
        if monitor["everPassed"]:
            self._over(trying, End.GREEN)
            pace.passed(host)
            return
        unknown = monitor["health"] == Health.UNKNOWN or monitor["lastCheckedAt"] == trying.checked_before
        if unknown:
            await self._ask_again(trying, after=ASK_AGAIN_SECONDS)
            return
        failure = await self._why(trying)
        if failure.held_back:  # a slot of its own, between an older refusal and the check we wait for
            return
        kind, reason = failure.kind, failure.reason
        if kind not in REFUSALS and failure.places < self._places.get(trying.wanted.protocol, 1):
            trying.failing_since = trying.failing_since or time.monotonic()
            if time.monotonic() < trying.failing_since + OTHERS_SECONDS:
                return
        if kind in SOFT_FAILURES and trying.tries < MOST_SOFT_TRIES:
            await self._ask_again(trying, after=SOFT_PAUSE_SECONDS)
            return
        # Paused first: should we be ended here, the next run finds it red.
        await self._api.change_monitor(UUID(trying.public_id), {"status": MonitorStatus.DISABLED})
        self._over(trying, End.RED, self._advised(trying.wanted, reason))
        pace.failed(host, refused=kind in REFUSALS, reason=reason)

    async def _why(self, trying: _Trying) -> _Failure:
        checks = await self._api.checks(trying.public_id, limit=_CHECKS)
        before = trying.checked_before
        checks = [each for each in checks if before is None or each["checkedAt"] > before]
        if not checks:
            return _Failure("", "no check is known", held_back=False, places=0)
        said = checks[0]["diagnostics"]
        reason = str(checks[0]["errorMessage"] or "it failed")
        if words := said.get("serverWords"):
            reason = f"{reason} The server's words: {words}"
        return _Failure(
            kind=str(said.get("outcomeClass", "")),
            reason=reason,
            held_back=bool(said.get("withheld")),
            places=len({each["locationCode"] for each in checks}),
        )

    async def _ask_again(self, trying: _Trying, *, after: float) -> None:
        if time.monotonic() < trying.asked_at + after:
            return
        trying.asked_at = time.monotonic()
        trying.tries += 1
        try:
            await self._api.trigger_check(UUID(trying.public_id))
        except Refused:
            return  # not now; its slots come besides

    def _advised(self, wanted: Wanted, reason: str) -> str:
        return reason if wanted.advice is None else f"{reason} {wanted.advice}"

    def _over(self, trying: _Trying, end: End, reason: str = "") -> None:
        del self._trying[trying.public_id]
        self._end(trying.wanted, end, reason, trying.public_id)

    def _end(self, wanted: Wanted, end: End, reason: str = "", monitor: str | None = None) -> None:
        self._moved_at = time.monotonic()
        self._report.outcomes.append(Outcome(wanted.row, end, reason, monitor))


def reason_of(error: Refused) -> str:
    """Why this one row is not taken. What stands in the way of all of them is raised again, and ends the run."""
    if error.status in _OF_ONE_ROW:
        return str(error)
    raise Failed(f"{error}\nwhat was done until now is kept; run this again to go on") from error


async def live_places(api: ApiClient, plans: Iterable[Plan]) -> Counter[MailProtocol]:
    """How many locations are at work, by protocol; raises Failed where nobody could make a first check."""
    live = Counter(
        MailProtocol(protocol["protocol"])
        for location in await api.locations()
        for protocol in location["protocols"]
        if protocol["live"]
    )
    wanted = {each.wanted.protocol for each in plans if each.todo in (Todo.CREATE, Todo.RETRY, Todo.AWAIT)}
    if missing := sorted(wanted - live.keys()):
        raise Failed(f"no worker for {' and '.join(missing)} is there, so nothing could be tested; start one first")
    return live
