"""When messages are told one by one, and for how long they are tried."""

from itertools import pairwise

import pytest

from services.notifier.flood import FOR_ALARM_SERVICES, FloodRules, Hold, OneByOne, Together, release
from services.notifier.persistence import (
    FAILURES_TO_REST,
    LONGEST_REST_MS,
    LONGEST_RETRY_AFTER_MS,
    LONGEST_WAIT_MS,
    NotSent,
    next_try_at,
    rest_until,
)
from services.notifier.vocabulary import DAY_MS, GATHER_MS, MINUTE_MS, SECOND_MS


@pytest.mark.parametrize(
    ("waiting", "told_lately", "last_digest_at", "wanted"),
    [
        (1, 0, None, OneByOne()),
        (2, 4, None, OneByOne()),
        (3, 0, None, Together()),
        (1, 5, None, Together()),
        (9, 0, 0, Hold(MINUTE_MS)),
        (1, 0, 0, Hold(MINUTE_MS)),
    ],
)
def test_a_flood_is_told_together(waiting: int, told_lately: int, last_digest_at: int | None, wanted: object) -> None:
    now = 30 * SECOND_MS
    assert release(waiting, told_lately=told_lately, last_digest_at=last_digest_at, now_ms=now) == wanted


def test_after_a_minute_without_a_digest_the_flood_is_over() -> None:
    assert release(2, told_lately=0, last_digest_at=0, now_ms=MINUTE_MS) == OneByOne()
    assert release(3, told_lately=0, last_digest_at=0, now_ms=MINUTE_MS) == Together()


def test_alarm_services_get_alarms_of_their_own_for_longer() -> None:
    assert release(40, told_lately=40, last_digest_at=None, now_ms=0, rules=FOR_ALARM_SERVICES) == OneByOne()


@pytest.mark.parametrize("rules", [FloodRules(), FOR_ALARM_SERVICES])
def test_five_thousand_outages_in_ten_seconds_are_a_grouped_message_a_minute_and_none_is_lost(
    rules: FloodRules,
) -> None:
    arrivals = [place * 2 for place in range(5000)]
    singles: list[int] = []
    digests: list[int] = []
    told = 0
    for now in range(0, 10 * MINUTE_MS, SECOND_MS):
        waiting = sum(at + GATHER_MS <= now for at in arrivals) - told
        if not waiting:
            continue
        lately = sum(now - at < MINUTE_MS for at in singles)
        last = digests[-1] if digests and now - digests[-1] < MINUTE_MS else None
        match release(waiting, told_lately=lately, last_digest_at=last, now_ms=now, rules=rules):
            case OneByOne():
                singles.append(now)
                told += 1
            case Together():
                digests.append(now)
                told += waiting
    assert told == 5000
    assert all(later - earlier >= MINUTE_MS for earlier, later in pairwise(digests))
    assert len(digests) <= 2
    assert len(singles) <= rules.at_once


def test_tries_wait_longer_and_longer_and_end_after_a_day() -> None:
    now, attempts, waits = 0, 0, []
    while True:
        attempts += 1
        due = next_try_at(NotSent("no"), attempts=attempts, now_ms=now, give_up_at=DAY_MS, chance=1.0)
        if due is None:
            break
        waits.append(due - now)
        now = due
    assert now == DAY_MS
    assert waits[:4] == [5 * SECOND_MS, 10 * SECOND_MS, 20 * SECOND_MS, 40 * SECOND_MS]
    assert max(waits) == LONGEST_WAIT_MS


def test_chance_spreads_tries_over_half_the_wait() -> None:
    due = [next_try_at(NotSent("no"), attempts=3, now_ms=0, give_up_at=DAY_MS, chance=c) for c in (0.0, 1.0)]
    assert due == [10 * SECOND_MS, 20 * SECOND_MS]


def test_a_receiver_may_ask_for_a_later_try_but_not_for_any_time() -> None:
    def after(ms: int) -> int | None:
        return next_try_at(NotSent("no", retry_after_ms=ms), attempts=1, now_ms=0, give_up_at=DAY_MS)

    assert after(2 * MINUTE_MS) == 2 * MINUTE_MS
    assert after(30 * DAY_MS) == LONGEST_RETRY_AFTER_MS


def test_what_will_never_be_taken_is_not_tried_again() -> None:
    assert next_try_at(NotSent("too large", for_good=True), attempts=1, now_ms=0, give_up_at=DAY_MS) is None


def test_a_channel_rests_after_failures_in_a_row() -> None:
    assert rest_until(FAILURES_TO_REST - 1, now_ms=0) is None
    assert rest_until(FAILURES_TO_REST, now_ms=7) == 7 + MINUTE_MS
    assert rest_until(1000, now_ms=0) == LONGEST_REST_MS
