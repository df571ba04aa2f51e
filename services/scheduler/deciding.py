"""What becomes of checks that are due: published now, kept for later, or missed; logins first, then the host's pace."""

from collections import Counter
from uuid import UUID

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
    await _look_for_ends(term, checks, now_ms)
    logins = await decide_logins(term, checks, now_ms=now_ms)
    decided = list(logins.decided)
    unused = []
    checked = await _last_checked_at_crowded_hosts(term, logins.sends, now_ms)
    for send in sorted(logins.sends, key=lambda send: _turn(send.check, checked, now_ms)):
        decision = _place(term, send, _patience(send.check, checked), now_ms)
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


def _place(term: Term, send: Send, give_up_at: int, now_ms: int) -> Decision:
    check = send.check
    place = term.pacer.place(
        check.host,
        check.check_id,
        wanted_at=send.start_at,
        give_up_at=max(give_up_at, now_ms),
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


async def _look_for_ends(term: Term, checks: list[Check], now_ms: int) -> None:
    """Of hosts where what is under way may stand in the way of these checks, see which of it has ended."""
    wanted = Counter(check.host for check in checks)
    trying = {check.host for check in checks if not check.ever_accepted and check.target.logs_in}
    out = {
        check_id: (host, slot_at)
        for host, more in wanted.items()
        if term.pacer.is_full(host, now_ms, more=more) or (host in trying and term.pacer.trials(host, now_ms))
        for check_id, slot_at in term.pacer.outstanding(host).items()
    }
    if not out:
        return
    ended = await request_store.recorded(term.pool, {check_id: slot_at for check_id, (_, slot_at) in out.items()})
    for check_id in ended:
        term.pacer.done(out[check_id][0], check_id)


async def _last_checked_at_crowded_hosts(term: Term, sends: list[Send], now_ms: int) -> dict[UUID, int]:
    """The newest slot that was answered, of new slots at hosts where not all of them have room; 0: none was."""
    new = [send.check for send in sends if send.check.is_slot and not send.check.waited]
    demand = Counter(check.host for check in new)
    crowded = {host for host, more in demand.items() if term.pacer.is_crowded(host, more=more, now_ms=now_ms)}
    rotating = [check for check in new if check.host in crowded]
    if not rotating:
        return {}
    places = [(check.monitor_id, check.location_id) for check in rotating]
    last = await request_store.last_checked(term.pool, places)
    return {check.check_id: last.get(place, 0) for check, place in zip(rotating, places, strict=True)}


def _turn(check: Check, checked: dict[UUID, int], now_ms: int) -> tuple[bool, bool, int, int]:
    """What people wait for first, then what has waited, then slots; at a crowded host those least lately checked."""
    return check.is_slot, not check.waited, checked.get(check.check_id, 0) if checked else 0, begins_at(check, now_ms)


def _patience(check: Check, checked: dict[UUID, int]) -> int:
    """Until when a check may be put off.

    At a crowded host whoever was checked lately gives way earlier, so that the line grows only as long as lets those
    in who were passed by for longest, whichever of them come together.
    """
    last = checked.get(check.check_id) if checked else None
    if last is None:
        return check.give_up_at
    rounds = max(1, (check.slot_at - last) // check.interval_ms)
    return check.slot_at + check.interval_ms * rounds // (rounds + 1)
