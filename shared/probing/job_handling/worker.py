"""A worker of one protocol at one location: announces itself, takes jobs of three lanes, and leaves in order."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import structlog

from shared.broker.seam import Broker, BrokerUnavailable, Consumer, Delivery, QueueMissing
from shared.broker.topology import checks_queue
from shared.checks.messages import Presence
from shared.checks.vocabulary import Lane, MailProtocol
from shared.probing.job_handling.canary import Canary, MakeCanaryServer
from shared.probing.job_handling.checking import Checker
from shared.probing.job_handling.clock import FleetClock
from shared.probing.job_handling.confirmed import ConfirmedPublisher
from shared.probing.job_handling.consuming import JobHandler
from shared.probing.job_handling.handing_on import HandingOn
from shared.probing.job_handling.ledger import Ledger
from shared.probing.job_handling.presence import announce_presence
from shared.probing.job_handling.result_sender import FLUSH_SIZE, ResultSender
from shared.probing.job_handling.starting import StartGate
from shared.probing.probe import Probe, ProbeEnvironment
from shared.runtime import metrics
from shared.runtime.identity import instance_name
from shared.runtime.lifecycle import stopped_within
from shared.runtime.loop_lag import LoopLag
from shared.runtime.settings import ProbingSettings
from shared.sealing import PrivateKeyRing

_log = structlog.get_logger()

# A check may take 60 s and its grace; then its answer has this long to be confirmed.
DRAIN_CHECKS_SECONDS = 62.0
DRAIN_ANSWERS_SECONDS = 10.0
DRAIN_LAST_SECONDS = 5.0

QUEUE_TRIES_UNSAID = 5
QUEUE_RETRY_SECONDS = 1.0

MAX_UNSENT_ANSWERS = 5_000


@dataclass(slots=True)
class WorkerStatus:
    """What a worker is at, for readiness: the lanes it consumes and the deliveries it has in hand."""

    consuming: set[Lane] = field(default_factory=set)
    in_hand: int = 0

    async def ready(self) -> str | None:
        """None once all lanes are consumed."""
        waiting = [lane for lane in Lane if lane not in self.consuming]
        if not waiting:
            return None
        return f"waiting for the queues of {', '.join(waiting)}; does a scheduler run?"


def prefetches(capacity: int) -> dict[Lane, int]:
    """Messages taken ahead, by lane.

    Enough to keep all of the capacity busy at one job a message, and no more: what one worker hoards, another at
    its location cannot begin in time. One at a time where jobs are retried, so that a deadly one dies alone.
    """
    due = min(max(capacity, 16), 2_000)
    return {Lane.DUE: due, Lane.NOW: max(16, due // 4), Lane.RETRY: 1}


def flush_size(capacity: int) -> int:
    """Answers in one message: four times as many jobs are in hand, or lanes would stall waiting for each other."""
    return min(FLUSH_SIZE, prefetches(capacity)[Lane.DUE] // 4)


async def serve_worker(
    *,
    protocol: MailProtocol,
    probe: Probe,
    environment: ProbeEnvironment,
    broker: Broker,
    keys: PrivateKeyRing,
    settings: ProbingSettings,
    stop: asyncio.Event,
    status: WorkerStatus | None = None,
    clock: FleetClock | None = None,
    canary_server: MakeCanaryServer | None = None,
) -> None:
    """Serve until `stop` is set and what was in hand is answered or handed on. The broker is open already.

    Args:
        canary_server: what canary checks talk to; without one there are none.
    """
    name = instance_name(f"{protocol}_worker")
    status = status or WorkerStatus()
    gate = StartGate(capacity=settings.worker_capacity, max_unsent=MAX_UNSENT_ANSWERS)
    publisher = ConfirmedPublisher(broker)
    loop_lag = LoopLag()
    clock = clock or FleetClock()
    checker = Checker(protocol=protocol, probe=probe, environment=environment, keys=keys, loop_lag=loop_lag)
    handler = JobHandler(
        worker=name,
        checker=checker,
        clock=clock,
        gate=gate,
        ledger=Ledger(),
        handing_on=HandingOn(publisher, clock),
        sender=ResultSender(
            publisher, idle=lambda: gate.in_flight == 0, flush_size=flush_size(settings.worker_capacity)
        ),
        canary=Canary.create(checker, canary_server) if canary_server is not None else None,
    )
    metrics.WORKER_CAPACITY.labels(protocol=protocol).set(settings.worker_capacity)
    metrics.WORKER_IN_FLIGHT.labels(protocol=protocol).set_function(lambda: gate.in_flight)

    def presence() -> Presence:
        return Presence(
            location=settings.location_code,
            location_name=settings.shown_location,
            country_code=settings.country_code,
            protocol=protocol,
            worker=name,
            capacity=settings.worker_capacity,
            in_flight=gate.in_flight,
            canaries=canary_server is not None,
        )

    lanes = Lanes(broker, protocol, settings, handler, status)
    async with asyncio.TaskGroup() as group:
        background = [
            group.create_task(loop_lag.run()),
            group.create_task(announce_presence(broker, presence, every_seconds=settings.presence_seconds)),
        ]
        consuming = [group.create_task(lanes.consume(lane, stop)) for lane in Lane]
        try:
            await stop.wait()
            _log.info("draining", worker=name, in_flight=gate.in_flight, in_hand=status.in_hand)
            for task in (*consuming, background[1]):
                task.cancel()
            await lanes.drain()
            gate.close()
            await _finish(gate, publisher, status)
        finally:
            gate.close()
            publisher.abandon.set()
            for task in (*consuming, *background):
                task.cancel()
    _log.info("drained", worker=name)


class Lanes:
    """The consumers of one worker."""

    def __init__(
        self,
        broker: Broker,
        protocol: MailProtocol,
        settings: ProbingSettings,
        handler: JobHandler,
        status: WorkerStatus,
    ) -> None:
        self._broker = broker
        self._protocol = protocol
        self._location = settings.location_code
        self._prefetch = prefetches(settings.worker_capacity)
        self._handler = handler
        self._status = status
        self._consumers: list[Consumer] = []

    async def consume(self, lane: Lane, stop: asyncio.Event) -> None:
        """Begin to consume a lane, as soon as there is a queue for it."""
        queue = checks_queue(self._protocol, self._location, lane)
        tries = 0
        while not stop.is_set():
            try:
                consumer = await self._broker.consume(
                    queue, partial(self._handle, lane=lane), prefetch=self._prefetch[lane]
                )
            except (QueueMissing, BrokerUnavailable) as error:
                # Not left to the broker's own waiting: readiness has to know when this lane is served.
                # A new location's queues are made within seconds of its first presence: that is no news.
                tries += 1
                if tries == QUEUE_TRIES_UNSAID:
                    _log.warning("waiting_for_queue", queue=queue, reason=f"{error}; is a scheduler running?")
                await stopped_within(stop, QUEUE_RETRY_SECONDS)
            else:
                self._consumers.append(consumer)
                self._status.consuming.add(lane)
                return

    async def drain(self) -> None:
        """No new deliveries from now on."""
        self._status.consuming.clear()
        await asyncio.gather(*(_drain(consumer) for consumer in self._consumers))

    async def _handle(self, delivery: Delivery, lane: Lane) -> None:
        self._status.in_hand += 1
        try:
            await self._handler.handle(delivery, lane)
        finally:
            self._status.in_hand -= 1


async def _drain(consumer: Consumer) -> None:
    try:
        async with asyncio.timeout(DRAIN_LAST_SECONDS):
            await consumer.drain()
    except (BrokerUnavailable, TimeoutError) as error:
        _log.warning("consumer_not_drained", reason=str(error) or "no answer in time")


async def _finish(gate: StartGate, publisher: ConfirmedPublisher, status: WorkerStatus) -> None:
    """Checks end within their deadline, answers are confirmed; with the broker away, they are given up in the end.

    What is given up was not acknowledged: the broker delivers it to somebody else.
    """
    await _until(lambda: gate.in_flight == 0, DRAIN_CHECKS_SECONDS)
    if await _until(lambda: status.in_hand == 0, DRAIN_ANSWERS_SECONDS):
        return
    _log.warning("drain_incomplete", deliveries_left=status.in_hand, answers_left=gate.unsent)
    publisher.abandon.set()
    await _until(lambda: status.in_hand == 0, DRAIN_LAST_SECONDS)


async def _until(reached: Callable[[], bool], seconds: float) -> bool:
    """Whether it came about in time; looked at often enough for a drain, which happens once."""
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(0.02)
    return True
