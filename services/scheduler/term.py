"""One term of leadership: what its tasks share, and the way they keep going."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from services.scheduler.known_targets import KnownTargets
from services.scheduler.pacing import Pacer
from services.scheduler.plan import Queue
from shared.broker.seam import Broker, BrokerError
from shared.database.errors import DatabaseError
from shared.database.pool import Pool
from shared.runtime.lifecycle import back_off_seconds, stopped_within

_log = structlog.get_logger()

# What passes by itself: the same step works when database or broker are back.
PASSING = (DatabaseError, BrokerError)

# After taking over, or a jump of the clock, locations get this long to be heard of before they count as silent.
HEARING_SECONDS = 15.0


@dataclass(slots=True)
class Term:
    """Begins with a new epoch, ends when the lock's connection is lost or the process stops (`over`)."""

    dsn: str
    pool: Pool
    broker: Broker
    epoch: int
    instance: str
    pacer: Pacer
    over: asyncio.Event
    queues: dict[tuple[int, str], Queue] = field(default_factory=dict)
    targets: KnownTargets = field(default_factory=KnownTargets)
    changed_monitors: set[int] = field(default_factory=set)
    reconcile_all: bool = True
    schedule_changed: asyncio.Event = field(default_factory=asyncio.Event)
    requests_changed: asyncio.Event = field(default_factory=asyncio.Event)
    locations_changed: asyncio.Event = field(default_factory=asyncio.Event)
    heard_from: float = field(default_factory=time.monotonic)

    def knows_silence(self) -> bool:
        """Whether a location not heard of lately is silent, rather than not yet heard."""
        return time.monotonic() - self.heard_from >= HEARING_SECONDS

    def hear_anew(self) -> None:
        """What was last seen when says nothing for a while."""
        self.heard_from = time.monotonic()


def raise_if_cancelled() -> None:
    """Go on ending, where a library answered the cancellation of this task with an error of its own.

    A term ends when all its tasks have; one that took such an error for a passing one would keep it, and us, for good.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def keep_doing(
    name: str,
    step: Callable[[], Awaitable[object]],
    *,
    over: asyncio.Event,
    every_seconds: float,
    wake: asyncio.Event | None = None,
    pause_seconds: float = 0.05,
) -> None:
    """Do it until it is over: every so often, at once when woken, and again after a pause when it failed.

    Args:
        pause_seconds: how long wakings are collected.
    Raises:
        whatever does not pass by itself, such as LeadershipLost.
    """
    failures = 0
    while not over.is_set():
        if wake is not None:
            wake.clear()
        try:
            await step()
            failures = 0
        except PASSING as error:
            raise_if_cancelled()
            failures += 1
            _log.warning("step_failed", step=name, attempt=failures, error=str(error) or repr(error))
        if failures:
            await stopped_within(over, back_off_seconds(failures, first=0.5))
            continue
        await _wait(over, wake, every_seconds)
        if wake is not None and wake.is_set():
            await stopped_within(over, pause_seconds)


async def _wait(over: asyncio.Event, wake: asyncio.Event | None, seconds: float) -> None:
    if wake is None:
        await stopped_within(over, seconds)
        return
    waiting = [asyncio.ensure_future(over.wait()), asyncio.ensure_future(wake.wait())]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for future in waiting:
            future.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
