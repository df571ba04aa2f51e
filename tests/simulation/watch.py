"""What has to hold at every step, whatever goes wrong: looked at whenever something is committed or acknowledged.

What has to hold at the end is in `verdict`. Nothing here asks the services; it knows the messages, the tables and the
ledgers of the mail servers.
"""

from collections import Counter, defaultdict
from typing import Any
from uuid import UUID

from shared.broker.envelope import read_jobs, read_results
from shared.broker.seam import Delivery, OutgoingMessage
from shared.checks.messages import JOBS_TYPE, RESULTS_TYPE, CheckResult, MissedSlots
from shared.checks.slots import check_id
from shared.checks.vocabulary import CheckKind
from tests.simulation.mailboxes import MailServers
from tests.simulation.memory_database import Database, Row, Transaction

CONFIRM_AFTER = 2
PASSES_TO_RECOVER = 2
# What was learnt by a clock that ran ahead may be taken back once it is right again.
AHEAD_MS = 30_000

Place = tuple[int, str]


class Watch:
    """Collects what is broken, in words, each once; and when each monitor was first known to have passed."""

    def __init__(self, database: Database, servers: MailServers) -> None:
        self.broken: dict[str, None] = {}
        self.duplicates = 0
        self.counts: Counter[str] = Counter()
        self.first_passed: dict[int, int] = {}  # in ms of the one true clock
        self._database = database
        self._servers = servers
        self._asked: set[UUID] = set()
        self._answered: set[UUID] = set()
        self._handed_on: set[UUID] = set()
        self._missed: defaultdict[Place, set[int]] = defaultdict(set)
        self._recorded: Counter[tuple[int, int, int]] = Counter()
        database.committed = self.committed

    def say(self, what: str) -> None:
        self.broken.setdefault(what)

    # Messages

    def confirmed(self, process: str, message: OutgoingMessage) -> None:
        """The broker has said that it has this one."""
        match message.type:
            case str(kind) if kind == JOBS_TYPE:
                ids = {job.check_id for job in read_jobs(message.body, message.type).jobs}
                (self._handed_on if process.startswith("worker") else self._asked).update(ids)
            case str(kind) if kind == RESULTS_TYPE:
                for answer in read_results(message.body, message.type).results:
                    self._note_answer(process, answer)

    def _note_answer(self, process: str, answer: CheckResult | MissedSlots) -> None:
        if process.startswith("worker") and answer.check_id is not None:
            self._answered.add(answer.check_id)
        if isinstance(answer, MissedSlots) and answer.kind is CheckKind.SCHEDULED:
            slots = range(answer.first_slot, answer.last_slot + 1, answer.interval_ms)
            self._missed[answer.monitor_id, answer.location].update(slots)

    def acknowledged(self, process: str, delivery: Delivery) -> None:
        """Somebody says that a message is done with."""
        match delivery.type:
            case str(kind) if kind == JOBS_TYPE:
                for job in read_jobs(delivery.body, delivery.type).jobs:
                    if job.check_id not in self._answered | self._handed_on:
                        self.say(f"{process} acknowledged a {job.kind} job nobody has answered")
            case str(kind) if kind == RESULTS_TYPE:
                for answer in read_results(delivery.body, delivery.type).results:
                    if not self._is_kept(answer):
                        self.say(f"{process} acknowledged a {answer.type} of a {answer.kind} check that is not kept")

    def given_up(self, process: str, delivery: Delivery) -> None:
        self.say(f"{process} gave up a message of {delivery.type}")

    def _is_kept(self, answer: CheckResult | MissedSlots) -> bool:
        tables = self._database.tables
        if isinstance(answer, CheckResult):
            return (answer.check_id, answer.slot_at) in tables["results"]
        if answer.kind is not CheckKind.SCHEDULED:
            ended = [*tables["results"].values(), *tables["missed"].values()]
            return any(row["check_id"] == answer.check_id for row in ended)
        places = {row["code"]: row["id"] for row in tables["locations"].values()}
        where = (answer.monitor_id, places[answer.location])
        return all(
            _ended(tables, where, slot) > 0
            for slot in range(answer.first_slot, answer.last_slot + 1, answer.interval_ms)
        )

    # Tables

    def committed(self, transaction: Transaction) -> None:
        """A transaction has just become true."""
        written = transaction.written
        if not written:
            return
        self.counts["commits"] += 1
        now = self._database.clock_ms()
        if "schedule" in written or "schedule_retired" in written:
            lease = self._database.tables["shard_leases"][0]
            if transaction.epoch != lease["epoch"]:
                self.say("the schedule was written to under an epoch that is over")
        for key, row in written.get("schedule", {}).items():
            before = transaction.before["schedule"][key]
            if row is not None and before is not None and row["slots_claimed"] > before["slots_claimed"]:
                self._a_claim(before, row)
        for key, row in written.get("location_health", {}).items():
            before = transaction.before["location_health"][key]
            if row is not None and before is not None and row["last_slot"] < before["last_slot"] <= now + AHEAD_MS:
                self.say("what is believed of a location went back in time")
        for key, row in written.get("monitor_health", {}).items():
            if row is not None and row["first_passed_at"] is not None:
                self.first_passed.setdefault(key, self._servers.now_ms())
        for row in written.get("results", {}).values():
            if row is not None:
                self._one_more_result(row)
        for row in written.get("incidents", {}).values():
            if row is not None:
                self._an_incident(row)

    def _a_claim(self, before: Row, after: Row) -> None:
        """Each slot claimed has to be on its way by now."""
        code = self._database.tables["locations"][after["location_id"]]["code"]
        interval = after["interval_ms"]
        for slot in range(before["last_slot"] + interval, after["last_slot"] + 1, interval):
            check = check_id(after["monitor_public_id"], code, slot)
            on_its_way = (
                check in self._asked
                or slot in self._missed[after["monitor_id"], code]
                or check in self._database.tables["check_requests"]
            )
            self.counts["claimed"] += 1
            if not on_its_way:
                self.say("a slot was claimed for good that nobody was asked for, and nobody told missed")

    def _one_more_result(self, row: Row) -> None:
        if row["kind"] == "scheduled":
            where = (row["monitor_id"], row["location_id"], row["slot_at"])
            self._recorded[where] += 1
            if self._recorded[where] > 1:
                self.duplicates += 1
                self.say("a slot has two results")

    def _an_incident(self, row: Row) -> None:
        tables, ledger = self._database.tables, self._servers.ledger
        others = [
            each
            for each in tables["incidents"].values()
            if each["monitor_id"] == row["monitor_id"] and each["resolved_at"] is None
        ]
        if len(others) > 1:
            self.say("a monitor has two open incidents")
        monitor = tables["monitors"].get(row["monitor_id"])
        account = (row["host"], row["user_name"])
        if monitor is not None and len(ledger.failed[account]) < CONFIRM_AFTER:
            self.say("an incident was opened that the mail server knows nothing of")
        if row["resolution"] == "recovered" and not self._has_recovered(account):
            self.say("an incident was ended before the mailbox was well again")

    def _has_recovered(self, account: tuple[str, str]) -> bool:
        ledger = self._servers.ledger
        opened_by = ledger.failed[account][CONFIRM_AFTER - 1] if len(ledger.failed[account]) >= CONFIRM_AFTER else 0
        return sum(at > opened_by for at in ledger.passed[account]) >= PASSES_TO_RECOVER


def _ended(tables: dict[str, dict[Any, Row]], where: tuple[int, int], slot: int) -> int:
    """How often a slot has ended: as a result, or within a range of missed ones."""
    results = sum(
        (row["monitor_id"], row["location_id"]) == where and row["slot_at"] == slot and row["kind"] == "scheduled"
        for row in tables["results"].values()
    )
    missed = sum(
        (row["monitor_id"], row["location_id"]) == where
        and row["kind"] == "scheduled"
        and row["first_slot"] <= slot <= row["last_slot"]
        and (slot - row["first_slot"]) % row["interval_ms"] == 0
        for row in tables["missed"].values()
    )
    return results + missed
