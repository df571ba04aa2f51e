"""What is believed after one more finding, rule by rule."""

from uuid import UUID

import pytest

from services.result_recorder.health import (
    NEVER,
    SOFT_FAILURES_TOLERATED,
    Finding,
    LocationState,
    Refusal,
    after,
    judged,
    refusal_elsewhere,
)
from shared.checks.vocabulary import OURS, SOFT_FAILURES, Health, LoginOutcome, OutcomeKind, Phase

REFUSAL = Refusal("auth_rejected", "auth", "The server refused the login.", None, "NO", 900)


def finding(slot_at: int, kind: OutcomeKind = OutcomeKind.OK, phase: Phase = Phase.LOGOUT, **more: object) -> Finding:
    return Finding(UUID(int=slot_at), slot_at, slot_at + 1, kind, phase, f"It was {kind}.", **more)  # type: ignore[arg-type]


def in_turn(*findings: Finding, state: LocationState | None = None) -> LocationState:
    for each in findings:
        state = after(state, each)
    assert state is not None
    return state


def state_of(health: Health, **more: object) -> LocationState:
    fields: dict[str, object] = {
        "since": 10,
        "last_slot": 10,
        "failures": 0,
        "outcome": "ok",
        "phase": "logout",
        "message": "",
    }
    return LocationState(health=health, **{**fields, **more})  # type: ignore[arg-type]


def test_a_passed_check_is_up_and_one_with_a_warning_degraded() -> None:
    assert in_turn(finding(1)).health is Health.UP
    degraded = in_turn(finding(1, warning="The certificate expires in 3 days."))
    assert (degraded.health, degraded.message) == (Health.DEGRADED, "The certificate expires in 3 days.")


@pytest.mark.parametrize("kind", sorted(set(OutcomeKind) - OURS - SOFT_FAILURES - {OutcomeKind.OK}))
def test_every_other_failure_of_theirs_is_down_at_once(kind: OutcomeKind) -> None:
    assert in_turn(finding(1), finding(2, kind)).health is Health.DOWN


@pytest.mark.parametrize("kind", sorted(SOFT_FAILURES))
def test_a_soft_failure_is_degraded_and_down_when_it_lasts(kind: OutcomeKind) -> None:
    states = [in_turn(*(finding(n, kind, Phase.AUTH) for n in range(1, last + 1))) for last in range(1, 11)]
    assert [state.health for state in states[: SOFT_FAILURES_TOLERATED - 1]] == [Health.DEGRADED] * 8
    assert {state.health for state in states[SOFT_FAILURES_TOLERATED - 1 :]} == {Health.DOWN}
    assert states[-1].since == SOFT_FAILURES_TOLERATED


@pytest.mark.parametrize("kind", sorted(OURS))
def test_a_fault_of_ours_changes_nothing(kind: OutcomeKind) -> None:
    up = in_turn(finding(1))
    assert after(up, finding(2, kind)) == up


def test_a_fault_of_ours_explains_why_nothing_is_known_until_something_is() -> None:
    unknown = in_turn(finding(2, OutcomeKind.INTERNAL, Phase.DNS), finding(1, OutcomeKind.BLOCKED_TARGET, Phase.DNS))
    assert (unknown.health, unknown.outcome, unknown.last_slot) == (Health.UNKNOWN, "internal", NEVER)
    assert in_turn(finding(1), state=unknown).health is Health.UP


def test_a_stale_finding_changes_nothing() -> None:
    newest = in_turn(finding(5))
    assert after(newest, finding(4, OutcomeKind.CONNECT_REFUSED, Phase.CONNECT)) == newest


def test_since_is_the_slot_of_the_change_and_failures_are_counted_in_a_row() -> None:
    down = in_turn(finding(1), finding(2, OutcomeKind.CONNECT_REFUSED), finding(3, OutcomeKind.CONNECT_TIMEOUT))
    assert (down.since, down.failures, down.last_slot) == (2, 2, 3)
    assert in_turn(finding(4), state=down).failures == 0


def test_a_refusal_stands_until_a_login_is_accepted() -> None:
    refused = in_turn(finding(1, OutcomeKind.AUTH_REJECTED, Phase.AUTH, login=LoginOutcome.REFUSED))
    assert refused.last_refusal is not None
    later = in_turn(finding(2, OutcomeKind.CONNECT_REFUSED, Phase.CONNECT), state=refused)
    assert later.last_refusal == refused.last_refusal
    let_in = finding(3, OutcomeKind.MAILBOX_MISSING, Phase.MAILBOX, login=LoginOutcome.ACCEPTED)
    assert in_turn(let_in, state=later).last_refusal is None


def test_a_withheld_check_leaves_health_and_counters_and_is_a_sign_of_life() -> None:
    refused = state_of(Health.DOWN, outcome="auth_rejected", phase="auth", failures=2, last_refusal=REFUSAL)
    kept = after(refused, finding(20, phase=Phase.CAPABILITY, withheld=True))
    assert kept.last_slot == 20
    assert (kept.health, kept.since, kept.failures, kept.outcome) == (Health.DOWN, 10, 2, "auth_rejected")
    up = state_of(Health.UP)
    assert after(up, finding(20, phase=Phase.CAPABILITY, withheld=True), elsewhere=REFUSAL).health is Health.UP


def test_a_withheld_check_may_set_a_failure_of_an_earlier_phase() -> None:
    refused = state_of(Health.DOWN, outcome="auth_rejected", phase="auth", failures=2, last_refusal=REFUSAL)
    down = after(refused, finding(20, OutcomeKind.CONNECT_REFUSED, Phase.CONNECT, withheld=True))
    assert (down.outcome, down.failures, down.last_refusal) == ("connect_refused", 3, REFUSAL)


def test_a_login_cut_off_before_its_answer_is_shown_on_by_withheld_checks() -> None:
    cut = finding(1, OutcomeKind.CONNECTION_LOST, Phase.AUTH, login=LoginOutcome.UNKNOWN)
    state = in_turn(cut, finding(2, withheld=True))
    assert (state.health, state.outcome, state.last_slot) == (Health.DOWN, "connection_lost", 2)
    assert state.last_refusal is not None
    assert in_turn(finding(3, login=LoginOutcome.ACCEPTED), state=state).last_refusal is None


def test_a_withheld_check_clears_an_earlier_failure_and_the_cause_is_the_refusal_again() -> None:
    unreachable = state_of(Health.DOWN, outcome="connect_refused", phase="connect", failures=3, last_refusal=REFUSAL)
    cleared = after(unreachable, finding(20, phase=Phase.CAPABILITY, withheld=True))
    assert (cleared.health, cleared.outcome, cleared.message) == (Health.DOWN, "auth_rejected", REFUSAL.message)
    assert (cleared.failures, cleared.since) == (3, 10)


def test_a_withheld_check_does_not_clear_a_failure_of_the_login_or_later() -> None:
    locked = state_of(Health.DEGRADED, outcome="mailbox_locked", phase="auth", failures=1)
    assert after(locked, finding(20, withheld=True), elsewhere=REFUSAL).outcome == "mailbox_locked"


def test_a_withheld_check_brings_back_the_refusal_of_a_silent_location_and_never_passes() -> None:
    silent = state_of(Health.UNKNOWN, outcome="auth_rejected", phase="auth", failures=2, last_refusal=REFUSAL)
    assert after(silent, finding(20, withheld=True)).health is Health.DOWN
    assert after(None, finding(20, withheld=True), elsewhere=REFUSAL).health is Health.UNKNOWN
    assert after(None, finding(20, withheld=True)).health is Health.UNKNOWN


def test_the_newest_refusal_elsewhere_is_found() -> None:
    older, newer = REFUSAL, Refusal("auth_expired", "auth", "", None, None, 950)
    states = {
        1: state_of(Health.DOWN, last_refusal=older),
        2: state_of(Health.DOWN, last_refusal=newer),
        3: state_of(Health.UP),
    }
    assert refusal_elsewhere(states, 3) == newer
    assert refusal_elsewhere(states, 2) == older


DOWN = state_of(Health.DOWN, outcome="connect_refused", phase="connect", failures=1, since=20, last_slot=20)
UP = state_of(Health.UP)
DEGRADED = state_of(Health.DEGRADED, since=15, last_slot=18)
SILENT = state_of(Health.UNKNOWN)


@pytest.mark.parametrize(
    ("states", "threshold", "unheard", "health"),
    [
        ([UP], None, 0, Health.UP),
        ([DOWN], None, 0, Health.DOWN),
        ([DOWN, UP], None, 0, Health.DEGRADED),
        ([DOWN, DOWN, UP], None, 0, Health.DOWN),
        ([DOWN, DOWN, UP], 3, 0, Health.DEGRADED),
        ([DOWN, UP], 1, 0, Health.DOWN),
        ([DOWN, UP], 0, 0, Health.DOWN),
        ([DOWN], None, 1, Health.DEGRADED),
        ([DOWN, SILENT], None, 0, Health.DOWN),
        ([DEGRADED, UP], None, 0, Health.DEGRADED),
        ([UP, SILENT], None, 0, Health.UP),
        ([SILENT], None, 0, Health.UNKNOWN),
        ([], None, 2, Health.UNKNOWN),
    ],
)
def test_a_monitor_is_down_when_as_many_locations_agree_as_have_to(
    states: list[LocationState], threshold: int | None, unheard: int, health: Health
) -> None:
    verdict = judged(dict(enumerate(states)), threshold=threshold, unheard=unheard)
    assert verdict.health is health


def test_the_verdict_is_explained_by_the_worst_location_and_begins_with_the_agreement() -> None:
    later = state_of(Health.DOWN, outcome="dns_failure", phase="dns", failures=1, since=25, last_slot=40)
    verdict = judged({1: DOWN, 2: later, 3: UP}, threshold=None)
    assert (verdict.location_id, verdict.outcome, verdict.since) == (2, "dns_failure", 25)
    assert judged({1: DOWN, 3: UP}, threshold=None).outcome == "connect_refused"
