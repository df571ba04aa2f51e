"""One queue's loop: each second claim what is due, at once publish what was asked for.

On a connection of its own and with back-off of its own, so that trouble with one queue holds up no other.
"""

import asyncio
import time
from dataclasses import dataclass

import structlog

from services.scheduler import lease_store, login_store, request_store, schedule_store
from services.scheduler.audit import ANSWERED_BY_MS
from services.scheduler.canaries import send_canary
from services.scheduler.candidates import missed_slots, passed_over, slot_check
from services.scheduler.deciding import catch_up, decide
from services.scheduler.lease_store import fenced, open_session
from services.scheduler.plan import Check, Decision, Miss, Queue
from services.scheduler.publishing import carry_out
from services.scheduler.requests import publish_requests
from services.scheduler.term import PASSING, Term, raise_if_cancelled
from services.scheduler.windows import LATE_MS, LOOK_AHEAD_MS, due_ranges
from shared.broker.seam import BrokerUnavailable
from shared.broker.topology import location_topology
from shared.checks.messages import MissedSlots
from shared.checks.vocabulary import MissedReason
from shared.database.errors import DatabaseError
from shared.database.pool import Connection
from shared.runtime import crash_points
from shared.runtime.crash_points import CrashPoint
from shared.runtime.lifecycle import back_off_seconds, stopped_within

_log = structlog.get_logger()

TICK_SECONDS = 1.0
SWEEP_SECONDS = 60.0
CLOCK_STEP_MS = 5_000
MOST_ROWS = 2_000
FEWEST_ROWS = 50
BACK_OFF_CAP_SECONDS = 5.0

# More than a job's time and a claim's look-ahead: what is to end later than that was set by another clock.
ANSWER_MARGIN_MS = 70_000


@dataclass(frozen=True, slots=True)
class _ClockReading:
    """The database's clock, and ours beside it, by which a jump of theirs shows."""

    clock_ms: int
    monotonic: float


def _drift_ms(read: _ClockReading, now_ms: int) -> float:
    """How far the database's clock has gone since then beyond ours."""
    return now_ms - read.clock_ms - (time.monotonic() - read.monotonic) * 1000


class Dispatcher:
    """Claims and publishes for one queue during one term."""

    def __init__(self, term: Term, queue: Queue) -> None:
        self._term = term
        self._queue = queue
        self._session: Connection | None = None
        self._declared = False
        self._next_sweep = 0.0
        self._read: _ClockReading | None = None
        self._pulled_back_at: _ClockReading | None = None
        self._most_rows = MOST_ROWS

    async def run(self) -> None:
        """Until the term is over. Raises LeadershipLost."""
        failures = 0
        next_tick = 0.0
        try:
            while not self._term.over.is_set():
                try:
                    if time.monotonic() >= next_tick:
                        next_tick = time.monotonic() + TICK_SECONDS
                        await self.tick()
                    if self._queue.requests_near.is_set():
                        self._queue.requests_near.clear()
                        await self.publish_requests()
                    failures = 0
                except PASSING as error:
                    raise_if_cancelled()
                    failures += 1
                    await self._recover_from(error, failures)
                    continue
                await self._until(next_tick)
        finally:
            await self._hang_up()

    async def tick(self) -> None:
        """Claim and publish everything due within the look-ahead."""
        session = await self._ready()
        async with self._queue.turn:
            while await self._claim(session):
                pass
        if self._read is not None:
            self._declared &= await send_canary(self._term.broker, self._queue, now_ms=self._read.clock_ms)

    async def publish_requests(self) -> None:
        """Publish the requests of this queue that are near."""
        session = await self._ready()
        more = True
        while more:
            routable, more = await publish_requests(self._term, self._queue, session)
            self._declared &= routable

    async def _claim(self, session: Connection) -> bool:
        """One claim: claimed, published, confirmed, committed. Whether there may be more to claim."""
        queue = self._queue
        async with fenced(session, self._term.epoch) as now_ms:
            jumped = self._clock_jumped(now_ms)
            sweeps = jumped or not queue.claimed_until or time.monotonic() >= self._next_sweep
            until = now_ms + LOOK_AHEAD_MS
            pulls_back = sweeps and not self._was_pulled_back(now_ms)
            rows: list[schedule_store.Row] = []
            if pulls_back:
                await self._pull_back(session, now_ms, jumped=jumped)
            else:
                ranges = due_ranges(
                    None if sweeps else queue.claimed_until, until, await schedule_store.intervals(session, queue)
                )
                rows = await schedule_store.claim(session, queue, ranges, until=until, most=self._most_rows)
                decisions, missed = await self._decide(rows, now_ms)
                self._declared &= await carry_out(self._term, queue, session, decisions, missed=missed, now_ms=now_ms)
        if pulls_back:
            # Committed by itself, so that a claim which published and failed comes again with the very same slots:
            # pulled back once more a moment later, one that was published might count as never claimed.
            self._pulled_back_at = _ClockReading(now_ms, time.monotonic())
            return True
        if rows:
            crash_points.reach(CrashPoint.COMMITTED)
        # Committed. The clock reading counts only now, or a jump seen by a claim that failed would be forgotten.
        self._read = _ClockReading(now_ms, time.monotonic())
        if len(rows) >= self._most_rows:
            return True
        self._pulled_back_at = None
        self._most_rows = min(MOST_ROWS, self._most_rows * 2)
        if sweeps:
            self._next_sweep = time.monotonic() + SWEEP_SECONDS
            queue.claimed_until = until
        queue.claimed_until = max(queue.claimed_until, until)
        return False

    def _was_pulled_back(self, now_ms: int) -> bool:
        """Whether that was done for the claim under way, and by the clock as it is now."""
        return self._pulled_back_at is not None and abs(_drift_ms(self._pulled_back_at, now_ms)) < CLOCK_STEP_MS

    async def _pull_back(self, session: Connection, now_ms: int, *, jumped: bool) -> None:
        await schedule_store.pull_back(session, self._queue, now_ms=now_ms)
        if jumped or not self._queue.claimed_until:
            await request_store.pull_back(session, self._queue, latest_not_after=now_ms + ANSWER_MARGIN_MS)
            await login_store.pull_back_grants(session, latest=now_ms + ANSWERED_BY_MS + ANSWER_MARGIN_MS)

    async def _decide(self, rows: list[schedule_store.Row], now_ms: int) -> tuple[list[Decision], list[MissedSlots]]:
        queue = self._queue
        missed: list[MissedSlots] = []
        fresh: list[Check] = []
        late: list[Check] = []
        for row in rows:
            if (outage := passed_over(row, queue.location)) is not None:
                missed.append(outage)
            check = slot_check(row, queue, self._term.targets)
            if check is None:
                missed.append(missed_slots(row, queue.location, row["slot"], 1, MissedReason.UNANSWERED))
            elif check.slot_at < now_ms - LATE_MS:
                late.append(check)
            else:
                fresh.append(check)
        decisions = catch_up(self._term, late, now_ms=now_ms)
        if queue.live or not self._term.knows_silence():
            decisions += await decide(self._term, fresh, now_ms=now_ms)
        else:
            decisions += [Miss(check, MissedReason.NO_WORKER) for check in fresh]
        if missed or late:
            _log.info(
                "late_slots_found",
                location=queue.location,
                protocol=queue.protocol,
                catch_ups=len(late),
                missed=sum(one.count for one in missed),
            )
        return decisions, missed

    def _clock_jumped(self, now_ms: int) -> bool:
        if self._read is None:
            return False
        drift_ms = _drift_ms(self._read, now_ms)
        if abs(drift_ms) < CLOCK_STEP_MS:
            return False
        _log.warning("clock_jumped", by_ms=round(drift_ms), location=self._queue.location)
        self._term.hear_anew()
        self._term.pacer.step_clock()
        return True

    async def _ready(self) -> Connection:
        """A session, a broker that answers and queues to publish to."""
        if not await self._term.broker.healthy():
            # Found out before anything is claimed or any login granted in vain.
            raise BrokerUnavailable("the broker does not answer")
        if self._session is None:
            name = f"mailprobe scheduler {self._queue.protocol}.{self._queue.location}"
            self._session = await open_session(self._term.dsn, application_name=name[:63])
        if not self._declared:
            await self._term.broker.declare(location_topology(self._queue.protocol, self._queue.location))
            self._declared = True
        return self._session

    async def _recover_from(self, error: Exception, failures: int) -> None:
        _log.warning(
            "queue_held_up",
            location=self._queue.location,
            protocol=self._queue.protocol,
            attempt=failures,
            error=str(error) or repr(error),
        )
        self._most_rows = max(FEWEST_ROWS, self._most_rows // 2)
        self._queue.requests_near.set()
        if isinstance(error, DatabaseError):
            await self._hang_up()
        else:
            self._declared = False
            await self._keep_session()
        await stopped_within(self._term.over, back_off_seconds(failures, first=0.5, cap=BACK_OFF_CAP_SECONDS))

    async def _keep_session(self) -> None:
        """While the broker is away, the session would be closed as idle."""
        if self._session is not None:
            try:
                await lease_store.still_alive(self._session)
            except DatabaseError:
                await self._hang_up()

    async def _hang_up(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.terminate()

    async def _until(self, next_tick: float) -> None:
        """Sleep until the next tick, or until there is a request to publish."""
        waiting = [
            asyncio.ensure_future(self._term.over.wait()),
            asyncio.ensure_future(self._queue.requests_near.wait()),
        ]
        try:
            await asyncio.wait(
                waiting, timeout=max(0.0, next_tick - time.monotonic()), return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for future in waiting:
                future.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
