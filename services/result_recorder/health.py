"""What is believed of a mailbox after one more finding: pure rules, no I/O.

`after` takes one location on by one finding; findings of a location come to it in the order of their slots.
`judged` says what the locations of a monitor mean taken together. Which findings count at all (newly recorded, of the
monitor's present revision) and how a late one is worked in is for `folding` and `recording`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from services.result_recorder.incidents.rules import Thresholds
from shared.checks.vocabulary import OURS, REFUSALS, SOFT_FAILURES, Health, LoginOutcome, OutcomeKind, Phase

_SHIPPED = Thresholds()
SOFT_FAILURES_TOLERATED = _SHIPPED.soft_tolerated  # so many failures in a row, and a soft one is `down` as well
AGREEING_LOCATIONS = _SHIPPED.wanted  # where nobody has a number of their own
NEVER = 0  # `last_slot` of a location that has not told anything yet

SILENT = "No check has told anything about this mailbox lately."

_PHASES = tuple(Phase)
_WORST_FIRST = (Health.DOWN, Health.DEGRADED, Health.UP)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The server's no to a login, as checks that may not log in go on showing it.

    A login cut off before its answer counts as one: the ladder waits after it all the same.
    """

    outcome: str
    phase: str
    message: str
    hint: str | None
    server_words: str | None
    at_ms: int


@dataclass(frozen=True, slots=True)
class Finding:
    """What health needs to know of one result.

    `warning` is the text of the warnings that make a passed check `degraded`, None where there are none. A withheld
    finding of kind `ok` got as far as a check without login gets.
    """

    check_id: UUID
    slot_at: int
    started_at: int
    kind: OutcomeKind
    phase: Phase
    message: str
    hint: str | None = None
    server_words: str | None = None
    warning: str | None = None
    login: LoginOutcome = LoginOutcome.NOT_SENT
    withheld: bool = False

    @property
    def order(self) -> tuple[int, UUID]:
        return self.slot_at, self.check_id

    @property
    def counts(self) -> bool:
        """Whether it says anything about the mail server."""
        return self.kind not in OURS


@dataclass(frozen=True, slots=True)
class LocationState:
    """What is believed at one location.

    `last_slot` is that of the newest finding that told something; `failures` counts failures in a row.
    """

    health: Health
    since: int
    last_slot: int
    failures: int
    outcome: str
    phase: str
    message: str
    last_refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the locations of a monitor say together, and the one whose words explain it."""

    health: Health
    since: int
    outcome: str | None
    phase: str | None
    message: str | None
    location_id: int | None


def after(
    state: LocationState | None,
    finding: Finding,
    *,
    elsewhere: Refusal | None = None,
    soft_tolerated: int = SOFT_FAILURES_TOLERATED,
) -> LocationState:
    """The state of a location once this finding is known; a stale one changes nothing.

    Args:
        elsewhere: the newest refusal of the same monitor's login at another location.
        soft_tolerated: how many failures in a row make it down even where they are soft.
    """
    if not finding.counts:
        return _after_our_fault(state, finding)
    if state is not None and finding.slot_at < state.last_slot:
        return state
    if finding.withheld and finding.kind is OutcomeKind.OK:
        return _after_withheld(state, finding, elsewhere)
    passed = finding.kind is OutcomeKind.OK
    failures = 0 if passed else (state.failures if state else 0) + 1
    health = _health_of(finding, failures, soft_tolerated)
    return LocationState(
        health=health,
        since=_since(state, health, finding.slot_at),
        last_slot=finding.slot_at,
        failures=failures,
        outcome=finding.kind,
        phase=finding.phase,
        message=finding.warning or finding.message,
        last_refusal=_refusal_after(state.last_refusal if state else None, finding),
    )


def refusal_elsewhere(states: Mapping[int, LocationState], location_id: int) -> Refusal | None:
    """The newest refusal of the monitor's login at its other locations."""
    standing = (state.last_refusal for location, state in states.items() if location != location_id)
    return max((refusal for refusal in standing if refusal), key=lambda refusal: refusal.at_ms, default=None)


def judged(states: Mapping[int, LocationState], *, threshold: int | None, unheard: int = 0) -> Verdict:
    """What is believed of a monitor. It is down when as many locations are down as agreement asks.

    Args:
        threshold: how many locations have to agree; None: the usual number.
        unheard: live eligible locations that have not told anything yet.
    """
    known = {location: state for location, state in states.items() if state.health is not Health.UNKNOWN}
    if not known:
        return _unknown(states)
    wanted = AGREEING_LOCATIONS if threshold is None else threshold
    agreement = max(1, min(wanted, len(known) + unheard))
    if len(known) == 1:
        ((location_id, cause),) = known.items()
        alone = cause.health is Health.DOWN and agreement > 1
        health = Health.DEGRADED if alone else cause.health
        return Verdict(health, cause.since, cause.outcome, cause.phase, cause.message, location_id)
    down = sorted(state.since for state in known.values() if state.health is Health.DOWN)
    worst = min((state.health for state in known.values()), key=_WORST_FIRST.index)
    location_id, cause = max(
        ((location, state) for location, state in known.items() if state.health is worst),
        key=lambda item: (item[1].last_slot, -item[0]),
    )
    if len(down) >= agreement:
        health, since = Health.DOWN, down[agreement - 1]
    else:
        health = Health.DEGRADED if down else worst
        since = max(state.since for state in known.values())
    return Verdict(health, since, cause.outcome, cause.phase, cause.message, location_id)


def agreement_matters(states: Mapping[int, LocationState], threshold: int | None) -> bool:
    """Whether the number of unheard locations can change the verdict."""
    known = [state for state in states.values() if state.health is not Health.UNKNOWN]
    down = sum(state.health is Health.DOWN for state in known)
    wanted = AGREEING_LOCATIONS if threshold is None else threshold
    return 0 < down < wanted


def _health_of(finding: Finding, failures: int, soft_tolerated: int) -> Health:
    if finding.kind is OutcomeKind.OK:
        return Health.UP if finding.warning is None else Health.DEGRADED
    if finding.kind in SOFT_FAILURES and failures < soft_tolerated:
        return Health.DEGRADED
    return Health.DOWN


def _since(state: LocationState | None, health: Health, slot_at: int) -> int:
    return state.since if state is not None and state.health is health else slot_at


def _refusal_after(standing: Refusal | None, finding: Finding) -> Refusal | None:
    if finding.kind in REFUSALS or finding.login is LoginOutcome.UNKNOWN:
        return Refusal(
            outcome=finding.kind,
            phase=finding.phase,
            message=finding.message,
            hint=finding.hint,
            server_words=finding.server_words,
            at_ms=finding.started_at,
        )
    if finding.login is LoginOutcome.ACCEPTED or (finding.kind is OutcomeKind.OK and not finding.withheld):
        return None
    return standing


def _after_our_fault(state: LocationState | None, finding: Finding) -> LocationState:
    # Nothing is learnt, but where nothing ever was, the newest of our own faults is the best explanation.
    if state is not None and (state.last_slot != NEVER or finding.slot_at <= state.since):
        return state
    return LocationState(
        health=Health.UNKNOWN,
        since=finding.slot_at,
        last_slot=NEVER,
        failures=0,
        outcome=finding.kind,
        phase=finding.phase,
        message=finding.message,
        last_refusal=state.last_refusal if state else None,
    )


def _after_withheld(state: LocationState | None, finding: Finding, elsewhere: Refusal | None) -> LocationState:
    """A check that got as far as it was allowed to: it proves everything before the login, and never passes."""
    own = state.last_refusal if state else None
    refusal = own or elsewhere
    if state is None or state.last_slot == NEVER:
        cause = refusal or Refusal(finding.kind, finding.phase, finding.message, None, None, finding.started_at)
        return LocationState(
            health=Health.UNKNOWN,
            since=finding.slot_at,
            last_slot=finding.slot_at,
            failures=0,
            outcome=cause.outcome,
            phase=cause.phase,
            message=cause.message,
            last_refusal=own,
        )
    failing = state.health in (Health.DOWN, Health.DEGRADED) and state.failures > 0
    got_past = failing and _before_login(state.phase)
    returns = state.health is Health.UNKNOWN and own is not None
    if refusal is None or not (got_past or returns):
        return replace(state, last_slot=finding.slot_at)
    return replace(
        state,
        health=Health.DOWN,
        since=_since(state, Health.DOWN, finding.slot_at),
        last_slot=finding.slot_at,
        outcome=refusal.outcome,
        phase=refusal.phase,
        message=refusal.message,
    )


def _before_login(phase: str) -> bool:
    return phase in _PHASES and _PHASES.index(Phase(phase)) < _PHASES.index(Phase.AUTH)


def _unknown(states: Mapping[int, LocationState]) -> Verdict:
    if not states:
        return Verdict(Health.UNKNOWN, NEVER, None, None, None, None)
    since = max(state.since for state in states.values())
    location_id, newest = max(states.items(), key=lambda item: (item[1].since, -item[0]))
    if newest.last_slot == NEVER:
        return Verdict(Health.UNKNOWN, since, newest.outcome, newest.phase, newest.message, location_id)
    return Verdict(Health.UNKNOWN, since, None, None, SILENT, None)
