"""What was learnt by a clock that ran ahead, once it is right again: taken for learnt a moment ago. Pure.

Slots order what is known of a mailbox. Of one that lies in the future everything true would be "older" until that time
comes: an outage would go unnoticed for as long as the clock was wrong by. When a state is looked at is for `recording`
and `incidents`.
"""

from collections.abc import Mapping
from dataclasses import replace

from services.result_recorder.health import LocationState
from services.result_recorder.health_store import MonitorState
from services.result_recorder.incidents.state import Place, State

# Slots are claimed two seconds ahead; what is further ahead than this was set by another clock.
AHEAD_MS = 30_000
# What is taken back so far is older than any check still under way, and not so old that its silence is told.
_TAKEN_BACK_MS = 120_000


def is_ahead(at_ms: int, *, now_ms: int) -> bool:
    """Whether a time of the past lies in the future."""
    return at_ms > now_ms + AHEAD_MS


def locations_by_now(states: Mapping[int, LocationState], *, now_ms: int) -> Mapping[int, LocationState]:
    """What is believed at each location, for findings made from now on to be newer."""
    if not any(is_ahead(state.last_slot, now_ms=now_ms) for state in states.values()):
        return states
    return {
        location: replace(state, last_slot=_taken_back(state.last_slot, now_ms), since=_past(state.since, now_ms))
        for location, state in states.items()
    }


def monitor_by_now(state: MonitorState, *, now_ms: int) -> MonitorState:
    """A monitor's row whose times of checks let newer ones count. Since when it is as it is stays, to be put right."""
    counted = state.last_counted_at
    if not is_ahead(max(state.last_checked_at, counted or 0), now_ms=now_ms):
        return state
    return replace(
        state,
        last_checked_at=_taken_back(state.last_checked_at, now_ms),
        last_counted_at=None if counted is None else _taken_back(counted, now_ms),
    )


def incident_by_now(state: State, *, now_ms: int) -> State:
    """What the incident engine remembers, for checks made from now on to be news to it."""
    if not any(is_ahead(at, now_ms=now_ms) for at in (state.changed_at, *(p.slot_at for p in state.places.values()))):
        return state
    return replace(
        state,
        places={at: _place_by_now(place, now_ms) for at, place in state.places.items()},
        opened=tuple(_past(at, now_ms) for at in state.opened),
        changed_at=_past(state.changed_at, now_ms),
    )


def _place_by_now(place: Place, now_ms: int) -> Place:
    def past(at_ms: int | None) -> int | None:
        return None if at_ms is None else _past(at_ms, now_ms)

    return replace(
        place,
        slot_at=_taken_back(place.slot_at, now_ms),
        first_slot=past(place.first_slot),
        down_since=past(place.down_since),
        passed_since=past(place.passed_since),
    )


def _taken_back(at_ms: int, now_ms: int) -> int:
    return now_ms - _TAKEN_BACK_MS if is_ahead(at_ms, now_ms=now_ms) else at_ms


def _past(at_ms: int, now_ms: int) -> int:
    return now_ms if is_ahead(at_ms, now_ms=now_ms) else at_ms
