"""Where exactly a host is asked too much, too late, or no more."""

from uuid import UUID

from services.scheduler.pacing import FULL_RETRY_MS, GRACE_MS, LONGEST_QUEUE_MS, Later, NoRoom, Pacer, Place, Start
from services.scheduler.timetable import HEADROOM
from services.scheduler.windows import LOOK_AHEAD_MS, REQUEST_AHEAD_MS

# A multiple of the spacing and of what is left free, so that the first cell is one that a queue leaves to people.
NOW = 1_800_000_000_000
SPACING = 200
FAR = NOW + 10**9


def check(number: int) -> UUID:
    return UUID(int=number)


def pacer(in_flight: int = 1000) -> Pacer:
    return Pacer(per_second=1000 / SPACING, in_flight=in_flight)


def place(
    at: Pacer, number: int, wanted_at: int, *, give_up_at: int = FAR, now_ms: int = NOW, queues_up: bool = False
) -> Place:
    return at.place(
        "host", check(number), wanted_at=wanted_at, give_up_at=give_up_at, now_ms=now_ms, queues_up=queues_up
    )


def out(at: Pacer, number: int, *, host: str = "host", trial: bool = False) -> None:
    at.sent(host, check(number), slot_at=NOW + number, start_at=NOW, timeout_ms=1_000, trial=trial)


def test_what_begins_within_the_look_ahead_is_near() -> None:
    assert place(pacer(), 1, NOW + LOOK_AHEAD_MS) == Start(NOW + LOOK_AHEAD_MS)
    assert place(pacer(), 1, NOW + LOOK_AHEAD_MS + 1) == Later(NOW + LOOK_AHEAD_MS + 1)


def test_a_place_given_before_is_kept_until_it_is_past() -> None:
    at = pacer()
    place(at, 1, NOW + 1_000)
    assert place(at, 1, NOW, now_ms=NOW + 1_000) == Start(NOW + 1_000)
    assert place(at, 1, NOW + 3_000, now_ms=NOW + 1_001) == Start(NOW + 3_000)


def test_nobody_is_given_a_place_after_their_end() -> None:
    at = pacer()
    place(at, 1, NOW + 1_000)
    assert place(at, 2, NOW + 1_000, give_up_at=NOW + 1_000 + SPACING) == Start(NOW + 1_000 + SPACING)
    late = place(at, 3, NOW + 1_000, give_up_at=NOW + 1_000 + 2 * SPACING - 1)
    assert late == NoRoom(NOW + 1_000 + 2 * SPACING)
    # What was refused takes nothing away: the next one is told the same time.
    assert place(at, 4, NOW + 1_000) == Start(NOW + 1_000 + 2 * SPACING)


def test_who_finds_no_room_gives_back_the_place_of_before() -> None:
    at = pacer()
    place(at, 1, NOW + 10_000)
    assert isinstance(place(at, 1, NOW, give_up_at=NOW + 9_000), NoRoom)
    assert place(at, 1, NOW) == Start(NOW)


def test_a_place_an_hour_ahead_is_the_last_one() -> None:
    assert place(pacer(), 1, NOW + LONGEST_QUEUE_MS) == Later(NOW + LONGEST_QUEUE_MS)
    assert place(pacer(), 1, NOW + LONGEST_QUEUE_MS + 1) == NoRoom(NOW + LONGEST_QUEUE_MS + 1)


def test_a_queue_leaves_places_to_people_only_beyond_the_look_ahead() -> None:
    reserved = NOW + HEADROOM * SPACING * 4  # beyond it
    assert reserved > NOW + LOOK_AHEAD_MS
    assert place(pacer(), 1, NOW, queues_up=True) == Start(NOW)
    assert place(pacer(), 1, reserved, queues_up=True) == Later(reserved + SPACING)
    assert place(pacer(), 1, reserved, queues_up=False) == Later(reserved)
    edge = NOW + LOOK_AHEAD_MS
    assert edge % (HEADROOM * SPACING) == 0
    assert place(pacer(), 1, edge, queues_up=True) == Start(edge)


def test_a_full_host_is_asked_again_in_a_moment() -> None:
    at = pacer(in_flight=1)
    out(at, 1)
    soon = place(at, 2, NOW)
    assert FULL_RETRY_MS > REQUEST_AHEAD_MS  # or it would be among those of this very second
    assert soon == Later(NOW + FULL_RETRY_MS)
    assert place(at, 3, NOW + 30_100) == Later(NOW + 30_100)
    reserved = NOW + 40_000
    assert place(at, 4, reserved, queues_up=True) == Later(reserved + SPACING)
    assert place(at, 5, reserved) == Later(reserved)
    assert place(at, 6, NOW, give_up_at=NOW + FULL_RETRY_MS - 1) == NoRoom(NOW + FULL_RETRY_MS + SPACING)


def test_what_is_planned_has_a_place_and_is_not_near() -> None:
    at = pacer()
    assert at.plan("host", check(1), wanted_at=NOW, give_up_at=FAR, now_ms=NOW) == Later(NOW + SPACING)
    assert place(at, 1, NOW + SPACING) == Start(NOW + SPACING)
    assert at.plan("host", check(2), wanted_at=NOW, give_up_at=NOW, now_ms=NOW) == NoRoom(NOW + 2 * SPACING)


def test_a_place_of_ones_own_is_not_changed_by_one_from_before() -> None:
    at = pacer()
    place(at, 1, NOW + 1_000)
    at.keep_place("host", check(1), NOW + 5_000)
    assert place(at, 1, NOW) == Start(NOW + 1_000)
    at.keep_place("host", check(2), NOW + 1_000)
    assert place(at, 2, NOW) == Start(NOW + 1_000 + SPACING)


def test_a_host_is_crowded_where_some_would_begin_after_the_look_ahead() -> None:
    fits = LOOK_AHEAD_MS // SPACING
    assert not pacer().is_crowded("host", more=fits, now_ms=NOW)
    assert pacer().is_crowded("host", more=fits + 1, now_ms=NOW)
    at = pacer()
    place(at, 1, NOW)
    assert not at.is_crowded("host", more=fits - 1, now_ms=NOW)
    assert at.is_crowded("host", more=fits, now_ms=NOW)
    # Places long past are no reason.
    assert not at.is_crowded("host", more=fits, now_ms=NOW + 60_000)


def test_a_host_is_crowded_where_too_many_would_be_out() -> None:
    at = pacer(in_flight=3)
    out(at, 1)
    assert not at.is_crowded("host", more=2, now_ms=NOW)
    assert at.is_crowded("host", more=3, now_ms=NOW)
    assert not at.is_full("host", NOW, more=2)
    assert at.is_full("host", NOW, more=3)
    out(at, 2)
    assert not at.is_full("host", NOW)
    out(at, 3)
    assert at.is_full("host", NOW)
    assert not at.is_full("other", NOW)


def test_a_job_is_out_until_its_time_and_a_grace_are_up() -> None:
    at = pacer(in_flight=1)
    out(at, 1)
    end = NOW + 1_000 + GRACE_MS
    assert at.is_full("host", end - 1)
    assert not at.is_full("host", end)
    assert at.outstanding("host") == {}


def test_only_trials_that_are_out_count_and_each_at_its_host() -> None:
    at = pacer()
    assert at.trials("host", NOW) == 0
    out(at, 1, trial=True)
    out(at, 2, trial=True)
    out(at, 3)
    out(at, 4, host="other", trial=True)
    assert at.trials("host", NOW) == 2
    at.done("host", check(1))
    assert at.trials("host", NOW) == 1
    assert at.trials("host", NOW + 1_000 + GRACE_MS) == 0


def test_jobs_out_are_known_by_their_slots() -> None:
    at = pacer()
    assert at.outstanding("host") == {}
    out(at, 1)
    out(at, 2)
    assert at.outstanding("host") == {check(1): NOW + 1, check(2): NOW + 2}
    at.done("host", check(1))
    at.done("host", check(9))
    at.done("other", check(1))
    assert at.outstanding("host") == {check(2): NOW + 2}


def test_what_is_still_to_come_is_not_forgotten() -> None:
    at = pacer(in_flight=1)
    place(at, 1, NOW + 1_000)
    out(at, 2)
    out(at, 3, host="done")
    at.done("done", check(3))
    at.forget_past(NOW)
    assert at.outstanding("host") == {check(2): NOW + 2}
    assert "done" not in at._out
    at.done("host", check(2))
    assert place(at, 1, NOW) == Start(NOW + 1_000)


def test_a_clock_that_jumped_leaves_nothing() -> None:
    at = pacer(in_flight=1)
    place(at, 1, NOW)
    out(at, 1)
    at.step_clock()
    assert place(at, 2, NOW) == Start(NOW)
