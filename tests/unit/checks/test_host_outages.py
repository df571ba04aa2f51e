"""A host that refuses everybody is told from a few wrong passwords, is tried rarely, and is found well by anybody."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.checks.host_outages import (
    JOINING_MS,
    MOST_SENTINELS,
    OUTAGE_WINDOW_MS,
    SENTINELS,
    TURNS_MS,
    FirstRefusal,
    HostOutage,
    outage_seen,
)
from shared.checks.logins import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    MOST_PER_DAY,
    MOST_PER_HOUR,
    RUNGS_MS,
    AccountHistory,
    LoginEvent,
    login_allowed_at,
)
from shared.checks.vocabulary import LoginOutcome

NOW = 1_800_000_000_000
CREDENTIAL = UUID(int=1)


def refusals(*minutes: float) -> list[FirstRefusal]:
    return [FirstRefusal(NOW + int(each * MINUTE_MS), f"user{number}") for number, each in enumerate(minutes)]


def an_outage(*minutes: float, **more: object) -> HostOutage:
    found = outage_seen(refusals(*minutes or (0, 1, 2)), None)
    assert found is not None
    return HostOutage(found.began_at, found.seen_at, found.sentinels, **more)  # type: ignore[arg-type]


def allowed(
    outage: HostOutage | None,
    *refused_at: int,
    user: str = "another",
    now: int,
    asked_at: int | None = None,
    ever_accepted: bool = True,
) -> int:
    events = [LoginEvent(at, CREDENTIAL, LoginOutcome.REFUSED) for at in refused_at]
    history = AccountHistory(events, ever_accepted=ever_accepted, user=user, outage=outage)
    return login_allowed_at(history, CREDENTIAL, now, asked_at=asked_at)


def test_two_accounts_are_no_outage_and_three_are() -> None:
    assert outage_seen(refusals(0, 1), None) is None
    assert outage_seen(refusals(0, 1, 2), None) == HostOutage(
        NOW, NOW + 2 * MINUTE_MS, frozenset({"user0", "user1", "user2"})
    )


def test_three_within_half_an_hour_are_none() -> None:
    assert outage_seen(refusals(0, 9, 18), None) is None


def test_the_first_three_are_the_sentinels() -> None:
    assert an_outage(5, 1, 4, 2, 3).sentinels == {"user1", "user3", "user4"}


def test_refusals_that_say_nothing_new_change_nothing() -> None:
    outage = an_outage(0, 1, 2)
    assert outage_seen(refusals(0, 1, 2), outage) is None


def test_it_goes_on_with_more_of_them_and_the_same_sentinels() -> None:
    outage = an_outage(0, 1, 2)
    longer = outage_seen(refusals(0, 1, 2, 3), outage)
    assert longer is not None
    assert (longer.began_at, longer.seen_at) == (NOW, NOW + 3 * MINUTE_MS)
    assert longer.sentinels == outage.sentinels


def test_others_refused_long_after_have_sentinels_of_their_own() -> None:
    later = [FirstRefusal(NOW + 5 * HOUR_MS + number, f"later{number}") for number in range(9)]
    longer = outage_seen(later, an_outage())
    assert longer is not None
    assert longer.sentinels == {"user0", "user1", "user2", "later0", "later1", "later2"}
    assert longer.began_at == NOW


def test_after_one_that_ended_another_may_begin_but_not_of_its_refusals() -> None:
    ended = an_outage(0, 1, 2, ended_at=NOW + HOUR_MS)
    assert outage_seen(refusals(0, 1, 2, 3), ended) is None
    anew = outage_seen(refusals(61, 62, 63), ended)
    assert anew is not None
    assert (anew.began_at, anew.ended_at) == (NOW + 61 * MINUTE_MS, None)


def test_a_sentinel_climbs_the_ladder_and_the_others_wait_for_the_slowest_rung() -> None:
    outage, at = an_outage(), NOW + 3 * MINUTE_MS
    assert allowed(outage, NOW, user="user0", now=at) == NOW + RUNGS_MS[0]
    waits = allowed(outage, at, now=at) - at
    assert RUNGS_MS[-1] <= waits < RUNGS_MS[-1] + TURNS_MS


def test_those_who_wait_take_turns() -> None:
    outage = an_outage()
    turns = {outage.turn_ms(f"user{number}") // (5 * MINUTE_MS) for number in range(100)}
    assert len(turns) == TURNS_MS // (5 * MINUTE_MS)


def test_who_was_refused_before_or_long_after_goes_by_the_ladder() -> None:
    outage = an_outage()
    for at in (NOW - 1, outage.seen_at + JOINING_MS + 1):
        assert allowed(outage, at, now=at) == at + RUNGS_MS[0]


def test_who_never_was_let_in_goes_by_the_ladder() -> None:
    assert allowed(an_outage(), NOW + 1, now=NOW + 1, ever_accepted=False) == NOW + 1 + RUNGS_MS[0]


def test_somebody_who_asks_need_not_wait_for_the_host() -> None:
    assert allowed(an_outage(), NOW + 1, now=NOW + 10, asked_at=NOW + 10) == NOW + 10


def test_the_first_one_let_in_gives_the_others_one_try_each() -> None:
    over = an_outage(ended_at=NOW + 2 * HOUR_MS)
    now = NOW + 2 * HOUR_MS + 5
    assert allowed(over, NOW + 3, now=now) == now
    assert allowed(over, NOW + 3, now, now=now) == now + RUNGS_MS[1]
    sentinel = (NOW, NOW + 5 * MINUTE_MS, NOW + 20 * MINUTE_MS, NOW + 80 * MINUTE_MS)
    assert allowed(over, *sentinel, user="user0", now=now) == now


def test_the_try_given_stays_within_the_limits() -> None:
    over = an_outage(ended_at=NOW + 50 * MINUTE_MS)
    tries = [NOW + minutes * MINUTE_MS for minutes in (1, 20, 40)]
    assert allowed(over, *tries, now=NOW + 51 * MINUTE_MS) == NOW + 61 * MINUTE_MS


def test_an_outage_over_before_a_refusal_lifts_nothing() -> None:
    over = an_outage(ended_at=NOW + HOUR_MS)
    at = NOW + HOUR_MS + 1
    assert allowed(over, at, now=at) == at + RUNGS_MS[0]


@st.composite
def host_refusals(draw: st.DrawFn) -> list[FirstRefusal]:
    times = draw(st.lists(st.integers(0, 3 * HOUR_MS), max_size=20))
    return [FirstRefusal(NOW + at, f"user{number}") for number, at in enumerate(times)]


@given(host_refusals())
def test_it_is_one_exactly_where_enough_lie_within_the_window(found: list[FirstRefusal]) -> None:
    close = any(
        sum(each.at_ms - OUTAGE_WINDOW_MS < other.at_ms <= each.at_ms for other in found) >= 3 for each in found
    )
    outage = outage_seen(found, None)
    assert (outage is not None) == close
    if outage is not None:
        assert len(outage.sentinels) == SENTINELS
        assert outage.began_at <= outage.seen_at < outage.began_at + OUTAGE_WINDOW_MS


@given(st.lists(host_refusals(), max_size=12))
def test_it_only_ever_goes_on_and_keeps_few_sentinels(waves: list[list[FirstRefusal]]) -> None:
    standing: HostOutage | None = None
    for number, wave in enumerate(waves):
        shifted = [FirstRefusal(each.at_ms + number * 2 * HOUR_MS, f"{number}{each.user}") for each in wave]
        seen = outage_seen(shifted, standing)
        if seen is not None and standing is not None:
            assert seen.began_at == standing.began_at
            assert seen.seen_at > standing.seen_at
            assert seen.sentinels >= standing.sentinels
        standing = seen or standing
    assert standing is None or len(standing.sentinels) <= MOST_SENTINELS + SENTINELS


@given(
    st.lists(st.integers(0, 40 * MINUTE_MS), max_size=200),
    st.integers(0, 30 * HOUR_MS),
    st.booleans(),
    st.sampled_from(["user0", "another"]),
    st.booleans(),
)
def test_no_outage_and_no_end_of_one_exceeds_the_limits(
    waits: list[int], lasts_ms: int, ends: bool, user: str, asks: bool
) -> None:
    outage = an_outage()
    now, tries = NOW, [NOW]
    for wait in waits:
        now += wait
        over = ends and now >= NOW + lasts_ms
        shown = an_outage(ended_at=NOW + lasts_ms) if over else outage
        if allowed(shown, *tries, user=user, now=now, asked_at=now if asks else None) <= now:
            tries.append(now)
    for most, window in ((MOST_PER_HOUR, HOUR_MS), (MOST_PER_DAY, DAY_MS)):
        assert all(later - earlier >= window for earlier, later in zip(tries, tries[most:], strict=False))


@given(st.lists(st.integers(1, 40 * MINUTE_MS), max_size=200))
def test_nobody_who_waits_is_tried_before_the_slowest_rung_nor_left_for_longer_than_its_turn(waits: list[int]) -> None:
    outage, now, tries = an_outage(), NOW + 1, [NOW + 1]
    for wait in waits:
        now += wait
        due = allowed(outage, *tries, now=now)
        assert due <= max(now, tries[-1] + RUNGS_MS[-1] + TURNS_MS)
        if due <= now:
            assert now - tries[-1] >= RUNGS_MS[-1]
            tries.append(now)
