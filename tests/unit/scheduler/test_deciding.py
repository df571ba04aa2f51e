"""Who goes first, who gives way and what is caught up with: deciding without a database."""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from unittest import mock
from uuid import UUID

from services.scheduler import deciding
from services.scheduler.deciding import _patience, _place, _turn, catch_up
from services.scheduler.login_store import GrantWanted
from services.scheduler.logins import LoginDecisions
from services.scheduler.pacing import Pacer
from services.scheduler.plan import Check, Decision, Miss, Send, Wait
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


class Known:
    """What the database would say, and what it was asked."""

    def __init__(self, *, ended: Sequence[UUID] = (), last: Mapping[tuple[int, int], int] | None = None) -> None:
        self.ended, self.last = ended, last or {}
        self.asked_for: list[dict[UUID, int]] = []
        self.places: list[tuple[int, int]] = []
        self.released: list[GrantWanted] = []

    async def recorded(self, pool: Any, jobs: dict[UUID, int]) -> Sequence[UUID]:
        self.asked_for.append(jobs)
        return self.ended

    async def last_checked(self, pool: Any, places: list[tuple[int, int]]) -> Mapping[tuple[int, int], int]:
        self.places += places
        return self.last

    async def release_grants(self, connection: Any, grants: list[GrantWanted]) -> None:
        self.released += grants

    def decide(self, here: Any, logins: LoginDecisions) -> list[Decision]:
        """What becomes of checks that the rules for logins have said this of."""

        async def decide_logins(*_: Any, **__: Any) -> LoginDecisions:
            return logins

        with self._in_place(decide_logins):
            checks = [send.check for send in logins.sends]
            return asyncio.run(deciding.decide(here, checks, now_ms=SLOT))

    @contextlib.contextmanager
    def _in_place(self, decide_logins: Any) -> Iterator[None]:
        @contextlib.asynccontextmanager
        async def fenced(*_: Any) -> Any:
            yield None, SLOT

        with (
            mock.patch.object(deciding, "decide_logins", decide_logins),
            mock.patch.object(deciding, "fenced_transaction", fenced),
            mock.patch.object(deciding.request_store, "recorded", self.recorded),
            mock.patch.object(deciding.request_store, "last_checked", self.last_checked),
            mock.patch.object(deciding.login_store, "release_grants", self.release_grants),
        ):
            yield


def with_database(**changes: Any) -> Any:
    here = term(**changes)
    here.pool, here.epoch = None, 1
    return here


def sends(*checks: Check) -> LoginDecisions:
    return LoginDecisions(sends=[Send(each, SLOT) for each in checks])


def test_a_grant_is_let_go_of_where_its_check_has_to_wait_and_there_alone() -> None:
    first, second, third = (replace(waited(), check_id=UUID(int=each)) for each in (1, 2, 3))
    held = Wait(numbered(9), SLOT, MissedReason.BUSY, SLOT)
    granted = {
        each.check_id: GrantWanted(("mail.example", "anna"), each.check_id, SLOT, SLOT) for each in (first, second)
    }
    logins = replace(sends(first, second, third), decided=[held], grants=granted)
    known = Known()
    decided = known.decide(with_database(per_second=0.1), logins)
    assert decided[0] is held
    assert {each.check.check_id: type(each) for each in decided[1:]} == {
        first.check_id: Send,
        second.check_id: Miss,
        third.check_id: Miss,
    }
    assert known.released == [granted[second.check_id]]
    assert known.asked_for == []


def test_what_has_ended_at_a_full_host_makes_room() -> None:
    here, known = with_database(in_flight=1), Known(ended=[UUID(int=8)])
    here.pacer.sent("mail.example", UUID(int=8), slot_at=SLOT - 5, start_at=SLOT, timeout_ms=60_000)
    decided = known.decide(here, sends(numbered(1)))
    assert known.asked_for == [{UUID(int=8): SLOT - 5}]
    assert [type(each) for each in decided] == [Send]


def test_whether_tries_of_strangers_have_ended_is_asked_for_other_strangers_alone() -> None:
    def asked(made: Check, *, trial: bool) -> bool:
        here, known = with_database(), Known()
        here.pacer.sent("mail.example", UUID(int=8), slot_at=SLOT, start_at=SLOT, timeout_ms=60_000, trial=trial)
        known.decide(here, sends(made))
        return bool(known.asked_for)

    stranger = check(ever_accepted=False)
    no_login = replace(stranger, target=check(config={"protocol": "imap", "tls": True}, sealed_password=None).target)
    assert not no_login.target.logs_in
    assert asked(stranger, trial=True)
    assert not asked(stranger, trial=False)
    assert not asked(check(), trial=True)
    assert not asked(no_login, trial=True)


def test_at_a_crowded_host_slots_take_turns_and_elsewhere_nobody_asks() -> None:
    def of(number: int, host: str = "mail.example") -> Check:
        made = replace(numbered(number), monitor_id=number)
        return replace(made, target=made.target.model_copy(update={"hostname": host}))

    late, early, elsewhere = of(1), of(2), of(3, "quiet.example")
    has_waited = replace(waited(kind="scheduled"), check_id=UUID(int=4), monitor_id=4)
    known = Known(last={(1, 3): SLOT - INTERVAL, (2, 3): SLOT - 3 * INTERVAL})
    decided = known.decide(with_database(per_second=0.8), sends(late, early, elsewhere, has_waited))
    assert sorted(known.places) == [(1, 3), (2, 3)]
    order = [each.check.monitor_id for each in decided]
    assert order.index(4) < order.index(2) < order.index(1)
    quiet = Known()
    quiet.decide(with_database(per_second=0.8), sends(elsewhere))
    assert quiet.places == []
