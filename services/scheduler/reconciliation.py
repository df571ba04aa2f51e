"""Keeps the schedule in line with the monitors: at start, when told of a change, and every 30 seconds anyway.

A changed interval or protocol starts from now; the slots claimed before are retired, to be audited when their time is
up. Whose turn it is at a queue is agreed with its dispatcher, so that neither waits for the other's row locks.
"""

import time
from collections import defaultdict
from contextlib import AsyncExitStack

import structlog

from services.scheduler import reconcile_store
from services.scheduler.audit import ANSWERED_BY_MS
from services.scheduler.lease_store import fenced_transaction
from services.scheduler.plan import Queue
from services.scheduler.reconcile_store import Row
from services.scheduler.term import PASSING, Term
from services.scheduler.windows import LOOK_AHEAD_MS, catch_up_starts
from shared.checks.slots import phase_ms
from shared.checks.vocabulary import MissedReason
from shared.runtime import metrics

_log = structlog.get_logger()

MOST_ROWS = 5_000
EVERY_SECONDS = 30.0
AUDIT_MARGIN_MS = 1_000
FIRST_SPACING_MS = 100


class Reconciliation:
    """Brings the schedule in line, with all monitors or with those that were said to have changed."""

    def __init__(self, term: Term) -> None:
        self._term = term
        self._next_of_all = 0.0

    async def look(self) -> None:
        """One round. Raises what passes, and LeadershipLost; what was not done then is done in the next."""
        term = self._term
        if term.reconcile_all or time.monotonic() >= self._next_of_all:
            term.reconcile_all = False
            try:
                await self._all()
            except PASSING:
                term.reconcile_all = True
                raise
            self._next_of_all = time.monotonic() + EVERY_SECONDS
        else:
            changed, term.changed_monitors = term.changed_monitors, set()
            try:
                await self._some(changed)
            except PASSING:
                term.changed_monitors |= changed
                raise

    async def _all(self) -> None:
        self._term.changed_monitors.clear()
        more = True
        while more and not self._term.over.is_set():
            rows = await reconcile_store.differences(self._term.pool, most=MOST_ROWS)
            await _apply(self._term, rows)
            more = len(rows) == MOST_ROWS
        required = await reconcile_store.required_concurrency(self._term.pool)
        metrics.REQUIRED_CONCURRENCY.clear()
        for (protocol, location), checks in required.items():
            metrics.REQUIRED_CONCURRENCY.labels(protocol, location).set(checks)

    async def _some(self, changed: set[int]) -> None:
        more = bool(changed)
        while more:
            rows = await reconcile_store.differences(self._term.pool, most=MOST_ROWS, monitor_ids=changed)
            await _apply(self._term, rows)
            more = len(rows) == MOST_ROWS


async def _apply(term: Term, rows: list[Row]) -> None:
    by_location: defaultdict[int, list[Row]] = defaultdict(list)
    for row in rows:
        by_location[row["location_id"]].append(row)
    for location_id, of_location in by_location.items():
        protocols = {row["protocol"] for row in of_location} | {row["scheduled_protocol"] for row in of_location}
        queues = [term.queues[key] for key in sorted(term.queues) if key[0] == location_id and key[1] in protocols]
        async with AsyncExitStack() as turns:
            for queue in queues:
                await turns.enter_async_context(queue.turn)
            await _apply_at_location(term, queues, of_location)


async def _apply_at_location(term: Term, queues: list[Queue], rows: list[Row]) -> None:
    gone = [row for row in rows if row["revision"] is None]
    new = [row for row in rows if row["scheduled_interval_ms"] is None]
    kept = [row for row in rows if row["revision"] is not None and row["scheduled_interval_ms"] is not None]
    changed = [row for row in kept if _is_rescheduled(row)]
    same = [row for row in kept if not _is_rescheduled(row)]
    starting = new + changed
    async with fenced_transaction(term.pool, term.epoch) as (connection, now_ms):
        await reconcile_store.retire(
            connection, gone, audit_after_ms=ANSWERED_BY_MS + AUDIT_MARGIN_MS, reason=MissedReason.DELETED
        )
        await reconcile_store.stop(connection, gone)
        await reconcile_store.retire(
            connection, changed, audit_after_ms=ANSWERED_BY_MS + AUDIT_MARGIN_MS, reason=MissedReason.UNANSWERED
        )
        phases = [phase_ms(row["public_id"], row["location_id"], row["interval_ms"]) for row in starting]
        claimed_until = max([now_ms + LOOK_AHEAD_MS, *(queue.claimed_until for queue in queues)])
        await reconcile_store.start(connection, starting, phases, claimed_until=claimed_until)
        await reconcile_store.revise(connection, same)
        if new:
            await reconcile_store.ask_for_first(connection, new, _first_starts(now_ms, new))
    for queue in queues:
        queue.requests_near.set()
    _log.info("schedule_changed", started=len(new), stopped=len(gone), changed=len(changed), revised=len(same))


def _is_rescheduled(row: Row) -> bool:
    return bool((row["interval_ms"], row["protocol"]) != (row["scheduled_interval_ms"], row["scheduled_protocol"]))


def _first_starts(now_ms: int, rows: list[Row]) -> list[int]:
    """At once for a few; a new location's thousands are spread like those of an outage."""
    spread = catch_up_starts(now_ms, [row["interval_ms"] for row in rows])
    return [min(at, now_ms + position * FIRST_SPACING_MS) for position, at in enumerate(spread)]
