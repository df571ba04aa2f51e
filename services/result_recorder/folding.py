"""Findings into states, in the order of their slots: at once where they come in order, anew where one came late.

Pure. A late finding cannot just be applied, since newer ones are already part of the state; the location's recent
findings are then gone through again from before it, so that any order of arrival ends in the same state.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from services.result_recorder.health import (
    NEVER,
    SOFT_FAILURES_TOLERATED,
    Finding,
    LocationState,
    Refusal,
    after,
    refusal_elsewhere,
)
from shared.checks.vocabulary import Health, OutcomeKind


@dataclass(frozen=True, slots=True)
class Folded:
    """States by location after these findings; which were applied, in order; what withheld checks show; and who came
    too late to be applied."""

    states: Mapping[int, LocationState]
    applied: Sequence[tuple[int, Finding]] = ()  # by location
    shown: Mapping[tuple[UUID, int], Refusal] = field(default_factory=dict)  # by (check_id, slot_at)
    late: Mapping[int, Sequence[Finding]] = field(default_factory=dict)  # by location


def fold(
    states: Mapping[int, LocationState],
    findings: Sequence[tuple[int, Finding]],
    *,
    soft_tolerated: int = SOFT_FAILURES_TOLERATED,
) -> Folded:
    """Apply (location, finding) pairs of one monitor that are newer than what is known."""
    known = dict(states)
    shown: dict[tuple[UUID, int], Refusal] = {}
    late: dict[int, list[Finding]] = {}
    applied: list[tuple[int, Finding]] = []
    in_order = findings if len(findings) == 1 else sorted(findings, key=lambda item: (item[1].order, item[0]))
    for location_id, finding in in_order:
        state = known.get(location_id)
        elsewhere = refusal_elsewhere(known, location_id) if finding.withheld else None
        if finding.withheld:
            refusal = (state.last_refusal if state else None) or elsewhere
            if refusal is not None:
                shown[finding.check_id, finding.slot_at] = refusal
        if state is not None and finding.counts and finding.slot_at <= state.last_slot:
            late.setdefault(location_id, []).append(finding)
        else:
            known[location_id] = after(state, finding, elsewhere=elsewhere, soft_tolerated=soft_tolerated)
            applied.append((location_id, finding))
    return Folded(known, applied, shown, late)


def folded_anew(
    stored: LocationState,
    window: Sequence[Finding],
    late: Sequence[Finding],
    *,
    elsewhere: Refusal | None = None,
    soft_tolerated: int = SOFT_FAILURES_TOLERATED,
) -> LocationState:
    """The state had `late` come in time.

    Args:
        stored: the state without them.
        window: every finding of the location from before the first late one until now, the late ones among them.
    """
    ordered = sorted((finding for finding in window if finding.counts), key=lambda finding: finding.order)
    if not ordered:
        return stored
    state = _before(stored, ordered, {finding.order for finding in late})
    for finding in ordered:
        state = after(state, finding, elsewhere=elsewhere if finding.withheld else None, soft_tolerated=soft_tolerated)
    return replace(state, last_slot=max(state.last_slot, stored.last_slot))


def _before(stored: LocationState, ordered: Sequence[Finding], late: set[tuple[int, UUID]]) -> LocationState:
    """What can be said of the state before the window: what in `stored` does not come from within it."""
    first = ordered[0]
    reaches_back = stored.since < first.slot_at and stored.health is not Health.UNKNOWN
    inside = sum(finding.kind is not OutcomeKind.OK and finding.order not in late for finding in ordered)
    refusal = stored.last_refusal
    return LocationState(
        health=stored.health if reaches_back else Health.UNKNOWN,
        since=stored.since if reaches_back else NEVER,
        last_slot=first.slot_at - 1 if reaches_back else NEVER,
        failures=max(0, stored.failures - inside),
        outcome="",
        phase="",
        message="",
        last_refusal=refusal if refusal is not None and refusal.at_ms < first.started_at else None,
    )
