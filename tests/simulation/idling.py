"""Looks in vain, left out: most of what services do, second after second, is to see that there is nothing to do.

A look is left out where the tables show that it would find nothing, and made now and then all the same. Whatever a
look might find is looked for as always, at the times the services have.
"""

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any
from unittest import mock
from weakref import WeakKeyDictionary

from services.notifier import planning, sending
from services.notifier.planning import Planning
from services.notifier.sending import Sending
from services.result_recorder import pulse
from services.result_recorder.incidents import upkeep
from services.scheduler import dispatcher
from services.scheduler import service as scheduler_service
from services.scheduler.dispatcher import Dispatcher
from services.scheduler.windows import LOOK_AHEAD_MS, REQUEST_AHEAD_MS
from tests.simulation.memory_database import Database

# Duties that look every second look so often instead; what they are told of wakes them at once all the same.
LOOKS_EVERY_SECONDS = 4.0
TICKS_EVERY_SECONDS = 1.9  # still within what a claim looks ahead
PULSE_EVERY_SECONDS = 20.0
INCIDENTS_EVERY_SECONDS = 10.0
AUDITS_EVERY_SECONDS = 20.0
ENDS_EVERY_SECONDS = 8.0
STANDS_BY_EVERY_SECONDS = 3.0
KEEPS_ALIVE_EVERY_SECONDS = 5.0
# Of looks that would find nothing one in so many is made.
ONE_IN = 8

_RARELY = {"audit": AUDITS_EVERY_SECONDS, "locations": AUDITS_EVERY_SECONDS, "request ends": ENDS_EVERY_SECONDS}
_HOUSEKEEPING = frozenset({"tidy", "partitions", "retention"})

Step = Callable[[], Awaitable[object]]


@contextmanager
def looks_in_vain_left_out(database: Database) -> Iterator[None]:
    """While one world is lived in."""
    keep_doing = scheduler_service.keep_doing

    async def seldom(name: str, step: Step, *, every_seconds: float, **more: Any) -> None:
        if name in _HOUSEKEEPING:
            return
        wanted = {"requests": _requests_are_near, "request ends": _requests_wait}.get(name)
        if wanted is not None:
            step = _now_and_then(step, partial(wanted, database))
        every_seconds = max(every_seconds, _RARELY.get(name, LOOKS_EVERY_SECONDS))
        await keep_doing(name, step, every_seconds=every_seconds, **more)

    with ExitStack() as patches:
        for owner, name, value in (
            (scheduler_service, "keep_doing", seldom),
            (scheduler_service, "STAND_BY_SECONDS", STANDS_BY_EVERY_SECONDS),
            (scheduler_service, "KEEP_ALIVE_SECONDS", KEEPS_ALIVE_EVERY_SECONDS),
            (dispatcher, "TICK_SECONDS", TICKS_EVERY_SECONDS),
            (planning, "POLL_SECONDS", LOOKS_EVERY_SECONDS),
            (sending, "LOOK_SECONDS", LOOKS_EVERY_SECONDS),
            (pulse, "EVERY_SECONDS", PULSE_EVERY_SECONDS),
            (upkeep, "LOOK_SECONDS", INCIDENTS_EVERY_SECONDS),
            (upkeep, "look_after_incidents", _looked_after(upkeep.look_after_incidents, database)),
            (Dispatcher, "tick", _counted(Dispatcher.tick, partial(_slots_are_due, database))),
            (Planning, "plan", _counted(Planning.plan, lambda _: _something_to_tell(database))),
            (Sending, "_begin_due", _counted(Sending._begin_due, lambda _: _something_to_send(database))),
        ):
            patches.enter_context(mock.patch.object(owner, name, value))
        yield


def _now_and_then(step: Step, wanted: Callable[[], bool]) -> Step:
    look = _counted(lambda _: step(), lambda _: wanted())
    return partial(look, step)


def _looked_after(look_after: Callable[..., Awaitable[Any]], database: Database) -> Callable[..., Awaitable[Any]]:
    async def look(*args: Any) -> Any:
        tables = database.tables
        still_open = any(row["resolved_at"] is None for row in tables["incidents"].values())
        return await look_after(*args) if still_open or tables["incident_states"] else []

    return look


def _counted(method: Callable[[Any], Awaitable[Any]], wanted: Callable[[Any], bool]) -> Callable[[Any], Awaitable[Any]]:
    """The same for a method that answers how much it found; each object counts for itself."""
    left_out: WeakKeyDictionary[Any, int] = WeakKeyDictionary()

    async def look(self: Any) -> Any:
        number = left_out.get(self, 0)
        left_out[self] = number + 1
        if number % ONE_IN and not wanted(self):
            return 0
        left_out[self] = 1
        return await method(self)

    return look


def _slots_are_due(database: Database, dispatcher_: Any) -> bool:
    """Whether a tick would claim something, sweep, or see that the clock has jumped."""
    queue, read, now = dispatcher_._queue, dispatcher_._read, database.clock_ms()
    if read is None or not queue.claimed_until or time.monotonic() >= dispatcher_._next_sweep:
        return True
    if abs(now - read.clock_ms - (time.monotonic() - read.monotonic) * 1000) >= dispatcher.CLOCK_STEP_MS:
        return True
    return any(
        row["active"]
        and row["location_id"] == queue.location_id
        and row["protocol"] == queue.protocol
        and row["last_slot"] + row["interval_ms"] <= now + LOOK_AHEAD_MS
        for row in database.tables["schedule"].values()
    )


def _requests_are_near(database: Database) -> bool:
    until = database.clock_ms() + REQUEST_AHEAD_MS
    requests = database.tables["check_requests"].values()
    return any(row["state"] == "waiting" and row["start_at"] <= until for row in requests)


def _requests_wait(database: Database) -> bool:
    """Whether the end of any is to be seen to: those that are published, or wait longer than they should."""
    now = database.clock_ms()
    requests = database.tables["check_requests"].values()
    return any(
        row["state"] == "published" or (row["state"] == "waiting" and row["start_at"] <= now) for row in requests
    )


def _something_to_tell(database: Database) -> bool:
    now, tables = database.clock_ms(), database.tables
    return any(row["taken_at"] is None for row in tables["outbox"].values()) or any(
        row["state"] == "pending" and row["told_at"] is None and row["due_at"] <= now
        for row in tables["deliveries"].values()
    )


def _something_to_send(database: Database) -> bool:
    now = database.clock_ms()
    return any(
        row["state"] == "pending" and row["told_at"] is not None and row["sent_with"] is None and row["due_at"] <= now
        for row in database.tables["deliveries"].values()
    )
