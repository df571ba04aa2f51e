"""What becomes of checks that are due: published now, kept for later, or missed; logins first, then the host's pace."""

from collections import Counter

from services.scheduler import login_store, request_store
from services.scheduler.lease_store import fenced_transaction
from services.scheduler.logins import begins_at, decide_logins
from services.scheduler.pacing import Later, NoRoom, Start
from services.scheduler.plan import Check, Decision, Miss, Send, Wait
from services.scheduler.term import Term
from services.scheduler.windows import catch_up_starts
from shared.checks.vocabulary import MissedReason


async def decide(term: Term, checks: list[Check], *, now_ms: int) -> list[Decision]:
    """Decide about checks whose time has come."""
    logins = await decide_logins(term, checks, now_ms=now_ms)
    await _look_for_ends(term, logins.sends, now_ms)
    decided = list(logins.decided)
    unused = []
    for send in await _in_turn(term, logins.sends, now_ms):
        decision = _place(term, send, now_ms)
        decided.append(decision)
        if not isinstance(decision, Send) and send.check.check_id in logins.grants:
            unused.append(logins.grants[send.check.check_id])
    if unused:
        async with fenced_transaction(term.pool, term.epoch) as (connection, _):
            await login_store.release_grants(connection, unused)
    return decided


def catch_up(term: Term, late: list[Check], *, now_ms: int) -> list[Decision]:
    """One check each for what was missed, spread over time and within each host's pace."""
    decided: list[Decision] = []
    starts = catch_up_starts(now_ms, [check.interval_ms for check in late])
    for check, start_at in zip(late, starts, strict=True):
        give_up_at = now_ms + check.interval_ms
        place = term.pacer.plan(check.host, check.check_id, wanted_at=start_at, give_up_at=give_up_at, now_ms=now_ms)
        if isinstance(place, NoRoom):
            decided.append(Miss(check, MissedReason.PACED))
        else:
            decided.append(Wait(check, place.at, MissedReason.OUTAGE, give_up_at))
    return decided


def _place(term: Term, send: Send, now_ms: int) -> Decision:
    check = send.check
    place = term.pacer.place(
        check.host,
        check.check_id,
        wanted_at=send.start_at,
        give_up_at=max(check.give_up_at, now_ms),
        now_ms=now_ms,
        queues_up=check.is_slot,
    )
    match place:
        case Start(at):
            term.pacer.sent(
                check.host,
                check.check_id,
                slot_at=check.slot_at,
                start_at=at,
                timeout_ms=check.target.timeout_ms,
                trial=send.is_trial,
            )
            return Send(check, at, send.login, send.granted)
        case Later(at):
            return Wait(check, at, MissedReason.PACED, check.give_up_at)
        case NoRoom(at):
            return Miss(check, MissedReason.PACED, retry_at=at)


async def _look_for_ends(term: Term, sends: list[Send], now_ms: int) -> None:
    """Of hosts that seem to have as many checks under way as they may, see which have ended."""
    wanted = Counter(send.check.host for send in sends)
    out = {
        check_id: (host, slot_at)
        for host, more in wanted.items()
        if term.pacer.is_full(host, now_ms, more=more)
        for check_id, slot_at in term.pacer.outstanding(host).items()
    }
    if not out:
        return
    ended = await request_store.recorded(term.pool, {check_id: slot_at for check_id, (_, slot_at) in out.items()})
    for check_id in ended:
        term.pacer.done(out[check_id][0], check_id)


async def _in_turn(term: Term, sends: list[Send], now_ms: int) -> list[Send]:
    """What people wait for first, then what has waited, then slots; at a crowded host those least recently checked."""
    new = Counter(send.check.host for send in sends if send.check.is_slot and not send.check.waited)
    crowded = {host for host, more in new.items() if term.pacer.is_crowded(host, more=more, now_ms=now_ms)}
    rotating = [send.check for send in sends if send.check.host in crowded]
    checked = (
        await request_store.last_checked(term.pool, [(check.monitor_id, check.location_id) for check in rotating])
        if rotating
        else {}
    )

    def turn(send: Send) -> tuple[bool, bool, int, int]:
        check = send.check
        last = checked.get((check.monitor_id, check.location_id), 0) if check.host in crowded else 0
        return check.is_slot, not check.waited, last, begins_at(check, now_ms)

    return sorted(sends, key=turn)
