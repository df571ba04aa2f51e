"""When an incident is over, and when it only looks so."""

from services.result_recorder.incidents.engine import advance
from services.result_recorder.incidents.rules import Agreement
from services.result_recorder.incidents.transitions import (
    FlappingBegan,
    FollowUpWithdrawn,
    Opened,
    Resolution,
    Resolved,
    Settled,
    Stopped,
)
from shared.checks.vocabulary import OutcomeKind
from tests.support.incidents.watch import BEGIN, EXPIRED, FAILED, HALF_HOUR, MINUTE, REFUSED, Watch

HOUR = 60 * MINUTE


def resolved(now: int, recovered_at: int, *, quiet: bool = False) -> Resolved:
    return Resolved(Resolution.RECOVERED, BEGIN + now, BEGIN + recovered_at, quiet)


def test_two_passes_end_it_and_the_first_is_when_it_recovered() -> None:
    watch = Watch(confirm_after=1)
    watch.sees(1, 0, FAILED)
    assert watch.sees(1, MINUTE) == []
    assert watch.sees(1, 2 * MINUTE) == [resolved(2 * MINUTE, MINUTE)]


def test_a_failure_between_the_passes_goes_on_with_it() -> None:
    watch = Watch(confirm_after=1)
    watch.sees(1, 0, FAILED)
    watch.sees(1, MINUTE)
    watch.sees(1, 2 * MINUTE, FAILED)
    assert watch.sees(1, 3 * MINUTE) == []
    assert watch.sees(1, 4 * MINUTE) == [resolved(4 * MINUTE, 3 * MINUTE)]


def test_it_is_over_when_too_few_are_down_to_agree() -> None:
    watch = Watch(locations=(1, 2, 3), confirm_after=1)
    for location in (1, 2, 3):
        watch.sees(location, location, FAILED)
    watch.sees(1, MINUTE)
    assert watch.sees(1, 2 * MINUTE) == []
    watch.sees(2, 3 * MINUTE)
    assert watch.sees(2, 4 * MINUTE) == [resolved(4 * MINUTE, 3 * MINUTE)]


def test_a_location_that_was_never_down_ends_nothing() -> None:
    watch = Watch(locations=(1, 2, 3), agreement=Agreement.ANY, confirm_after=1)
    watch.sees(1, 0, FAILED)
    for minute in range(1, 9):
        assert watch.sees(2, minute * MINUTE) == []
    watch.change(live=frozenset({2, 3}))  # the one that is down falls silent, which proves nothing
    for minute in range(10, 19):
        assert watch.sees(2, minute * MINUTE) == []
    assert watch.open


def test_where_some_fell_silent_those_that_are_left_decide() -> None:
    watch = Watch(locations=(1, 2), confirm_after=1)
    watch.sees(1, 0, FAILED)
    watch.sees(2, 1, FAILED)
    watch.change(live=frozenset({1}))
    watch.sees(1, MINUTE)
    assert watch.sees(1, 2 * MINUTE) == [resolved(2 * MINUTE, MINUTE)]


def test_one_that_recovered_is_remembered_until_the_others_fall_silent() -> None:
    watch = Watch(locations=(1, 2, 3), confirm_after=1)
    for location in (1, 2, 3):
        watch.sees(location, location, FAILED)
    watch.sees(1, MINUTE)
    watch.sees(1, 2 * MINUTE)
    watch.change(live=frozenset({1, 3}))
    assert watch.sees(3, 3 * MINUTE, FAILED) == []  # a failure ends nothing
    assert watch.waits(4 * MINUTE) == [resolved(4 * MINUTE, MINUTE)]


def test_one_that_recovered_and_fails_again_ends_nothing_until_it_passes() -> None:
    watch = Watch(locations=(1, 2, 3), confirm_after=2)
    for location in (1, 2, 3):
        watch.sees(location, location, FAILED)
        watch.sees(location, 10 + location, FAILED)
    for minute, kind in ((1, OutcomeKind.OK), (2, OutcomeKind.OK), (3, FAILED)):
        watch.sees(1, minute * MINUTE, kind)
    watch.change(live=frozenset({1, 3}))
    assert watch.waits(4 * MINUTE) == []
    assert watch.sees(1, 5 * MINUTE) == [resolved(5 * MINUTE, 5 * MINUTE)]


def test_when_all_that_saw_it_are_long_gone_two_passes_elsewhere_end_it() -> None:
    watch = Watch(locations=(1, 2), agreement=Agreement.ANY, confirm_after=1)
    watch.sees(1, 0, FAILED)
    watch.change(live=frozenset({2}))
    for half_hours in (1, 2, 3):
        assert watch.sees(2, half_hours * HALF_HOUR) == []
    assert watch.sees(2, 4 * HALF_HOUR) == [resolved(4 * HALF_HOUR, 3 * HALF_HOUR)]


def test_a_silent_location_is_remembered_for_an_hour() -> None:
    watch = Watch(locations=(1, 2), agreement=Agreement.ANY, confirm_after=1, interval_ms=10 * MINUTE)
    watch.sees(1, 0, FAILED)
    watch.change(live=frozenset({2}))
    watch.sees(2, 10 * MINUTE)
    assert watch.sees(2, HOUR) == []
    assert watch.sees(2, HOUR + 1) == [resolved(HOUR + 1, HOUR)]


def test_one_that_passed_before_it_opened_has_not_recovered_from_it() -> None:
    watch = Watch(locations=(1, 2, 3), confirm_after=2)
    watch.sees(1, 0, FAILED)
    for second in (1, 2, 3):
        watch.sees(3, second)
    watch.sees(1, MINUTE, FAILED)
    for minute in (2, 3):
        watch.sees(2, minute * MINUTE, FAILED)
    assert watch.open
    watch.change(live=frozenset({1, 3}))
    assert watch.waits(4 * MINUTE) == []


def test_what_a_silent_location_said_long_ago_agrees_with_nobody() -> None:
    watch = Watch(locations=(1, 2), confirm_after=1)
    watch.sees(1, 0, FAILED)
    watch.change(live=frozenset({2}), alerting=False)
    watch.sees(2, 5 * HALF_HOUR, FAILED)
    watch.change(live=frozenset({1, 2}), alerting=True)
    assert watch.sees(2, 6 * HALF_HOUR, FAILED) == []


def test_the_location_that_speaks_is_not_forgotten_however_late_it_is_heard() -> None:
    watch = Watch(locations=(1,), confirm_after=2)
    watch.change(live=frozenset())
    watch.sees(1, 0, FAILED, now=6 * HOUR)
    watch.change(live=frozenset({1}))
    assert watch.sees(1, MINUTE, FAILED, now=6 * HOUR) != []


def test_one_accepted_login_lifts_the_refusals_that_stand_elsewhere() -> None:
    watch = Watch(locations=(1, 2), agreement=Agreement.ANY)
    watch.sees(1, 0, REFUSED)
    watch.sees(2, MINUTE, REFUSED)
    watch.sees(1, 2 * MINUTE)
    assert watch.sees(1, 3 * MINUTE) == [resolved(3 * MINUTE, 2 * MINUTE)]


def test_a_login_accepted_before_a_refusal_lifts_nothing_though_its_slot_is_newer() -> None:
    watch = Watch(locations=(1, 2), agreement=Agreement.ANY, confirm_after=1)
    watch.sees(1, 0, REFUSED, began=5 * MINUTE)
    watch.sees(1, MINUTE, REFUSED, began=6 * MINUTE)
    for minute in (2, 3):
        assert watch.sees(2, minute * MINUTE, now=7 * MINUTE, began=minute * MINUTE) == []
    assert watch.open
    assert watch.sees(2, 8 * MINUTE, began=8 * MINUTE) == []
    assert watch.sees(2, 9 * MINUTE, began=9 * MINUTE) == [resolved(9 * MINUTE, 8 * MINUTE)]


def test_an_accepted_login_before_the_newest_refusal_leaves_it_counted() -> None:
    watch = Watch(locations=(1, 2))
    watch.sees(1, 0, REFUSED, began=5 * MINUTE)
    watch.sees(2, MINUTE, began=MINUTE)
    assert watch.sees(1, 2 * MINUTE, REFUSED, began=6 * MINUTE) != []


def test_an_accepted_login_lifts_no_failure_of_another_kind() -> None:
    watch = Watch(locations=(1, 2), agreement=Agreement.ANY, confirm_after=1)
    watch.sees(1, 0, FAILED)
    watch.sees(2, MINUTE, FAILED)
    watch.sees(1, 2 * MINUTE)
    assert watch.sees(1, 3 * MINUTE) == []


def test_a_login_accepted_by_a_check_that_fails_later_lifts_them_too() -> None:
    watch = Watch(locations=(1, 2), agreement=Agreement.ANY)
    watch.sees(1, 0, REFUSED)
    watch.sees(2, MINUTE, REFUSED)
    watch.sees(2, 2 * MINUTE, OutcomeKind.MAILBOX_MISSING)
    watch.sees(2, 3 * MINUTE)
    assert watch.sees(2, 4 * MINUTE) == [resolved(4 * MINUTE, 3 * MINUTE)]


def test_a_certificate_beyond_doubt_at_one_location_needs_its_own_passes() -> None:
    watch = Watch(locations=(1, 2, 3))
    watch.sees(1, 0, EXPIRED)
    watch.sees(1, MINUTE, EXPIRED)
    for minute in (2, 3, 4):
        assert watch.sees(2, minute * MINUTE) == []
    watch.sees(1, 5 * MINUTE)
    assert watch.sees(1, 6 * MINUTE) == [resolved(6 * MINUTE, 5 * MINUTE)]


def test_after_it_is_over_no_location_is_beyond_doubt_any_more() -> None:
    watch = Watch(locations=(1, 2, 3))
    for location in (1, 2):
        for minute in (0, 1):
            watch.sees(location, location + minute * MINUTE, EXPIRED)
    watch.change(live=frozenset({1, 3}))
    for minute in (2, 3):
        watch.sees(1, minute * MINUTE)
    assert not watch.open
    watch.change(live=frozenset({1, 2, 3}))
    assert watch.sees(3, 4 * MINUTE, FAILED) == []


def test_one_that_recovered_from_the_last_incident_has_not_from_the_next() -> None:
    watch = Watch(locations=(1, 2, 3), confirm_after=1)
    for location in (1, 2):
        watch.sees(location, location, FAILED)
    for minute in (1, 2):
        watch.sees(1, minute * MINUTE)
    assert not watch.open
    watch.sees(3, 3 * MINUTE, FAILED)
    assert watch.open
    watch.change(live=frozenset({1, 3}))
    assert watch.waits(4 * MINUTE) == []


def test_it_may_end_in_maintenance() -> None:
    watch = Watch(confirm_after=1)
    watch.sees(1, 0, FAILED)
    watch.change(alerting=False)
    watch.sees(1, MINUTE)
    assert watch.sees(1, 2 * MINUTE) == [resolved(2 * MINUTE, MINUTE)]


def test_an_edit_leaves_it_open_until_checks_pass_anew() -> None:
    watch = Watch(confirm_after=2)
    watch.sees(1, 0, FAILED)
    watch.sees(1, MINUTE, FAILED)
    watch.sees(1, 2 * MINUTE)
    watch.revision = 2
    assert watch.sees(1, 3 * MINUTE) == []  # the pass before was of the old revision
    assert watch.open
    assert watch.sees(1, 4 * MINUTE) == [resolved(4 * MINUTE, 3 * MINUTE)]


def test_a_monitor_that_is_disabled_or_deleted_ends_it() -> None:
    for resolution in (Resolution.DISABLED, Resolution.DELETED):
        watch = Watch(confirm_after=1)
        watch.sees(1, 0, FAILED)
        state, happened = advance(watch.state, Stopped(resolution), watch.rules, now=BEGIN + MINUTE)
        assert state is None
        assert happened == (Resolved(resolution, BEGIN + MINUTE, None, False), FollowUpWithdrawn())
    assert advance(None, Stopped(Resolution.DISABLED), watch.rules, now=BEGIN) == (None, ())


def test_a_monitor_that_stops_without_an_incident_ends_none() -> None:
    watch = Watch()
    watch.sees(1, 0, REFUSED)
    assert advance(watch.state, Stopped(Resolution.DELETED), watch.rules, now=BEGIN) == (None, ())


def flap(watch: Watch, at: int) -> None:
    """Down and up again, in three minutes."""
    watch.sees(1, at, FAILED)
    watch.sees(1, at + MINUTE)
    watch.sees(1, at + 2 * MINUTE)


def test_the_third_incident_within_an_hour_is_flapping_and_then_all_is_quiet() -> None:
    watch = Watch(confirm_after=1)
    for at in (0, 25 * MINUTE):
        flap(watch, at)
    assert not any(isinstance(each, FlappingBegan) for each in watch.told)
    watch.told.clear()
    flap(watch, HOUR - 1)
    opened, began, over = watch.told
    assert isinstance(opened, Opened)
    assert (opened.quiet, began) == (True, FlappingBegan())
    assert over == resolved(HOUR - 1 + 2 * MINUTE, HOUR - 1 + MINUTE, quiet=True)
    watch.told.clear()
    flap(watch, HOUR + 10 * MINUTE)
    assert [type(each) for each in watch.told] == [Opened, Resolved]
    assert all(each.quiet for each in watch.told if isinstance(each, Opened | Resolved))


def test_three_within_more_than_an_hour_are_not_flapping() -> None:
    watch = Watch(confirm_after=1)
    for at in (0, 25 * MINUTE, HOUR):
        flap(watch, at)
    assert not any(isinstance(each, FlappingBegan) for each in watch.told)


def test_half_an_hour_without_a_change_settles_it_and_the_next_one_is_told() -> None:
    watch = Watch(confirm_after=1)
    for at in (0, 10 * MINUTE, 20 * MINUTE):
        flap(watch, at)
    watch.told.clear()
    watch.waits(22 * MINUTE + 30 * MINUTE - 1)
    assert watch.told == []
    watch.waits(22 * MINUTE + 30 * MINUTE)
    assert watch.told == [Settled(still_open=False)]
    assert watch.state is None
    flap(watch, 53 * MINUTE)
    assert [each.quiet for each in watch.told if isinstance(each, Opened | Resolved)] == [False, False]


def test_what_settles_down_is_an_incident_like_any_from_then_on() -> None:
    watch = Watch(confirm_after=1)
    for at in (0, 10 * MINUTE):
        flap(watch, at)
    watch.sees(1, 20 * MINUTE, FAILED)
    watch.told.clear()
    watch.sees(1, 50 * MINUTE, FAILED)
    assert watch.told == [Settled(still_open=True)]
    watch.sees(1, 51 * MINUTE)
    assert watch.sees(1, 52 * MINUTE) == [resolved(52 * MINUTE, 51 * MINUTE)]


def test_a_monitor_disabled_while_it_flaps_settles() -> None:
    watch = Watch(confirm_after=1)
    for at in (0, 10 * MINUTE):
        flap(watch, at)
    watch.sees(1, 20 * MINUTE, FAILED)
    _, happened = advance(watch.state, Stopped(Resolution.DISABLED), watch.rules, now=BEGIN + 21 * MINUTE)
    assert happened[:2] == (Resolved(Resolution.DISABLED, BEGIN + 21 * MINUTE, None, True), Settled(still_open=False))


def test_incidents_are_remembered_for_an_hour_and_no_longer() -> None:
    watch = Watch(confirm_after=1)
    flap(watch, 0)
    watch.sees(1, HOUR - MINUTE)
    assert watch.state is not None
    watch.sees(1, HOUR)
    assert watch.state is None
