"""Any order of arrival, in any batches, ends in the state that the order of slots ends in."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.result_recorder.folding import fold, folded_anew
from services.result_recorder.health import Finding, LocationState, after, refusal_elsewhere
from shared.checks.vocabulary import LoginOutcome, OutcomeKind, Phase

HERE = 7

KINDS = st.sampled_from(
    [
        (OutcomeKind.OK, Phase.LOGOUT, LoginOutcome.ACCEPTED, False, None),
        (OutcomeKind.OK, Phase.LOGOUT, LoginOutcome.ACCEPTED, False, "It was slow."),
        (OutcomeKind.CONNECT_REFUSED, Phase.CONNECT, LoginOutcome.NOT_SENT, False, None),
        (OutcomeKind.AUTH_REJECTED, Phase.AUTH, LoginOutcome.REFUSED, False, None),
        (OutcomeKind.RATE_LIMITED, Phase.AUTH, LoginOutcome.UNKNOWN, False, None),
        (OutcomeKind.MAILBOX_MISSING, Phase.MAILBOX, LoginOutcome.ACCEPTED, False, None),
        (OutcomeKind.INTERNAL, Phase.DNS, LoginOutcome.NOT_SENT, False, None),
        (OutcomeKind.OK, Phase.CAPABILITY, LoginOutcome.NOT_SENT, True, None),
        (OutcomeKind.CONNECT_REFUSED, Phase.CONNECT, LoginOutcome.NOT_SENT, True, None),
    ]
)


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[Finding], list[list[Finding]]]:
    """Findings in order; and the same shuffled, some twice, in batches."""
    kinds = draw(st.lists(KINDS, min_size=1, max_size=14))
    ordered = [
        Finding(UUID(int=n), n * 10, n * 10 + 3, kind, phase, f"{n}: {kind}", None, None, warning, login, withheld)
        for n, (kind, phase, login, withheld, warning) in enumerate(kinds, 1)
    ]
    again = draw(st.lists(st.sampled_from(ordered), max_size=4))
    shuffled = draw(st.permutations([*ordered, *again]))
    cuts = sorted(draw(st.sets(st.integers(1, len(shuffled)))))
    return ordered, [shuffled[a:b] for a, b in zip([0, *cuts], [*cuts, len(shuffled)], strict=True)]


def recorded_in(batches: list[list[Finding]]) -> LocationState:
    """What the recorder does, with a list for a database."""
    kept: dict[UUID, Finding] = {}
    states: dict[int, LocationState] = {}
    for batch in batches:
        new = {each.check_id: each for each in batch if each.check_id not in kept}
        kept |= new
        folded = fold(states, [(HERE, each) for each in new.values()])
        states = dict(folded.states)
        for location, late in folded.late.items():
            before = [each for each in kept.values() if passes(each) and each.slot_at < min(f.slot_at for f in late)]
            begin = max((each.slot_at for each in before), default=0)
            window = [each for each in kept.values() if each.slot_at >= begin]
            elsewhere = refusal_elsewhere(states, location)
            states[location] = folded_anew(states[location], window, late, elsewhere=elsewhere)
    return states[HERE]


def passes(finding: Finding) -> bool:
    return finding.kind is OutcomeKind.OK and not finding.withheld


@given(arrivals())
def test_any_order_and_repetition_ends_in_the_same_state(case: tuple[list[Finding], list[list[Finding]]]) -> None:
    ordered, batches = case
    state = None
    for finding in ordered:
        state = after(state, finding)
    assert recorded_in(batches) == state


def test_what_lies_before_the_window_is_not_forgotten() -> None:
    failing = [
        Finding(UUID(int=n), n * 10, n * 10 + 3, OutcomeKind.RATE_LIMITED, Phase.AUTH, f"{n}") for n in range(1, 12)
    ]
    in_order = None
    for finding in failing:
        in_order = after(in_order, finding)
    assert in_order is not None
    stored = None
    for finding in [*failing[:8], *failing[9:]]:
        stored = after(stored, finding)
    assert stored is not None
    # The window reaches back to the late one only, so the failures before it are known from the state alone.
    anew = folded_anew(stored, failing[8:], [failing[8]])
    assert (anew.failures, anew.health, anew.last_slot) == (11, in_order.health, in_order.last_slot)
