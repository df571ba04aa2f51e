"""What one more check means for the locations of a monitor and for what is counted over all of them. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from services.result_recorder.incidents.rules import (
    CERTIFICATE_FAILURES,
    HARD_WEIGHT,
    PASSES_TO_RECOVER,
    SURE_AFTER,
    Thresholds,
    before_login,
)
from services.result_recorder.incidents.state import Cause, Place, State
from services.result_recorder.incidents.transitions import GotPast, Seen
from shared.checks.vocabulary import REFUSALS, SOFT_FAILURES, LoginOutcome


def of_revision(state: State, revision: int) -> State:
    """The state once the monitor is checked otherwise: counters begin anew.

    Where an incident is open, the locations that are down stay so until they pass or fail anew.
    """
    if revision == state.revision:
        return state
    places = {
        location: replace(place, passes=0, passed_since=None) if place.down and state.open else Place(place.slot_at)
        for location, place in state.places.items()
    }
    return replace(state, revision=revision, places=places, refusals=0, refusal=None, certificate=None)


def after_failure(state: State, seen: Seen, thresholds: Thresholds, *, refusals_wanted: int = SURE_AFTER) -> State:
    """The state once a check has failed. refusals_wanted: in a row, to be sure."""
    cause = seen.cause
    if seen.login is LoginOutcome.ACCEPTED:
        state = _login_accepted(state, seen)
    place = state.places.get(seen.location_id) or Place(seen.slot_at)
    weight = min(thresholds.confirming_weight, place.weight + (1 if seen.kind in SOFT_FAILURES else HARD_WEIGHT))
    begins = place.cause is None
    place = replace(
        place,
        slot_at=seen.slot_at,
        weight=weight,
        first_slot=seen.slot_at if begins else place.first_slot,
        first_check=seen.check_id if begins else place.first_check,
        cause=cause,
        passes=0,
        passed_since=None,
    )
    if weight >= thresholds.confirming_weight:
        place = _down(place, seen.slot_at)
    state = _with(state, seen.location_id, place)
    if seen.kind in REFUSALS:
        state = replace(state, refusals=state.refusals + 1, refusal=cause)
        return _sure(state, REFUSALS, seen.slot_at) if state.refusals >= refusals_wanted else state
    if seen.kind in CERTIFICATE_FAILURES:
        count = state.certificates + 1 if state.certificate == seen.kind else 1
        state = replace(state, certificate=str(seen.kind), certificates=count)
        return _sure(state, {seen.kind}, seen.slot_at) if count >= SURE_AFTER else state
    return state


def after_pass(state: State, seen: Seen) -> State:
    """The state once a check has passed: with it the login was let in, and the certificate was good."""
    state = replace(_login_accepted(state, seen), certificate=None)
    place = state.places.get(seen.location_id) or Place(seen.slot_at)
    if not place.down:
        well = Place(seen.slot_at) if _refused_since(state, seen) else _well(place, seen.slot_at, state)
        return _with(state, seen.location_id, well)
    passes = place.passes + 1
    since = seen.slot_at if place.passed_since is None else place.passed_since
    if passes >= PASSES_TO_RECOVER:
        well = Place(seen.slot_at, passed_since=since, recovered=state.open is not None)
        return _with(state, seen.location_id, well)
    return _with(state, seen.location_id, replace(place, slot_at=seen.slot_at, passes=passes, passed_since=since))


def after_getting_past(state: State, seen: GotPast) -> State:
    """The state once a withheld check got to the login: what failed before it is disproved, and nothing passes.

    A location that is down for such a failure stays down; where the login was refused, for that reason.
    """
    state = replace(state, certificate=None)
    place = state.places[seen.location_id]
    cause = place.cause
    place = replace(place, slot_at=seen.slot_at)
    if cause is not None and before_login(cause.phase):
        if not place.down:
            place = Place(seen.slot_at)
        elif state.refusal is not None:
            place = replace(place, cause=state.refusal)
    return _with(state, seen.location_id, place)


def _well(place: Place, slot_at: int, state: State) -> Place:
    """A location that was not down passes. Where all that were are forgotten, its second pass ends the incident."""
    if place.recovered:
        return Place(
            slot_at, passed_since=slot_at if place.passed_since is None else place.passed_since, recovered=True
        )
    again = place.cause is None and place.passed_since is not None
    if again and state.open is not None and not any(each.down for each in state.places.values()):
        return Place(slot_at, passed_since=place.slot_at, recovered=True)
    return Place(slot_at, passed_since=slot_at)


def _login_accepted(state: State, seen: Seen) -> State:
    """One accepted login lifts the refusals that stand at other locations: it is the same credential."""
    if _refused_since(state, seen):
        return state
    places = {
        location: Place(place.slot_at) if location != seen.location_id and _fails_by(place, REFUSALS) else place
        for location, place in state.places.items()
    }
    return replace(state, places=places, refusals=0, refusal=None)


def _refused_since(state: State, seen: Seen) -> bool:
    """Whether a check that began after this one was refused.

    Each location may be late with its slots for itself: the newer slot may have been checked before the password was
    changed, and the older one after.
    """
    return state.refusal is not None and state.refusal.started_at > seen.started_at


def _sure(state: State, kinds: frozenset[str] | set[str], slot_at: int) -> State:
    places = {
        location: replace(_down(place, slot_at), sure=True) if _fails_by(place, kinds) else place
        for location, place in state.places.items()
    }
    return replace(state, places=places)


def _down(place: Place, slot_at: int) -> Place:
    # Messages of other locations come in any order, and nothing is confirmed before it began.
    return place if place.down else replace(place, down_since=max(slot_at, cast("int", place.first_slot)))


def _fails_by(place: Place, kinds: frozenset[str] | set[str]) -> bool:
    cause: Cause | None = place.cause
    return cause is not None and cause.kind in kinds


def _with(state: State, location_id: int, place: Place) -> State:
    places: Mapping[int, Place] = {**state.places, location_id: place}
    return replace(state, places=places)
