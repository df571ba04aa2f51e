"""Passwords are tried often enough to notice a recovery, and never often enough to lock an account."""

from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.checks.logins import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    MOST_PER_DAY,
    MOST_PER_HOUR,
    AccountHistory,
    LoginEvent,
    login_allowed_at,
)
from shared.checks.vocabulary import LoginOutcome

A, B, C = (UUID(int=n) for n in (1, 2, 3))
NOW = 1_800_000_000_000


def refused(at_ms: int, credential: UUID = A) -> LoginEvent:
    return LoginEvent(at_ms, credential, LoginOutcome.REFUSED)


def accepted(at_ms: int, credential: UUID = A) -> LoginEvent:
    return LoginEvent(at_ms, credential, LoginOutcome.ACCEPTED)


def allowed_at(*events: LoginEvent, credential: UUID = A, proven: bool = False, now: int = NOW) -> int:
    return login_allowed_at(AccountHistory(events, proven=proven), credential, now)


def test_a_new_credential_is_tried_at_once() -> None:
    assert allowed_at() == NOW


def test_a_proven_credential_goes_on_whatever_others_do() -> None:
    assert allowed_at(refused(NOW - 3, B), refused(NOW - 2, B), refused(NOW - 1, B), proven=True) == NOW


def test_the_ladder_is_5_15_60_minutes_then_6_hours() -> None:
    start = NOW - 20 * HOUR_MS
    first = allowed_at(refused(start), now=start)
    assert first == start + 5 * MINUTE_MS
    second = allowed_at(refused(start), refused(first), now=first)
    assert second == first + 15 * MINUTE_MS
    third = allowed_at(refused(start), refused(first), refused(second), now=second)
    assert third == second + HOUR_MS
    fourth = allowed_at(*(refused(at) for at in (start, first, second, third)), now=third)
    assert fourth == third + 6 * HOUR_MS
    fifth = allowed_at(*(refused(at) for at in (start, first, second, third, fourth)), now=fourth)
    assert fifth == fourth + 6 * HOUR_MS


def test_a_login_never_answered_counts_as_a_refusal() -> None:
    assert allowed_at(LoginEvent(NOW, A, LoginOutcome.UNKNOWN)) == NOW + 5 * MINUTE_MS


def test_somebody_who_asks_need_not_wait_for_the_short_rungs_within_the_limits() -> None:
    def asked_at(*events: LoginEvent) -> int:
        return login_allowed_at(AccountHistory(events), A, NOW, asked_at=NOW)

    assert asked_at(refused(NOW - 1)) == NOW
    assert asked_at(refused(NOW - 2), refused(NOW - 1)) == NOW
    assert asked_at(refused(NOW - 3), refused(NOW - 2), refused(NOW - 1)) == NOW - 3 + HOUR_MS


def test_one_asking_takes_one_rung_whatever_the_number_of_locations() -> None:
    history = AccountHistory([refused(NOW - 10)])
    assert login_allowed_at(history, A, NOW, asked_at=NOW - 9) == NOW
    assert login_allowed_at(history, A, NOW, asked_at=NOW - 11) == NOW - 10 + 5 * MINUTE_MS


def test_nobody_takes_a_six_hour_rung_early() -> None:
    events = [refused(NOW - hours * HOUR_MS) for hours in (5, 4, 3, 2)]
    assert login_allowed_at(AccountHistory(events), A, NOW, asked_at=NOW) == NOW + 4 * HOUR_MS


def test_asking_every_minute_neither_exceeds_a_day_nor_delays_a_recovery() -> None:
    events: list[LoginEvent] = []
    for now in range(NOW, NOW + 3 * DAY_MS, MINUTE_MS):
        for credential in (A, B):
            if login_allowed_at(AccountHistory(events), credential, now, asked_at=now) <= now:
                events.append(refused(now, credential))
    times = [event.at_ms for event in events]
    assert max(later - earlier for earlier, later in pairwise(times)) <= 6 * HOUR_MS
    assert all(later - earlier >= DAY_MS for earlier, later in zip(times, times[MOST_PER_DAY:], strict=False))


def test_a_success_starts_the_ladder_anew() -> None:
    events = [refused(NOW - 9 * HOUR_MS), refused(NOW - 8 * HOUR_MS), accepted(NOW - HOUR_MS), refused(NOW)]
    assert allowed_at(*events) == NOW + 5 * MINUTE_MS


def test_a_new_password_gets_its_own_try_while_the_old_one_waits() -> None:
    assert allowed_at(refused(NOW - 1, A), credential=B) == NOW
    assert allowed_at(refused(NOW - 1, A), credential=A) > NOW


def test_new_passwords_share_the_hourly_limit() -> None:
    events = [refused(NOW - 30 * MINUTE_MS, A), refused(NOW - 20 * MINUTE_MS, B), refused(NOW - MINUTE_MS, C)]
    assert allowed_at(*events, credential=UUID(int=9)) == NOW + 30 * MINUTE_MS


def test_new_passwords_share_the_daily_limit() -> None:
    events = [refused(NOW - (9 - n) * 2 * HOUR_MS, UUID(int=n)) for n in range(1, 9)]
    assert allowed_at(*events, credential=UUID(int=9)) == events[0].at_ms + DAY_MS


def test_a_recovery_of_one_credential_gives_the_others_one_try() -> None:
    events = [refused(NOW - 3000, A), refused(NOW - 2000, B), accepted(NOW - 1000, A)]
    assert allowed_at(*events, credential=B) == NOW
    assert allowed_at(*events, refused(NOW, B), credential=B) > NOW


def test_anothers_steady_success_gives_a_wrong_password_no_tries() -> None:
    events = [accepted(NOW - 9000, A), refused(NOW - 2000, B), accepted(NOW - 1000, A)]
    assert allowed_at(*events, credential=B) == NOW - 2000 + 5 * MINUTE_MS


def test_a_host_that_refused_three_strangers_is_left_in_peace() -> None:
    strangers = [NOW - 9 * MINUTE_MS, NOW - 2 * MINUTE_MS, NOW - MINUTE_MS]
    assert login_allowed_at(AccountHistory(host_refusals_ms=strangers), A, NOW) == NOW + MINUTE_MS
    known = AccountHistory(host_refusals_ms=strangers, ever_accepted=True)
    assert login_allowed_at(known, A, NOW) == NOW


@given(st.lists(st.tuples(st.integers(0, 30 * MINUTE_MS), st.integers(1, 5)), max_size=300))
def test_no_order_of_asking_exceeds_the_limits(asks: list[tuple[int, int]]) -> None:
    now = NOW
    events: list[LoginEvent] = []
    for wait_ms, credential in asks:
        now += wait_ms
        if allowed_at(*events, credential=UUID(int=credential), now=now) <= now:
            events.append(refused(now, UUID(int=credential)))
    times = [event.at_ms for event in events]
    for most, window in ((MOST_PER_HOUR, HOUR_MS), (MOST_PER_DAY, DAY_MS)):
        assert all(later - earlier >= window for earlier, later in zip(times, times[most:], strict=False))


def test_a_wrong_password_asked_every_minute_is_tried_again_within_6_hours() -> None:
    events: list[LoginEvent] = []
    for now in range(NOW, NOW + 3 * DAY_MS, MINUTE_MS):
        for credential in (A, B):
            if allowed_at(*events, credential=credential, now=now) <= now:
                events.append(refused(now, credential))
    gaps = [later.at_ms - earlier.at_ms for earlier, later in pairwise(events)]
    assert max(gaps) <= 6 * HOUR_MS
