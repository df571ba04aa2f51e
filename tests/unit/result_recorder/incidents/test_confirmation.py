"""How many failures, from where, make an incident."""

from services.result_recorder.incidents.rules import Agreement
from services.result_recorder.incidents.transitions import CauseChanged, Opened
from shared.checks.vocabulary import OutcomeKind
from tests.support.incidents.watch import (
    BEGIN,
    EXPIRED,
    FAILED,
    HALF_HOUR,
    LOCKED,
    MINUTE,
    REFUSED,
    Watch,
    check,
    seen,
)

LOST = OutcomeKind.CONNECTION_LOST
HOSTNAME = OutcomeKind.TLS_HOSTNAME


def test_a_monitor_that_is_well_has_no_state() -> None:
    watch = Watch()
    assert watch.sees(1, 0) == []
    assert watch.gets_past(1, MINUTE) == []
    assert watch.waits(2 * MINUTE) == []
    assert watch.state is None


def test_three_failures_at_the_only_location_open_an_incident() -> None:
    watch = Watch()
    assert watch.sees(1, 0, FAILED) == []
    assert watch.sees(1, 1 * MINUTE, FAILED) == []
    assert watch.sees(1, 2 * MINUTE, LOST, now=2 * MINUTE + 70) == [
        Opened(
            started_at=BEGIN,
            first_check=check(1, 0),
            opened_at=BEGIN + 2 * MINUTE + 70,
            cause=seen(1, 2 * MINUTE, LOST).cause,
            locations=(1,),
            quiet=False,
        )
    ]
    assert watch.sees(1, 3 * MINUTE, LOST) == []


def test_a_pass_in_between_begins_the_count_anew() -> None:
    watch = Watch()
    for minute, kind in enumerate((FAILED, FAILED, OutcomeKind.OK, FAILED, FAILED)):
        assert watch.sees(1, minute * MINUTE, kind) == []
    (opened,) = watch.sees(1, 5 * MINUTE, FAILED)
    assert isinstance(opened, Opened)
    assert opened.started_at == BEGIN + 3 * MINUTE


def test_after_one_failure_and_a_pass_nothing_is_remembered() -> None:
    watch = Watch()
    watch.sees(1, 0, FAILED)
    watch.sees(1, MINUTE)
    assert watch.state is None


def test_soft_failures_take_three_times_as_many() -> None:
    watch = Watch()
    for minute in range(8):
        assert watch.sees(1, minute * MINUTE, LOCKED) == []
    assert len(watch.sees(1, 8 * MINUTE, LOCKED)) == 1


def test_two_soft_failures_do_not_make_up_for_a_hard_one() -> None:
    watch = Watch()
    for minute, kind in enumerate((LOCKED, LOCKED, FAILED, FAILED)):
        assert watch.sees(1, minute * MINUTE, kind) == []
    assert watch.sees(1, 4 * MINUTE, LOCKED) != []


def test_two_locations_have_to_agree() -> None:
    watch = Watch(locations=(1, 2, 3))
    for minute in (0, 2, 4):
        watch.sees(1, minute * MINUTE, FAILED)
    for minute in (1, 3):
        assert watch.sees(2, minute * MINUTE, FAILED) == []
    assert watch.sees(1, 5 * MINUTE, FAILED) == []
    (opened,) = watch.sees(2, 6 * MINUTE, FAILED)
    assert isinstance(opened, Opened)
    assert opened.locations == (1, 2)
    assert (opened.started_at, opened.first_check) == (BEGIN, check(1, 0))
    assert opened.cause.check_id == check(2, 6 * MINUTE)


def test_any_asks_one_location_and_all_asks_all_that_live() -> None:
    for agreement, needed in ((Agreement.ANY, 1), (Agreement.MAJORITY, 2), (Agreement.ALL, 3)):
        watch = Watch(locations=(1, 2, 3), agreement=agreement, confirm_after=1)
        opened_by = [location for location in (1, 2, 3) if watch.sees(location, location * MINUTE, FAILED)]
        assert opened_by == [needed]


def test_a_location_that_is_not_at_work_neither_agrees_nor_is_asked_to() -> None:
    watch = Watch(locations=(1, 2, 3), confirm_after=1)
    watch.sees(1, 0, FAILED)
    watch.change(live=frozenset({2, 3}))
    assert watch.sees(2, 1 * MINUTE, FAILED) == []
    watch.change(live=frozenset({2}))
    assert watch.sees(2, 2 * MINUTE, FAILED) != []


def test_where_nobody_is_at_work_nothing_opens() -> None:
    watch = Watch(locations=(), confirm_after=1)
    assert watch.sees(1, 0, FAILED) == []


def test_a_location_that_has_passed_once_speaks_for_no_outage() -> None:
    watch = Watch(locations=(1, 2), confirm_after=1)
    watch.sees(1, 0, FAILED)
    watch.sees(1, MINUTE)
    assert watch.sees(2, 2 * MINUTE, FAILED) == []
    assert watch.sees(1, 3 * MINUTE, FAILED) != []


def test_the_outage_began_where_it_was_seen_first_within_an_interval() -> None:
    watch = Watch(locations=(1, 2), confirm_after=1)
    watch.sees(1, 0, FAILED)
    (opened,) = watch.sees(2, HALF_HOUR, FAILED)
    assert isinstance(opened, Opened)
    assert opened.started_at == BEGIN


def test_a_location_that_was_down_for_longer_saw_something_else() -> None:
    watch = Watch(locations=(1, 2), confirm_after=1)
    watch.sees(1, 0, FAILED)
    watch.sees(1, HALF_HOUR, FAILED)
    (opened,) = watch.sees(2, HALF_HOUR + 1, FAILED)
    assert isinstance(opened, Opened)
    assert (opened.started_at, opened.first_check) == (BEGIN + HALF_HOUR + 1, check(2, HALF_HOUR + 1))
    assert opened.locations == (1, 2)


def test_the_second_refusal_opens_wherever_it_comes_from() -> None:
    for second in (1, 2):
        watch = Watch(locations=(1, 2, 3), count=3)
        assert watch.sees(1, 0, REFUSED) == []
        (opened,) = watch.sees(second, 5 * MINUTE, OutcomeKind.AUTH_EXPIRED)
        assert isinstance(opened, Opened)
        assert opened.locations == tuple(sorted({1, second}))
        assert opened.started_at == BEGIN


def test_a_pass_or_an_accepted_login_between_two_refusals_makes_the_second_the_first() -> None:
    for between in (OutcomeKind.OK, OutcomeKind.MAILBOX_MISSING):
        watch = Watch(locations=(1, 2))
        watch.sees(1, 0, REFUSED)
        watch.sees(2, MINUTE, between)
        assert watch.sees(1, 2 * MINUTE, REFUSED) == []
        assert watch.sees(2, 3 * MINUTE, REFUSED) != []


def test_another_failure_between_two_refusals_changes_nothing() -> None:
    watch = Watch(locations=(1, 2))
    watch.sees(1, 0, REFUSED)
    watch.sees(1, MINUTE, FAILED)
    (opened,) = watch.sees(1, 2 * MINUTE, REFUSED)
    assert isinstance(opened, Opened)


def test_two_like_certificate_failures_open_and_two_unlike_do_not() -> None:
    watch = Watch(locations=(1, 2))
    assert watch.sees(1, 0, EXPIRED) == []
    assert watch.sees(2, MINUTE, HOSTNAME) == []
    assert watch.sees(1, 2 * MINUTE, EXPIRED) == []
    (opened,) = watch.sees(1, 3 * MINUTE, EXPIRED)
    assert isinstance(opened, Opened)
    assert opened.locations == (1,)


def test_a_pass_between_two_certificate_failures_makes_the_second_the_first() -> None:
    watch = Watch(locations=(1, 2))
    watch.sees(1, 0, EXPIRED)
    watch.sees(2, MINUTE)
    assert watch.sees(1, 2 * MINUTE, EXPIRED) == []


def test_a_withheld_check_that_got_past_disproves_what_failed_before_the_login() -> None:
    watch = Watch()
    watch.sees(1, 0, FAILED)
    watch.sees(1, MINUTE, FAILED)
    watch.gets_past(1, 2 * MINUTE)
    assert watch.sees(1, 3 * MINUTE, FAILED) == []
    watch = Watch()
    watch.sees(1, 0, EXPIRED)
    watch.gets_past(1, MINUTE)
    assert watch.sees(1, 2 * MINUTE, EXPIRED) == []


def test_a_withheld_check_that_got_past_says_nothing_of_failures_from_the_login_on() -> None:
    watch = Watch(confirm_after=2)
    watch.sees(1, 0, OutcomeKind.MAILBOX_MISSING)
    watch.gets_past(1, MINUTE)
    assert watch.sees(1, 2 * MINUTE, OutcomeKind.MAILBOX_MISSING) != []


def test_nothing_opens_in_maintenance_and_the_first_failure_after_it_does() -> None:
    watch = Watch()
    watch.change(alerting=False)
    for minute in range(5):
        assert watch.sees(1, minute * MINUTE, FAILED) == []
        assert watch.asked is None
    watch.change(alerting=True)
    assert watch.waits(5 * MINUTE) == []
    (opened,) = watch.sees(1, HALF_HOUR, FAILED)
    assert isinstance(opened, Opened)
    assert opened.started_at == BEGIN


def test_what_was_beyond_doubt_in_maintenance_opens_with_any_failure_after_it() -> None:
    watch = Watch(locations=(1, 2, 3))
    watch.change(alerting=False)
    watch.sees(1, 0, REFUSED)
    watch.sees(1, MINUTE, REFUSED)
    watch.change(alerting=True)
    (opened,) = watch.sees(2, 2 * MINUTE, FAILED)
    assert isinstance(opened, Opened)
    assert (opened.cause.kind, opened.locations) == (REFUSED, (1,))


def test_a_pass_opens_nothing_whatever_the_others_say() -> None:
    watch = Watch(locations=(1, 2, 3), confirm_after=1)
    watch.change(alerting=False)
    for location in (1, 2):
        watch.sees(location, location, FAILED)
    watch.change(alerting=True)
    assert watch.sees(3, MINUTE) == []
    assert watch.sees(3, 2 * MINUTE, FAILED) != []


def test_where_another_location_brings_it_about_the_newest_certain_failure_explains_it() -> None:
    watch = Watch(locations=(1, 2, 3))
    watch.change(alerting=False)
    watch.sees(1, 0, REFUSED)
    watch.sees(2, MINUTE, OutcomeKind.AUTH_EXPIRED)
    watch.change(alerting=True)
    (opened,) = watch.sees(3, 2 * MINUTE, FAILED)
    assert isinstance(opened, Opened)
    assert opened.cause.check_id == check(2, MINUTE)


def test_a_refusal_is_remembered_when_the_network_has_failed_and_is_mended() -> None:
    watch = Watch()
    watch.sees(1, 0, REFUSED)
    watch.sees(1, MINUTE, FAILED)
    watch.gets_past(1, 2 * MINUTE)
    (opened,) = watch.sees(1, 3 * MINUTE, REFUSED)
    assert isinstance(opened, Opened)


def test_an_edit_begins_the_count_anew() -> None:
    watch = Watch()
    watch.sees(1, 0, FAILED)
    watch.sees(1, MINUTE, FAILED)
    watch.revision = 2
    for minute in (2, 3):
        assert watch.sees(1, minute * MINUTE, FAILED) == []
    (opened,) = watch.sees(1, 4 * MINUTE, FAILED)
    assert isinstance(opened, Opened)
    assert opened.started_at == BEGIN + 2 * MINUTE


def test_an_edit_forgets_refusals_and_certificates_too() -> None:
    for kind in (REFUSED, EXPIRED):
        watch = Watch()
        watch.sees(1, 0, kind)
        watch.revision = 2
        assert watch.sees(1, MINUTE, kind) == []
        assert watch.sees(1, 2 * MINUTE, kind) != []


def test_a_refusal_before_an_edit_explains_nothing_after_it() -> None:
    watch = Watch()
    watch.sees(1, 0, REFUSED)
    for minute in (1, 2):
        watch.sees(1, minute * MINUTE, FAILED)
    watch.revision = 2
    assert watch.gets_past(1, 3 * MINUTE) == []


def test_what_the_old_revision_finds_changes_nothing() -> None:
    watch = Watch()
    watch.revision = 2
    watch.sees(1, 0, FAILED)
    before = watch.state
    watch.revision = 1
    for minute in (1, 2, 3):
        assert watch.sees(1, minute * MINUTE, FAILED) == []
    assert watch.state == before


def test_what_is_told_twice_or_too_late_changes_nothing() -> None:
    watch = Watch()
    watch.sees(1, 5 * MINUTE, FAILED)
    before = watch.state
    for minute in (5, 4, 5, 0):
        assert watch.sees(1, minute * MINUTE, FAILED, now=6 * MINUTE) == []
        assert watch.sees(1, minute * MINUTE, now=6 * MINUTE) == []
        watch.gets_past(1, minute * MINUTE)
    assert watch.state == before


def test_another_reason_at_the_location_that_told_first_is_a_change_of_cause() -> None:
    watch = Watch(locations=(1, 2), confirm_after=1)
    watch.sees(1, 0, FAILED)
    watch.sees(2, MINUTE, FAILED)
    assert watch.sees(1, 2 * MINUTE, LOST) == []
    assert watch.sees(2, 3 * MINUTE, LOST) == [CauseChanged(seen(2, 3 * MINUTE, LOST).cause)]
    assert watch.sees(2, 4 * MINUTE, LOST) == []
    watch.sees(2, 5 * MINUTE)
    assert watch.sees(1, 6 * MINUTE, FAILED) == []


def test_when_the_location_that_told_is_gone_another_one_tells() -> None:
    watch = Watch(locations=(1, 2), confirm_after=1)
    watch.sees(1, 0, FAILED)
    watch.sees(2, MINUTE, FAILED)
    watch.change(live=frozenset({1}))
    assert watch.sees(1, 2 * MINUTE, LOST) == [CauseChanged(seen(1, 2 * MINUTE, LOST).cause)]
    watch.change(live=frozenset({1, 2}))
    assert watch.sees(2, 3 * MINUTE, FAILED) == []


def test_once_the_network_is_mended_the_refused_login_is_the_cause_again() -> None:
    watch = Watch()
    watch.sees(1, 0, REFUSED)
    for minute in (1, 2):
        watch.sees(1, minute * MINUTE, FAILED)
    assert watch.open
    assert watch.gets_past(1, 3 * MINUTE) == [CauseChanged(seen(1, 0, REFUSED).cause)]
    assert watch.gets_past(1, 4 * MINUTE) == []
    assert watch.open


def test_a_withheld_check_leaves_an_open_incident_of_the_network_as_it_is() -> None:
    watch = Watch(confirm_after=1)
    watch.sees(1, 0, FAILED)
    assert watch.gets_past(1, MINUTE) == []
    assert watch.open
