"""A broker, a mail server's probe and jobs for the tests of job handling: scripted where they shall misbehave."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import UUID, uuid4

from shared.broker.envelope import read_jobs, read_presence, read_results
from shared.broker.seam import (
    BrokerUnavailable,
    Consumer,
    Handler,
    OutgoingMessage,
    PublishOutcome,
    QueueMissing,
)
from shared.broker.topology import CHECKS, PRESENCE, REPLIES, RESULTS, Topology, checks_queue
from shared.checks.messages import (
    JOBS_TYPE,
    CheckJob,
    CheckResult,
    JobBatch,
    MissedSlots,
    Presence,
)
from shared.checks.outcome import Outcome
from shared.checks.target import CheckTarget, password_binding
from shared.checks.vocabulary import (
    CheckKind,
    Lane,
    LoginOutcome,
    MailProtocol,
    OutcomeKind,
    Phase,
    Security,
)
from shared.probing.job_handling import WorkerStatus, serve_worker
from shared.probing.job_handling.canary import MakeCanaryServer
from shared.probing.probe import OnPhase, Probe, ProbeEnvironment, ProbeRequest
from shared.runtime.settings import ProbingSettings
from shared.sealing import PrivateKeyRing, generate_key_rings

PUBLISHED = 1_800_000_000_000  # the database's time when the tests' jobs are published
LOCATION = "fra1"
PASSWORD = b"hunter2-marker"
MONITOR = UUID("00000000-0000-4000-8000-000000000001")

PUBLIC_KEYS, PRIVATE_KEYS = generate_key_rings()
NO_ENVIRONMENT = cast("ProbeEnvironment", None)  # the fake probe looks at nothing of it

OK = Outcome(kind=OutcomeKind.OK, phase=Phase.LOGOUT, message="fine", login=LoginOutcome.ACCEPTED, total_ms=5.0)


def a_target(
    *, logs_in: bool = True, timeout_ms: int = 30_000, password: bytes = PASSWORD, **changes: object
) -> CheckTarget:
    target = CheckTarget(
        protocol=MailProtocol.IMAP,
        hostname="Mail.Example.com",
        port=993,
        security=Security.TLS,
        user="user@example.com",
        timeout_ms=timeout_ms,
    ).model_copy(update=changes)
    if not logs_in:
        return target.model_copy(update={"user": None})
    context = password_binding(1, MONITOR, target).context()
    return target.model_copy(update={"sealed_password": PUBLIC_KEYS.seal(password, context)})


def a_job(**changes: object) -> CheckJob:
    return CheckJob(
        check_id=uuid4(),
        kind=CheckKind.SCHEDULED,
        organization_id=1,
        monitor_id=7,
        monitor_public_id=MONITOR,
        revision=3,
        location=LOCATION,
        slot_at=PUBLISHED,
        start_at=PUBLISHED,
        not_after=PUBLISHED + 60_000,
        interval_ms=60_000,
        login_proven=True,
        credential_id=uuid4(),
        target=a_target(),
    ).model_copy(update=changes)


class FakeDelivery:
    def __init__(
        self,
        body: bytes,
        *,
        message_type: str = JOBS_TYPE,
        redelivered: bool = False,
        headers: Mapping[str, Any] | None = None,
    ) -> None:
        self.body = body
        self.type = message_type
        self.routing_key = "imap.fra1.due"
        self.headers = headers or {}
        self.message_id: str | None = "m1"
        self.correlation_id: str | None = None
        self.redelivered = redelivered
        self.acks = 0
        self.rejected: bool | None = None  # the value of requeue

    async def ack(self) -> None:
        self.acks += 1

    async def reject(self, *, requeue: bool) -> None:
        self.rejected = requeue


class FakeConsumer:
    def __init__(self, broker: "FakeBroker", queue: str) -> None:
        self._broker = broker
        self._queue = queue

    async def drain(self) -> None:
        self._broker.drained.append(self._queue)

    async def close(self) -> None:
        await self.drain()


Script = PublishOutcome | BrokerUnavailable


class FakeBroker:
    """Keeps what is published; `script[exchange]` says how the next publishes there go, confirmed when empty."""

    def __init__(self) -> None:
        self.published: list[OutgoingMessage] = []
        self.script: dict[str, deque[Script]] = {}
        self.away: set[str] = set()  # exchanges that do not answer
        self.handlers: dict[str, Handler] = {}
        self.prefetch: dict[str, int] = {}
        self.missing_queues: set[str] = set()
        self.drained: list[str] = []
        self.declared: list[Topology] = []
        self.changed = asyncio.Condition()
        self._handling: set[asyncio.Task[None]] = set()

    async def open(self, *, timeout_seconds: float | None) -> None: ...

    async def declare(self, topology: Topology) -> None:
        self.declared.append(topology)

    async def publish(
        self, messages: Sequence[OutgoingMessage], *, timeout_seconds: float = 4.0
    ) -> list[PublishOutcome]:
        await asyncio.sleep(0)
        outcomes = [self._outcome(message) for message in messages]
        async with self.changed:
            self.changed.notify_all()
        return outcomes

    def _outcome(self, message: OutgoingMessage) -> PublishOutcome:
        if message.exchange in self.away:
            raise BrokerUnavailable("gone")
        script = self.script.get(message.exchange)
        outcome = script.popleft() if script else PublishOutcome.CONFIRMED
        if isinstance(outcome, BrokerUnavailable):
            raise outcome
        if outcome is PublishOutcome.CONFIRMED:
            self.published.append(message)
        return outcome

    async def consume(
        self,
        queue: str,
        handler: Handler,
        *,
        prefetch: int,
        wait_for_queue: bool = False,
        exclusive_reply: bool = False,
        exclusive_copies_of: str | None = None,
    ) -> Consumer:
        if queue in self.missing_queues:
            raise QueueMissing(queue)
        self.handlers[queue] = handler
        self.prefetch[queue] = prefetch
        async with self.changed:
            self.changed.notify_all()
        return FakeConsumer(self, queue)

    async def healthy(self) -> bool:
        return True

    async def close(self) -> None: ...

    def hand_out(self, delivery: FakeDelivery, *, lane: Lane = Lane.DUE) -> "asyncio.Task[None]":
        """Give a delivery to the worker; the task ends when its handler does."""
        handler = self.handlers[checks_queue("imap", LOCATION, lane)]
        task = asyncio.ensure_future(_call(handler, delivery))
        self._handling.add(task)
        task.add_done_callback(self._handling.discard)
        return task

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait for something that a publish or a consume brings about."""
        async with asyncio.timeout(60), self.changed:
            await self.changed.wait_for(reached)

    @property
    def answers(self) -> list[CheckResult | MissedSlots]:
        return [answer for message in self.to(RESULTS) for answer in read_results(message.body, message.type).results]

    @property
    def results(self) -> list[CheckResult]:
        return [answer for answer in self.answers if isinstance(answer, CheckResult)]

    @property
    def missed(self) -> list[MissedSlots]:
        return [answer for answer in self.answers if isinstance(answer, MissedSlots)]

    @property
    def handed_on(self) -> list[tuple[str, JobBatch]]:
        return [(message.routing_key, read_jobs(message.body, message.type)) for message in self.to(CHECKS)]

    @property
    def replies(self) -> list[tuple[str, CheckResult | MissedSlots]]:
        return [
            (message.routing_key, read_results(message.body, message.type).results[0]) for message in self.to(REPLIES)
        ]

    @property
    def presences(self) -> list[Presence]:
        return [read_presence(message.body, message.type) for message in self.to(PRESENCE)]

    def to(self, exchange: str) -> list[OutgoingMessage]:
        return [message for message in self.published if message.exchange == exchange]


async def _call(handler: Handler, delivery: FakeDelivery) -> None:
    await handler(delivery)


Answering = Callable[[ProbeRequest, OnPhase | None], Awaitable[Outcome]]


class FakeProbe:
    """Answers `ok`, or as told; keeps what it was asked and how many checks ran at once."""

    def __init__(self, answering: Answering | None = None) -> None:
        self._answering = answering
        self.requests: list[ProbeRequest] = []
        self.running = 0
        self.most_running = 0
        self.began = asyncio.Event()

    async def __call__(
        self,
        request: ProbeRequest,
        environment: ProbeEnvironment,
        *,
        deadline_seconds: float | None = None,
        on_phase: OnPhase | None = None,
    ) -> Outcome:
        self.requests.append(request)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        self.began.set()
        try:
            await asyncio.sleep(0)
            return await self._answering(request, on_phase) if self._answering else OK
        finally:
            self.running -= 1


class HeldProbe(FakeProbe):
    """Answers when it is let go."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()

        async def wait(_request: ProbeRequest, _on_phase: OnPhase | None) -> Outcome:
            await self.let_go.wait()
            return OK

        super().__init__(wait)


def a_batch(*jobs: CheckJob, published_at: int = PUBLISHED, redelivered: bool = False, **headers: int) -> FakeDelivery:
    body = JobBatch(published_at=published_at, jobs=jobs).model_dump_json().encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return FakeDelivery(body, redelivered=redelivered, headers=named)


class Serving:
    """A worker at work."""

    def __init__(self, broker: FakeBroker, stop: asyncio.Event, task: "asyncio.Task[None]", status: WorkerStatus):
        self.broker = broker
        self.stop = stop
        self.task = task
        self.status = status

    async def drained(self) -> None:
        self.stop.set()
        async with asyncio.timeout(60):
            await self.task


@asynccontextmanager
async def serving(
    probe: Probe,
    broker: FakeBroker | None = None,
    *,
    keys: PrivateKeyRing = PRIVATE_KEYS,
    environment: ProbeEnvironment = NO_ENVIRONMENT,
    canary_server: MakeCanaryServer | None = None,
    **settings: object,
) -> AsyncIterator[Serving]:
    """A worker serving the fake broker, all lanes consumed; drained at the end."""
    broker = broker or FakeBroker()
    stop = asyncio.Event()
    status = WorkerStatus()
    given = {"location_code": LOCATION, "country_code": "DE", "location_name": "Frankfurt", **settings}
    task = asyncio.ensure_future(
        serve_worker(
            protocol=MailProtocol.IMAP,
            probe=probe,
            environment=environment,
            broker=broker,
            keys=keys,
            settings=ProbingSettings.load(**given),
            stop=stop,
            status=status,
            canary_server=canary_server,
        )
    )
    worker = Serving(broker, stop, task, status)
    await broker.until(lambda: len(broker.handlers) == len(Lane) - len(broker.missing_queues))
    try:
        yield worker
    finally:
        await worker.drained()


async def done(task: "asyncio.Task[None]") -> None:
    async with asyncio.timeout(60):
        await task
