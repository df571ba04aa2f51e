"""After a restart of everything in one process: the jobs that were under way are gone with the broker that had them.

They are missed for that reason, and their monitors checked at once. With a broker of its own nothing is lost by a
restart, and this is not asked for.
"""

import structlog

from services.scheduler import audit_store, request_store
from services.scheduler.candidates import missed_slots, request_check
from services.scheduler.lease_store import audited_until, fenced_transaction
from services.scheduler.publishing import report_missed
from services.scheduler.requests import unknown_login
from services.scheduler.term import Term
from services.scheduler.windows import LOOK_AHEAD_MS, catch_up_starts, due_ranges
from shared.checks.messages import MissedSlots
from shared.checks.vocabulary import CheckKind, MissedReason

_log = structlog.get_logger()

MOST = 50_000
GIVE_UP_AFTER_MS = 300_000
_FAR_AHEAD_MS = 10 * 86_400_000


async def end_lost_jobs(term: Term) -> None:
    """Report all that was published and not answered. Raises what passes, and LeadershipLost."""
    async with fenced_transaction(term.pool, term.epoch) as (connection, now_ms):
        since = await audited_until(connection, term.epoch)
        windows = [
            (location_id, protocol, found)
            for location_id, protocol, interval in await audit_store.combinations(connection)
            for found in due_ranges(None, now_ms, [interval])
        ]
        rows = await audit_store.unanswered(
            connection, windows, since=since, until=now_ms + LOOK_AHEAD_MS + 1, most=MOST
        )
        missed = [missed_slots(row, row["location"], row["slot"], 1, MissedReason.RESTART) for row in rows]
        lost = {(row["monitor_id"], row["location_id"]): row["interval_ms"] for row in rows}
        await request_store.finish_answered(connection)
        # Whatever is published is lost, however long it might still have taken.
        for row in await request_store.unanswered(connection, now_ms=now_ms + _FAR_AHEAD_MS, grace_ms=0, most=MOST):
            check, _ = request_check(row)
            if check.kind is CheckKind.TEST:
                await request_store.finish(connection, [check.check_id])  # whoever waited for it is gone as well
                continue
            missed.append(check.missed(MissedReason.RESTART, login_attempt=unknown_login(row, check, now_ms)))
            lost[check.monitor_id, check.location_id] = check.interval_ms
        await report_missed(term.broker, missed)
        places = sorted(lost)
        starts = catch_up_starts(now_ms, [lost[place] for place in places])
        await request_store.ask_again(connection, places, starts, now_ms=now_ms, give_up_after_ms=GIVE_UP_AFTER_MS)
    _said(missed)


def _said(missed: list[MissedSlots]) -> None:
    if missed:
        _log.info("jobs_lost_by_restart", count=len(missed))
