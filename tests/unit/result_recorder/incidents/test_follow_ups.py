"""Where and when a failing monitor is looked at out of turn."""

from services.result_recorder.incidents.engine import advance
from services.result_recorder.incidents.rules import Agreement
from services.result_recorder.incidents.transitions import FollowUpWithdrawn
from shared.checks.vocabulary import OutcomeKind
from tests.support.incidents.watch import (
    BEGIN,
    EXPIRED,
    FAILED,
    HALF_HOUR,
    LOCKED,
    MINUTE,
    REFUSED,
    SECOND,
    Watch,
    seen,
)

OK = OutcomeKind.OK


def minutes(*places: tuple[int, int]) -> list[tuple[int, int]]:
    return [(location, minute * MINUTE) for location, minute in places]


def test_the_only_location_is_asked_every_minute_until_it_is_certain() -> None:
    watch = Watch()
    watch.sees(1, 0, FAILED, now=30 * SECOND)
    assert watch.answers_follow_ups(FAILED) == minutes((1, 1), (1, 2))
    assert watch.open


def test_two_locations_take_turns() -> None:
    watch = Watch(locations=(1, 2))
    watch.sees(1, 0, FAILED)
    assert watch.answers_follow_ups(FAILED) == minutes((2, 1), (1, 2), (2, 3), (1, 4), (2, 5))
    assert watch.open


def test_a_pass_of_the_only_other_location_ends_the_asking() -> None:
    watch = Watch(locations=(1, 2))
    watch.sees(1, 0, FAILED)
    assert watch.answers_follow_ups(OK) == minutes((2, 1))
    assert watch.asked is None
    watch.sees(1, HALF_HOUR, FAILED)
    assert watch.asked is None  # the other one has not changed its mind
    watch.sees(2, 2 * HALF_HOUR, FAILED)
    assert watch.answers_follow_ups(FAILED)
    assert watch.open


def test_a_pass_of_the_failing_location_ends_the_asking() -> None:
    watch = Watch()
    watch.sees(1, 0, FAILED)
    watch.sees(1, 30 * SECOND)
    assert watch.asked is None


def test_what_waits_is_withdrawn_and_what_was_made_is_not() -> None:
    watch = Watch()
    watch.sees(1, 0, FAILED)
    for at, withdrawn in ((30 * SECOND, (FollowUpWithdrawn(),)), (MINUTE, ())):
        _, happened = advance(watch.state, seen(1, at, OK), watch.rules, now=BEGIN + at)
        assert happened == withdrawn


def test_a_third_location_may_agree_where_the_second_did_not() -> None:
    watch = Watch(locations=(1, 2, 3))
    watch.sees(1, 0, FAILED)
    assert watch.asked == (2, MINUTE)
    watch.sees(2, MINUTE)
    assert watch.asked == (3, 2 * MINUTE)
    watch.sees(3, 2 * MINUTE, FAILED)
    assert watch.answers_follow_ups(FAILED) == minutes((1, 3), (3, 4), (1, 5), (3, 6))
    assert watch.open


def test_a_pass_from_before_the_newest_failures_began_speaks_against_nothing() -> None:
    watch = Watch(locations=(1, 2, 3), count=3)
    watch.sees(1, 0, FAILED)
    watch.sees(2, MINUTE)
    assert watch.asked is None
    watch.sees(3, HALF_HOUR, FAILED)
    assert watch.asked == (1, HALF_HOUR + MINUTE)


def test_of_many_locations_only_as_many_as_have_to_agree_are_asked() -> None:
    watch = Watch(locations=(1, 2, 3, 4))
    watch.sees(3, 0, FAILED)
    asked = watch.answers_follow_ups(FAILED)
    assert asked == minutes((1, 1), (3, 2), (1, 3), (3, 4), (1, 5))


def test_where_one_location_is_enough_the_second_opinion_is_another_ones_still() -> None:
    watch = Watch(locations=(1, 2, 3), agreement=Agreement.ANY)
    watch.sees(1, 0, FAILED)
    assert watch.asked == (2, MINUTE)
    watch.sees(2, MINUTE)
    assert watch.answers_follow_ups(FAILED) == minutes((1, 2), (1, 3))
    assert watch.open


def test_a_location_that_is_certain_is_not_asked_again_before_the_other_is() -> None:
    watch = Watch(locations=(1, 2), confirm_after=2)
    for second in (0, 1):
        watch.sees(1, second * SECOND, FAILED)
    assert watch.answers_follow_ups(FAILED) == minutes((2, 1), (2, 2))


def test_a_location_that_is_not_at_work_is_not_asked() -> None:
    watch = Watch(locations=(2,))
    watch.sees(1, 0, FAILED)
    assert watch.asked is None
    watch = Watch(locations=(1,))
    watch.sees(1, 0, FAILED)
    watch.change(live=frozenset())
    watch.waits(2 * MINUTE, follow_up_over=True)
    assert watch.asked is None


def test_where_slots_come_as_often_nothing_is_asked() -> None:
    for interval, asked in ((30 * SECOND, None), (MINUTE, None), (90 * SECOND, (1, MINUTE))):
        watch = Watch(interval_ms=interval)
        watch.sees(1, 0, FAILED)
        assert watch.asked == asked


def test_one_heard_of_late_is_followed_at_once_but_not_before_its_time() -> None:
    watch = Watch()
    watch.sees(1, 0, FAILED, now=5 * MINUTE)
    assert watch.asked == (1, 5 * MINUTE)
    watch = Watch()
    watch.sees(1, 10 * MINUTE, FAILED, now=0)
    assert watch.asked == (1, MINUTE)


def test_what_waits_goes_on_waiting_while_slots_fail() -> None:
    watch = Watch()
    watch.sees(1, 0, FAILED)
    watch.sees(1, 30 * SECOND, LOCKED)
    assert watch.asked == (1, MINUTE)


def test_a_slot_at_the_time_of_the_follow_up_does_as_well() -> None:
    watch = Watch()
    watch.sees(1, 0, LOCKED)
    watch.sees(1, MINUTE + SECOND, LOCKED)
    assert watch.asked == (1, 2 * MINUTE + SECOND)


def test_another_location_s_slot_does_not() -> None:
    watch = Watch(locations=(1, 2))
    watch.sees(1, 0, LOCKED)
    watch.sees(1, 2 * MINUTE, LOCKED)
    assert watch.asked == (2, MINUTE)


def test_while_it_is_down_those_that_are_take_turns_every_five_minutes() -> None:
    watch = Watch(locations=(1, 2, 3), confirm_after=1)
    watch.sees(1, 0, FAILED)
    watch.sees(2, MINUTE, FAILED)
    assert watch.open
    assert watch.asked == (1, 6 * MINUTE)
    assert watch.answers_follow_ups(FAILED, most=3) == minutes((1, 6), (2, 11), (1, 16))


def test_while_it_is_down_slots_every_five_minutes_do() -> None:
    watch = Watch(confirm_after=1, interval_ms=5 * MINUTE)
    watch.sees(1, 0, FAILED)
    assert watch.open
    assert watch.asked is None


def test_the_second_pass_is_asked_for_at_once_and_where_the_first_was() -> None:
    for interval in (MINUTE, HALF_HOUR):
        watch = Watch(locations=(1, 2), confirm_after=1, interval_ms=interval)
        watch.sees(1, 0, FAILED)
        watch.sees(2, SECOND, FAILED)
        watch.sees(2, 10 * SECOND, OK, now=12 * SECOND)
        assert watch.asked == (2, 12 * SECOND)


def test_a_second_pass_that_told_nothing_is_asked_for_again_but_not_at_once() -> None:
    watch = Watch(confirm_after=1)
    watch.sees(1, 0, FAILED)
    watch.sees(1, MINUTE)
    watch.waits(2 * MINUTE, follow_up_over=True)
    assert watch.asked == (1, 3 * MINUTE)


def test_a_location_that_is_not_at_work_is_not_asked_for_its_second_pass() -> None:
    watch = Watch(locations=(1, 2), confirm_after=1)
    watch.sees(1, 0, FAILED)
    watch.change(live=frozenset({2}))
    watch.sees(1, MINUTE)
    assert watch.asked is None


def test_a_refused_login_is_left_to_its_ladder() -> None:
    watch = Watch(locations=(1, 2))
    watch.sees(1, 0, REFUSED)
    assert watch.asked is None
    watch.sees(2, MINUTE, FAILED)
    assert watch.asked is None
    watch.sees(1, 2 * MINUTE, REFUSED)
    assert watch.open
    assert watch.asked is None


def test_a_certificate_is_looked_at_again() -> None:
    watch = Watch()
    watch.sees(1, 0, EXPIRED)
    assert watch.answers_follow_ups(EXPIRED) == minutes((1, 1))
    assert watch.open


def test_when_it_is_over_nothing_is_asked_any_more() -> None:
    watch = Watch(confirm_after=1)
    watch.sees(1, 0, FAILED)
    watch.sees(1, MINUTE)
    watch.sees(1, MINUTE + SECOND)
    assert watch.asked is None


def test_one_that_ended_without_telling_anything_is_asked_for_anew() -> None:
    watch = Watch()
    watch.sees(1, 0, FAILED)
    watch.waits(MINUTE)
    assert watch.asked == (1, MINUTE)
    watch.waits(2 * MINUTE, follow_up_over=True)
    assert watch.asked == (1, 3 * MINUTE)


def test_in_maintenance_an_outage_is_looked_at_until_it_is_over_but_none_is_confirmed() -> None:
    watch = Watch(confirm_after=1)
    watch.sees(1, 0, FAILED)
    watch.change(alerting=False)
    watch.waits(6 * MINUTE, follow_up_over=True)
    assert watch.asked == (1, 11 * MINUTE)
    watch = Watch()
    watch.sees(1, 0, FAILED)
    watch.change(alerting=False)
    watch.waits(2 * MINUTE, follow_up_over=True)
    assert watch.asked is None
