"""Who goes first, who gives way and what is caught up with: deciding without a database."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from services.scheduler.deciding import _patience, _place, _turn, catch_up
from services.scheduler.pacing import Pacer
from services.scheduler.plan import Check, Miss, Send, Wait
from services.scheduler.windows import LOOK_AHEAD_MS
from shared.checks.vocabulary import LoginPermission, MissedReason
from tests.support.scheduled_checks import INTERVAL, SLOT, check, waited


def term(*, per_second: float = 5.0, in_flight: int = 10) -> Any:
    return SimpleNamespace(pacer=Pacer(per_second=per_second, in_flight=in_flight))


def numbered(number: int) -> Check:
    return replace(check(), check_id=UUID(int=number))


def test_what_people_wait_for_goes_first_then_what_has_waited_then_who_was_checked_least_lately() -> None:
    asked, paced = waited(), replace(waited(kind="scheduled"), check_id=UUID(int=1))
    early, late, soon = numbered(2), numbered(3), replace(numbered(4), start_at=SLOT - 1)
    checked = {UUID(int=2): SLOT - 5 * INTERVAL, UUID(int=3): SLOT - INTERVAL}
    ordered = sorted([late, early, soon, paced, asked], key=lambda each: _turn(each, checked, SLOT))
    assert ordered == [asked, paced, soon, early, late]
    assert _turn(soon, {}, SLOT) < _turn(numbered(5), {}, SLOT)


def test_who_was_checked_lately_gives_way_earlier_at_a_crowded_host() -> None:
    one = numbered(1)
    assert _patience(one, {}) == one.give_up_at

    def after(rounds: int) -> int:
        return _patience(one, {one.check_id: SLOT - rounds * INTERVAL}) - SLOT

    assert after(0) == INTERVAL // 2
    assert [after(rounds) for rounds in (1, 2, 3)] == [INTERVAL // 2, INTERVAL * 2 // 3, INTERVAL * 3 // 4]


def test_a_place_that_is_near_is_sent_and_counts_as_under_way() -> None:
    here = term()
    sent = _place(here, Send(check(), SLOT, LoginPermission.WITHHELD, granted=True), SLOT + INTERVAL, SLOT)
    assert sent == Send(check(), SLOT, LoginPermission.WITHHELD, granted=True)
    assert here.pacer.outstanding("mail.example") == {check().check_id: SLOT}
    assert here.pacer.trials("mail.example", SLOT) == 0
    strange = check(ever_accepted=False)
    _place(here, Send(strange, SLOT), SLOT + INTERVAL, SLOT)
    assert here.pacer.trials("mail.example", SLOT) == 1


def test_a_place_further_ahead_is_waited_for_and_one_too_late_is_missed() -> None:
    slow = term(per_second=0.1)
    decided = [_place(slow, Send(numbered(each), SLOT), SLOT + 35_000, SLOT) for each in range(4)]
    assert [type(each) for each in decided] == [Send, Wait, Wait, Miss]
    assert isinstance(decided[1], Wait)
    assert (decided[1].waits_for, decided[1].give_up_at) == (MissedReason.PACED, check().give_up_at)
    assert decided[1].start_at > SLOT + LOOK_AHEAD_MS
    assert isinstance(decided[3], Miss)
    assert decided[3].reason is MissedReason.PACED
    assert decided[3].retry_at is not None
    assert decided[3].retry_at > SLOT + 35_000


def test_whoever_should_have_given_up_before_now_may_still_be_made_at_once() -> None:
    assert isinstance(_place(term(), Send(check(), SLOT), SLOT - INTERVAL, SLOT), Send)


def test_of_slots_nobody_leaves_room_people_may_still_get_a_place() -> None:
    slow = term(per_second=0.5)
    for each in range(10):
        _place(slow, Send(numbered(each), SLOT), SLOT + INTERVAL, SLOT)
    person = _place(slow, Send(waited(), SLOT), SLOT + INTERVAL, SLOT)
    slot = _place(slow, Send(numbered(20), SLOT), SLOT + INTERVAL, SLOT)
    assert isinstance(person, Wait)
    assert isinstance(slot, Wait)
    assert person.start_at < slot.start_at


def test_what_was_missed_is_caught_up_with_once_each_and_spread() -> None:
    late = [numbered(each) for each in range(10)]
    decided = catch_up(term(), late, now_ms=SLOT)
    waits = [each for each in decided if isinstance(each, Wait)]
    assert [each.check for each in waits] == late
    assert {each.waits_for for each in waits} == {MissedReason.OUTAGE}
    assert {each.give_up_at for each in waits} == {SLOT + INTERVAL}
    starts = [each.start_at for each in waits]
    assert starts == sorted(starts)
    assert starts[0] < SLOT + 1_000
    assert SLOT + INTERVAL // 2 - 5_000 < starts[-1] <= SLOT + INTERVAL // 2


def test_what_a_slow_host_has_no_room_for_is_missed_for_its_pace() -> None:
    decided = catch_up(term(per_second=0.05), [numbered(each) for each in range(6)], now_ms=SLOT)
    assert [type(each) for each in decided[:1]] == [Wait]
    missed = [each for each in decided if isinstance(each, Miss)]
    assert missed
    assert {each.reason for each in missed} == {MissedReason.PACED}
