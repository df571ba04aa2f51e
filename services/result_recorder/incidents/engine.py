"""The incident engine: (state, observation, rules, now) → (state, transitions). Pure, no I/O.

A monitor that is simply well has no state, so it costs nothing. The engine relies on nobody for order: of each
location it remembers the newest slot while it has state, and what is not newer changes nothing. What one check means
for its location is in `places`, where to look next in `follow_ups`.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import cast
from uuid import UUID

from services.result_recorder.incidents import places
from services.result_recorder.incidents.follow_ups import follow_up_after
from services.result_recorder.incidents.rules import (
    FLAPPING_INCIDENTS,
    FLAPPING_WITHIN_MS,
    MINUTE_MS,
    SETTLED_AFTER_MS,
    Rules,
)
from services.result_recorder.incidents.state import Cause, Open, Place, State
from services.result_recorder.incidents.transitions import (
    CauseChanged,
    FlappingBegan,
    FollowUpAsked,
    FollowUpWithdrawn,
    GotPast,
    Observation,
    Opened,
    Resolution,
    Resolved,
    Seen,
    Settled,
    Stopped,
    TimePassed,
    Transition,
)

Answer = tuple[State | None, tuple[Transition, ...]]
_Heard = Seen | GotPast | TimePassed  # of a monitor that goes on

_FORGOTTEN_AFTER_MS = 60 * MINUTE_MS
_FORGOTTEN_AFTER_INTERVALS = 3


def advance(state: State | None, observed: Observation, rules: Rules, *, now: int) -> Answer:
    """The state after this, None where there is nothing to remember, and what has happened, in order."""
    if isinstance(observed, Stopped):
        return None, stopped(state, observed.resolution, now=now) if state is not None else ()
    if state is None:
        if not isinstance(observed, Seen) or observed.passed:
            return None, ()
        state = State(observed.revision)
    elif not isinstance(observed, TimePassed) and not _is_news(state, observed):
        return state, ()
    happened: list[Transition] = []
    after = _forget(state, observed, rules, now)
    after = _settle(after, happened, now)
    after = _observe(after, observed, rules)
    if after.open is None:
        after = _open(after, observed, rules, happened, now)
    else:
        after = _change_cause(after, observed, rules, happened)
        after = _resolve(after, observed, rules, happened, now)
    after = _ask(after, observed, rules, happened, now)
    return (after if _worth_remembering(after) else None), tuple(happened)


def stopped(state: State, resolution: Resolution, *, now: int) -> tuple[Transition, ...]:
    """What happens when a monitor is not checked any more; nothing of it is remembered."""
    happened: list[Transition] = []
    if state.open is not None:
        happened.append(Resolved(resolution, now, None, state.open.quiet))
    if state.flapping:
        happened.append(Settled(still_open=False))
    if state.pending is not None:
        happened.append(FollowUpWithdrawn())
    return tuple(happened)


def settles_at(state: State) -> int | None:
    """When a monitor that is flapping counts as settled, if nothing changes before."""
    return state.changed_at + SETTLED_AFTER_MS if state.flapping else None


def _is_news(state: State, observed: Seen | GotPast) -> bool:
    place = state.places.get(observed.location_id)
    if observed.revision < state.revision:
        return False
    if place is None:
        return isinstance(observed, Seen)
    return observed.slot_at > place.slot_at


def _forget(state: State, observed: _Heard, rules: Rules, now: int) -> State:
    """Forget what locations said that have long been silent, and incidents that no longer count as lately."""
    since = now - max(_FORGOTTEN_AFTER_MS, _FORGOTTEN_AFTER_INTERVALS * rules.interval_ms)
    speaks = None if isinstance(observed, TimePassed) else observed.location_id
    kept = {
        location: place
        for location, place in state.places.items()
        if location in rules.live or location == speaks or place.slot_at >= since
    }
    opened = tuple(at for at in state.opened if at > now - FLAPPING_WITHIN_MS)
    return replace(state, places=kept, opened=opened)


def _settle(state: State, happened: list[Transition], now: int) -> State:
    due = settles_at(state)
    if due is None or now < due:
        return state
    happened.append(Settled(still_open=state.open is not None))
    still_open = replace(state.open, quiet=False) if state.open is not None else None
    return replace(state, flapping=False, opened=(), open=still_open)


def _observe(state: State, observed: _Heard, rules: Rules) -> State:
    if isinstance(observed, TimePassed):
        return replace(state, pending=None) if observed.follow_up_over else state
    pending = state.pending
    if pending and observed.location_id == pending.location_id and observed.slot_at >= pending.start_at:
        state = replace(state, pending=None)
    state = places.of_revision(state, observed.revision)
    if isinstance(observed, GotPast):
        return places.after_getting_past(state, observed)
    if observed.passed:
        return places.after_pass(state, observed)
    return places.after_failure(state, observed, rules.thresholds, refusals_wanted=rules.refusals_wanted)


def _open(state: State, observed: _Heard, rules: Rules, happened: list[Transition], now: int) -> State:
    """Open an incident where a failed check brought agreement about."""
    if not isinstance(observed, Seen) or observed.passed or not rules.alerting:
        return state
    agreeing = _agreeing(state, rules)
    if not agreeing:
        return state
    explains = observed.location_id
    if explains not in agreeing:
        explains = max(sorted(agreeing), key=lambda at: agreeing[at].slot_at)
    cause = _cause(agreeing[explains])
    started_at, first_check = _first(agreeing.values(), rules)
    opened = (*state.opened, now)
    flaps = not state.flapping and len(opened) >= FLAPPING_INCIDENTS
    quiet = state.flapping or flaps
    happened.append(
        Opened(
            started_at=started_at,
            first_check=first_check,
            opened_at=now,
            cause=cause,
            locations=tuple(sorted(agreeing)),
            quiet=quiet,
        )
    )
    if flaps:
        happened.append(FlappingBegan())
    return replace(
        state,
        open=Open(cause.kind, cause.phase, explains, quiet),
        opened=opened,
        changed_at=now,
        flapping=state.flapping or flaps,
    )


def _change_cause(state: State, observed: _Heard, rules: Rules, happened: list[Transition]) -> State:
    """The open incident goes by what the location says that it was opened by, as long as that one is down."""
    if state.open is None or isinstance(observed, TimePassed):
        return state
    place = state.places[observed.location_id]
    if not (place.down and place.failing):
        return state
    told_by = state.open.location_id
    teller = state.places.get(told_by)
    if observed.location_id != told_by and teller is not None and teller.down and told_by in rules.live:
        return state
    cause = _cause(place)
    if (cause.kind, cause.phase) != (state.open.kind, state.open.phase):
        happened.append(CauseChanged(cause))
    opened = replace(state.open, kind=cause.kind, phase=cause.phase, location_id=observed.location_id)
    return replace(state, open=opened)


def _resolve(state: State, observed: _Heard, rules: Rules, happened: list[Transition], now: int) -> State:
    """Resolve the incident where too few live locations are down, and one that was has become well again."""
    if state.open is None or (isinstance(observed, Seen) and not observed.passed):
        return state
    down = [place for at, place in state.places.items() if place.down and at in rules.live]
    if len(down) >= rules.needed or any(place.sure for place in down):
        return state
    recovered = [place.passed_since for place in state.places.values() if place.recovered and place.cause is None]
    if not recovered:
        return state
    happened.append(
        Resolved(Resolution.RECOVERED, now, max(slot for slot in recovered if slot is not None), state.open.quiet)
    )
    over = {at: replace(place, sure=False, recovered=False) for at, place in state.places.items()}
    return replace(state, open=None, changed_at=now, places=over)


def _ask(state: State, observed: _Heard, rules: Rules, happened: list[Transition], now: int) -> State:
    wanted = follow_up_after(state, observed, rules, now=now)
    if wanted == state.pending:
        return state
    if wanted is None:
        happened.append(FollowUpWithdrawn())
    else:
        happened.append(FollowUpAsked(wanted.location_id, wanted.start_at))
    return replace(state, pending=wanted)


def _agreeing(state: State, rules: Rules) -> dict[int, Place]:
    """The locations that confirm an outage by now; none where there are too few."""
    failing = {at: place for at, place in state.places.items() if place.down and place.failing}
    live = {at: place for at, place in failing.items() if at in rules.live}
    sure = {at: place for at, place in failing.items() if place.sure}
    return live | sure if sure or len(live) >= rules.needed else {}


def _first(agreeing: Iterable[Place], rules: Rules) -> tuple[int, UUID]:
    """(slot, check) of the first failed check.

    Every location looks once an interval, so one that was down for longer when the last joined saw something else.
    """
    known = [
        (cast("int", place.first_slot), cast("UUID", place.first_check), cast("int", place.down_since))
        for place in agreeing  # those that are down have all three
    ]
    newest = max(slot for slot, _, _ in known)
    return min((slot, check) for slot, check, since in known if since + rules.interval_ms >= newest)


def _cause(place: Place) -> Cause:
    return cast("Cause", place.cause)  # a location that is down has one


def _worth_remembering(state: State) -> bool:
    unwell = any(place.cause is not None for place in state.places.values())
    return unwell or state.refusals > 0 or state.open is not None or bool(state.opened)
