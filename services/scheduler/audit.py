"""Every slot ends in exactly one of a result or a missed one: the look back that makes it so.

Each second: the slots due between where the audit has come to and the time by which an answer must have arrived.
What left no trace is published as missed; the mark moves on only after the broker has taken that. A report repeated
after a crash is clipped by the recorder, one that was lost would never be noticed: so rather twice than never.
"""

from itertools import groupby

import structlog

from services.scheduler import audit_store
from services.scheduler.audit_store import Row
from services.scheduler.candidates import missed_slots
from services.scheduler.lease_store import audited_until, fenced_transaction, set_audited_until
from services.scheduler.publishing import report_missed
from services.scheduler.term import Term
from services.scheduler.windows import phase_ranges, runs_of_slots
from shared.checks.messages import MissedSlots
from shared.checks.vocabulary import MissedReason

_log = structlog.get_logger()

# not_after (at most a minute after the slot) + the longest time-out + 5 s, the same for all.
ANSWERED_BY_MS = 60_000 + 60_000 + 5_000

LONGEST_WINDOW_MS = 300_000
SHORTEST_WINDOW_MS = 1_000
MOST_SLOTS = 20_000
MOST_RETIRED = 500


class Audit:
    """Moves `audited_until` forward, reporting what it finds."""

    def __init__(self, term: Term) -> None:
        self._term = term
        self._window_ms = LONGEST_WINDOW_MS

    async def look(self) -> None:
        """Catch up with the clock, window by window. Raises what passes, and LeadershipLost."""
        while not self._term.over.is_set() and await self._next_window():
            pass
        await self._retired()

    async def _next_window(self) -> bool:
        """Audit one window; whether there is another one."""
        async with fenced_transaction(self._term.pool, self._term.epoch) as (connection, now_ms):
            since = await audited_until(connection, self._term.epoch)
            end = now_ms - ANSWERED_BY_MS
            until = min(end, since + self._window_ms)
            if until < since:
                # The clock went back: slots will be claimed for times that were audited, and want another audit.
                await set_audited_until(connection, self._term.epoch, until)
            if until <= since:
                return False
            windows = [
                (location_id, protocol, found)
                for location_id, protocol, interval in await audit_store.combinations(connection)
                for found in phase_ranges(since - 1, until - 1, interval)
            ]
            rows = await audit_store.unanswered(connection, windows, since=since, until=until, most=MOST_SLOTS)
            if len(rows) == MOST_SLOTS and self._window_ms > SHORTEST_WINDOW_MS:
                self._window_ms = max(SHORTEST_WINDOW_MS, self._window_ms // 4)
                return True
            await self._report(rows)
            if len(rows) < MOST_SLOTS:
                # A full answer to the shortest window is reported and asked for again: what was recorded drops out.
                await set_audited_until(connection, self._term.epoch, until)
                self._window_ms = min(LONGEST_WINDOW_MS, self._window_ms * 2)
            return until < end and len(rows) < MOST_SLOTS

    async def _retired(self) -> None:
        """The same for slots whose interval is no longer in force."""
        async with fenced_transaction(self._term.pool, self._term.epoch) as (connection, now_ms):
            ids = await audit_store.retired(connection, now_ms=now_ms, most=MOST_RETIRED)
            if ids:
                await self._report(await audit_store.retired_unanswered(connection, ids))
                await audit_store.forget_retired(connection, ids)

    async def _report(self, rows: list[Row]) -> None:
        missed: list[MissedSlots] = []
        for _, group in groupby(rows, key=lambda row: (row["monitor_id"], row["location_id"], row["interval_ms"])):
            of_monitor = list(group)
            first = of_monitor[0]
            slots = (row["slot"] for row in of_monitor)
            for start, _, count in runs_of_slots(slots, first["interval_ms"]):
                missed.append(missed_slots(first, first["location"], start, count, self._reason(first)))
        await report_missed(self._term.broker, missed)
        if missed:
            _log.warning("slots_unanswered", monitors=len(missed), slots=sum(one.count for one in missed))

    def _reason(self, row: Row) -> MissedReason:
        if "reason" in row.keys():  # noqa: SIM118 - a Record's `in` looks among its values
            return MissedReason(row["reason"])
        queue = self._term.queues.get((row["location_id"], row["protocol"]))
        return MissedReason.UNANSWERED if queue is None or queue.live else MissedReason.NO_WORKER
