"""Where and when to look once more, so that an outage or its end is certain soon. Pure.

Slots do as well where they come as often; then nothing is asked for. A refused login has its ladder and no follow-ups.
"""

from services.result_recorder.incidents.rules import LONGEST_PAUSE_WHILE_DOWN_MS, Rules
from services.result_recorder.incidents.state import Pending, Place, State
from services.result_recorder.incidents.transitions import Seen, TimePassed
from shared.checks.vocabulary import REFUSALS


def follow_up_after(state: State, observed: object, rules: Rules, *, now: int) -> Pending | None:
    """The follow-up that is to be waiting after this, None where there is none to be."""
    wanted = _wanted(state, observed, rules, now)
    pending = state.pending
    if wanted is None or pending is None or wanted.start_at < pending.start_at:
        return wanted
    return pending


def _wanted(state: State, observed: object, rules: Rules, now: int) -> Pending | None:
    slot_at = observed.slot_at if isinstance(observed, Seen) else now
    if (location := _passed_once(state, rules)) is not None:
        # One that ended without telling anything is not repeated at once: whatever stopped it may go on.
        pause = min(rules.retry_ms, rules.interval_ms) if isinstance(observed, TimePassed) else 0
        return Pending(location, now + pause)
    if state.open is not None:
        step = LONGEST_PAUSE_WHILE_DOWN_MS
        location = _least_lately_seen({at: each for at, each in _asked(state, rules).items() if each.down})
    elif rules.alerting:
        step = rules.retry_ms
        location = _confirming(state, rules)
    else:
        return None
    if location is None or rules.interval_ms <= step:
        return None
    return Pending(location, min(max(now, slot_at + step), now + step))


def _passed_once(state: State, rules: Rules) -> int | None:
    """A location that is down and passed: its second pass makes it well."""
    once = {at: each for at, each in state.places.items() if at in rules.live and each.down and each.passes}
    return max(once, key=lambda at: (once[at].slot_at, -at), default=None)


def _confirming(state: State, rules: Rules) -> int | None:
    """Where the next check brings agreement nearest; None where none is to be had any more.

    A location that passed after the newest run of failures began speaks against it. Of as many as have to agree,
    those nearest to being down, they take turns. The second opinion is always another location's, where there is one.
    """
    failing = {at: each for at, each in _asked(state, rules).items() if each.failing}
    if not failing or any(each.cause is not None and each.cause.kind in REFUSALS for each in state.places.values()):
        return None
    began = max(each.first_slot or 0 for each in failing.values())
    passed_since = {at for at, each in state.places.items() if each.cause is None and each.slot_at > began}
    open_minded = rules.live - failing.keys() - passed_since
    if len(failing) + len(open_minded) < rules.needed:
        return None
    others = {at: state.places.get(at) or Place(-1) for at in open_minded}
    if others and len(failing) == 1 and not passed_since & rules.live:
        return _least_lately_seen(others)
    contenders = failing | others
    nearest = sorted(contenders, key=lambda at: (not contenders[at].down, -contenders[at].weight, at))[: rules.needed]
    return _least_lately_seen({at: contenders[at] for at in nearest if not contenders[at].down})


def _asked(state: State, rules: Rules) -> dict[int, Place]:
    """Locations at work whose failure is not the login's."""
    return {
        at: each
        for at, each in state.places.items()
        if at in rules.live and each.cause is not None and each.cause.kind not in REFUSALS
    }


def _least_lately_seen(places: dict[int, Place]) -> int | None:
    return min(places, key=lambda at: (places[at].slot_at, at), default=None)
