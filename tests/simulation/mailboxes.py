"""Mail servers and a receiver of notifications that are only ledgers: what is true, and what was asked and told.

A probe of theirs takes the place of the real ones; the receiver that of the notifier's senders.
"""

import asyncio
import contextvars
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from services.notifier.content import Content
from services.notifier.persistence import NotSent, SendOutcome, Sent
from services.notifier.senders.seam import Attempt
from shared.checks.messages import CheckJob
from shared.checks.outcome import Outcome
from shared.checks.vocabulary import LoginOutcome, MailProtocol, OutcomeKind, Phase
from shared.probing.probe import OnPhase, ProbeEnvironment, ProbeRequest
from tests.simulation.processes import Process

Account = tuple[str, str]

MAKING: contextvars.ContextVar[CheckJob | None] = contextvars.ContextVar("MAKING", default=None)
"""The job a probe is made for, which a probe itself does not know."""

BLIP = 0.02

# As long as a worker may take the time from its own clock.
_NEW_SECONDS = 10.0


@dataclass(slots=True)
class Ledger:
    """What servers saw, by account; times in ms of the one true clock."""

    failed: defaultdict[Account, list[int]] = field(default_factory=lambda: defaultdict(list))
    passed: defaultdict[Account, list[int]] = field(default_factory=lambda: defaultdict(list))
    refused: defaultdict[Account, list[int]] = field(default_factory=lambda: defaultdict(list))
    unproven_logins: Counter[UUID] = field(default_factory=Counter)
    overlaps: list[str] = field(default_factory=list)
    mistimed: set[Account] = field(default_factory=set)


@dataclass(slots=True)
class MailServers:
    """The truth.

    Args:
        down: from when until when a host does not answer. changed: since when an account's password is wrong.
    """

    now_ms: Callable[[], int]
    down: list[tuple[str, int, int]] = field(default_factory=list)
    changed: dict[Account, int] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)
    _inside: defaultdict[Account, Counter[UUID]] = field(default_factory=lambda: defaultdict(Counter))
    _tried_by: defaultdict[UUID, set[Process]] = field(default_factory=lambda: defaultdict(set))

    def is_down(self, host: str) -> bool:
        return any(each == host and since <= self.now_ms() < until for each, since, until in self.down)

    def probe_for(self, process: Process) -> Callable[..., object]:
        """A probe as a worker of this process makes it."""

        async def probe(
            request: ProbeRequest,
            environment: ProbeEnvironment,
            *,
            deadline_seconds: float | None = None,
            on_phase: OnPhase | None = None,
        ) -> Outcome:
            sent = asyncio.Event()
            try:
                return await asyncio.wait_for(self._probe(process, request, sent), deadline_seconds)
            except TimeoutError:
                # Only one that stood still is so slow; like the real one, it does not blame the server for it.
                login = LoginOutcome.UNKNOWN if sent.is_set() else LoginOutcome.NOT_SENT
                said = "The worker stood still during this check."
                return Outcome(kind=OutcomeKind.INTERNAL, phase=Phase.AUTH, message=said, login=login)

        return probe

    async def _probe(self, process: Process, request: ProbeRequest, sent: asyncio.Event) -> Outcome:
        """`sent` is set when a password goes out."""
        chance = process.chance
        await process.step()
        account = (request.target.hostname, request.target.user or "")
        job = MAKING.get()
        assert job is not None
        self._tried_by[job.check_id].add(process)
        if chance.strikes(chance.rates.our_fault):
            return Outcome(kind=OutcomeKind.INTERNAL, phase=Phase.DNS, message="Names could not be looked up here.")
        if self.is_down(request.target.hostname) or chance.strikes(BLIP):
            self.ledger.failed[account].append(self.now_ms())
            await asyncio.sleep(0.01)
            return Outcome(kind=OutcomeKind.CONNECT_REFUSED, phase=Phase.CONNECT, message="Nothing listens there.")
        if not request.logs_in:
            await asyncio.sleep(0.02)
            return Outcome(kind=OutcomeKind.OK, phase=Phase.CAPABILITY, message="It was not to log in.")
        return await self._log_in(process, request, account, sent)

    async def _log_in(self, process: Process, request: ProbeRequest, account: Account, sent: asyncio.Event) -> Outcome:
        chance = process.chance.random
        job = MAKING.get()
        assert job is not None
        if not job.login_proven:
            self.ledger.unproven_logins[job.check_id] += 1
        # A worker whose own clock is slow knows how old the first of a backlog is only by what arrives after it.
        is_new = asyncio.get_running_loop().time() < process.began + _NEW_SECONDS
        inside = self._inside[account]
        if is_new and self.now_ms() > job.not_after:
            inside = Counter[UUID]()
            self.ledger.mistimed.add(account)
        # The same check twice is a job delivered again while it was being done; of a good password that is no harm.
        # Done by two, the first one's answer lets the next check in, which cannot know of the other.
        by_two = any(len(self._tried_by[check]) > 1 for check in (job.check_id, *inside))
        if request.target.protocol is MailProtocol.POP3 and inside.keys() - {job.check_id} and not by_two:
            self.ledger.overlaps.append(f"two logins at once to the mailbox {account}")
        inside[job.check_id] += 1
        try:
            await asyncio.sleep(0.02 + chance.random() ** 4 * 12)
            sent.set()
            now = self.now_ms()
            refuses = now >= self.changed.get(account, now + 1)
            if refuses:  # whether or not anybody lives to be told
                self.ledger.refused[account].append(now)
            process.reach_login()
            await process.step()
        finally:
            inside.subtract([job.check_id])
            if not inside[job.check_id]:
                del inside[job.check_id]
        now = self.now_ms()
        if refuses:
            self.ledger.failed[account].append(now)
            said = {"message": "The password is wrong.", "login": LoginOutcome.REFUSED}
            return Outcome(kind=OutcomeKind.AUTH_REJECTED, phase=Phase.AUTH, **said)
        self.ledger.passed[account].append(now)
        return Outcome(kind=OutcomeKind.OK, phase=Phase.LOGOUT, message="Well.", login=LoginOutcome.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Told:
    """A message that arrived. `over`: which of its incidents it says are over."""

    at: float
    key: UUID
    event: str
    incidents: frozenset[UUID]
    over: frozenset[UUID]


class Receiver:
    """Takes notifications, at times none, and at times says nothing of having taken one."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.away = False

    def sender_for(self, process: Process) -> "ReceiverOf":
        return ReceiverOf(self, process)


class ReceiverOf:
    """The sender of one notifier."""

    def __init__(self, receiver: Receiver, process: Process) -> None:
        self._receiver = receiver
        self._process = process

    async def send(self, config: object, content: Content, attempt: Attempt) -> SendOutcome:
        chance = self._process.chance
        await self._process.step()
        await asyncio.sleep(0.05)
        await self._process.step()
        if self._receiver.away or chance.strikes(chance.rates.not_told):
            return NotSent("the receiver answered 503")
        told = frozenset(content.incident_ids) | {each.public_id for each in content.incidents}
        over = frozenset(each.public_id for each in content.incidents if each.resolved_at is not None)
        at = asyncio.get_running_loop().time()
        self._receiver.told.append(Told(at, attempt.public_id, str(content.event), told, over))
        await self._process.step()
        if chance.strikes(chance.rates.not_told):
            return NotSent("the receiver's answer was lost")
        return Sent()
