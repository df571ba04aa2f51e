"""What was asked out of turn, and slots that had to wait: published when near, put off, or given up.

Also the end of each: answered, or past its time without an answer.
"""

import time
from uuid import UUID

from services.scheduler import login_store, request_store
from services.scheduler.candidates import request_check
from services.scheduler.deciding import decide
from services.scheduler.lease_store import fenced, fenced_transaction
from services.scheduler.logins import ANSWER_GRACE_MS, needs_grant
from services.scheduler.plan import Check, Decision, Miss, Queue
from services.scheduler.publishing import carry_out, report_missed
from services.scheduler.request_store import Row
from services.scheduler.term import Term
from services.scheduler.windows import REQUEST_AHEAD_MS
from shared.checks.logins import account_of
from shared.checks.messages import LoginAttempt, MissedSlots
from shared.checks.vocabulary import CheckKind, LoginOutcome, MissedReason
from shared.database.pool import Connection
from shared.runtime import crash_points
from shared.runtime.crash_points import CrashPoint

MOST_AT_ONCE = 500

# A report that was confirmed is repeated only when the recorder has long had time to take it in.
REPEAT_SECONDS = 60.0
_REMEMBERED = 100_000


async def find_near(term: Term) -> None:
    """Wake the queues that have requests to publish."""
    for location_id, protocol in await request_store.near_queues(term.pool, within_ms=REQUEST_AHEAD_MS):
        for queue in term.queues.values():
            if queue.location_id == location_id and protocol in (queue.protocol, None):
                queue.requests_near.set()


async def publish_requests(term: Term, queue: Queue, session: Connection) -> tuple[bool, bool]:
    """Publish, put off or give up the requests of one queue that are near.

    Returns:
        whether its queue is there (else it has to be declared again), and whether there may be more to publish.
    """
    async with fenced(session, term.epoch) as now_ms:
        rows = await request_store.near(session, queue, until=now_ms + REQUEST_AHEAD_MS, most=MOST_AT_ONCE)
        if not rows:
            return True, False
        await request_store.finish(session, (row["check_id"] for row in rows if row["ended"]))
        silent = not queue.live and term.knows_silence()
        decisions: list[Decision] = []
        ready: list[Check] = []
        for row in rows:
            if row["ended"]:
                continue
            check, impossible = request_check(row)
            if impossible is not None:
                decisions.append(Miss(check, impossible))
            elif check.give_up_at < now_ms:
                decisions.append(await _given_up(term, check, silent=silent, now_ms=now_ms))
            elif not silent:
                ready.append(check)
        decisions += await decide(term, ready, now_ms=now_ms)
        routable = await carry_out(term, queue, session, decisions, now_ms=now_ms)
    crash_points.reach(CrashPoint.COMMITTED)
    return routable, len(rows) == MOST_AT_ONCE and not silent


async def _given_up(term: Term, check: Check, *, silent: bool, now_ms: int) -> Miss:
    if silent:
        return Miss(check, MissedReason.NO_WORKER)
    reason = check.waits_for or MissedReason.STALE
    if reason is not MissedReason.BUSY or not needs_grant(check):
        return Miss(check, reason)
    account = account_of(check.target)
    until = await login_store.busy_until(term.pool, [account])
    return Miss(check, reason, retry_at=max(until.get(account, now_ms), now_ms))


class RequestEnds:
    """Sees requests to their end: finishes what is answered, reports what is not."""

    def __init__(self, term: Term) -> None:
        self._term = term
        self._reported: dict[UUID, float] = {}

    async def look(self) -> None:
        """One round; raises what passes (database, broker) and LeadershipLost."""
        async with fenced_transaction(self._term.pool, self._term.epoch) as (connection, now_ms):
            await request_store.finish_answered(connection)
            rows = await request_store.unanswered(
                connection, now_ms=now_ms, grace_ms=ANSWER_GRACE_MS, most=MOST_AT_ONCE
            )
            await self._end_unanswered(connection, rows, now_ms)
        async with fenced_transaction(self._term.pool, self._term.epoch) as (connection, now_ms):
            await self._end_abandoned(connection, now_ms)

    async def _end_unanswered(self, connection: Connection, rows: list[Row], now_ms: int) -> None:
        """Report them. They are finished when the report is recorded: a login's next try is judged by it."""
        reports: dict[UUID, MissedSlots] = {}
        over: list[UUID] = []
        for row in rows:
            check, _ = request_check(row)
            # A worker that has a test twice tells so itself; and a test that came to no login leaves no trace.
            attempt = None if check.kind is CheckKind.TEST else unknown_login(row, check, now_ms)
            if check.kind is CheckKind.TEST:
                over.append(check.check_id)
            elif not self._was_reported(check.check_id):
                reason = MissedReason.UNANSWERED if self._is_live(check) else MissedReason.NO_WORKER
                reports[check.check_id] = check.missed(reason, login_attempt=attempt)
        await report_missed(self._term.broker, reports.values())
        await request_store.finish(connection, over)
        self._remember(reports)

    async def _end_abandoned(self, connection: Connection, now_ms: int) -> None:
        # Some seconds after their own queue would have given them up, if there were one.
        rows = await request_store.abandoned(connection, now_ms=now_ms - ANSWER_GRACE_MS, most=MOST_AT_ONCE)
        checks = [request_check(row) for row in rows]
        if not checks:
            return
        decisions = [Miss(check, impossible or MissedReason.NO_WORKER) for check, impossible in checks]
        nowhere = Queue(location_id=-1, location="", protocol="")
        await carry_out(self._term, nowhere, connection, decisions, now_ms=now_ms)

    def _is_live(self, check: Check) -> bool:
        queues = (queue for queue in self._term.queues.values() if queue.location_id == check.location_id)
        return any(queue.live for queue in queues)

    def _was_reported(self, check_id: UUID) -> bool:
        return time.monotonic() - self._reported.get(check_id, float("-inf")) < REPEAT_SECONDS

    def _remember(self, reports: dict[UUID, MissedSlots]) -> None:
        now = time.monotonic()
        self._reported |= dict.fromkeys(reports, now)
        if len(self._reported) > _REMEMBERED:
            self._reported = {check_id: at for check_id, at in self._reported.items() if now - at < REPEAT_SECONDS}


def unknown_login(row: Row, check: Check, now_ms: int) -> LoginAttempt | None:
    """A password may have gone out and nobody knows what the server said: that counts as a refusal."""
    credential_id, host, user = row["known_credential_id"], row["granted_host"], row["granted_user"]
    if not row["login_allowed"] or check.proven or credential_id is None or host is None:
        return None
    return LoginAttempt(
        check_id=check.check_id,
        organization_id=check.organization_id,
        host=host,
        user=user,
        credential_id=credential_id,
        outcome=LoginOutcome.UNKNOWN,
        at_ms=now_ms,
    )
