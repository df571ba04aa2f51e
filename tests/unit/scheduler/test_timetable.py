"""Times that keep their distance."""

from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.scheduler.timetable import HEADROOM, Timetable


def check(number: int) -> UUID:
    return UUID(int=number)


@given(wanted=st.lists(st.tuples(st.integers(0, 5_000), st.booleans()), max_size=80))
def test_no_two_times_are_closer_than_the_spacing_and_none_is_early(wanted: list[tuple[int, bool]]) -> None:
    table, given_times = Timetable(200), []
    for number, (at, leaving_headroom) in enumerate(wanted):
        time = table.earliest(at, leaving_headroom=leaving_headroom)
        assert time >= at
        table.take(check(number), time)
        given_times.append(time)
    given_times.sort()
    assert all(later - earlier >= 200 for earlier, later in pairwise(given_times))


def test_a_time_far_ahead_leaves_the_near_ones_free() -> None:
    table = Timetable(200)
    table.take(check(1), table.earliest(150_000))
    assert table.earliest(0) == 0


def test_a_long_line_leaves_places_for_others() -> None:
    table = Timetable(200)
    for number in range(100):
        table.take(check(number), table.earliest(0, leaving_headroom=True))
    urgent = table.earliest(10_000)
    assert urgent <= 10_000 + HEADROOM * 200


def test_a_check_that_takes_another_time_gives_back_its_first() -> None:
    table = Timetable(200)
    table.take(check(1), 400)
    table.take(check(1), 1_000)
    assert table.place_of(check(1)) == 1_000
    table.forget_before(0)
    assert table.earliest(400) == 400


def test_past_times_are_forgotten() -> None:
    table = Timetable(200)
    table.take(check(1), 400)
    assert table.forget_before(300)
    assert not table.forget_before(1_000)
    assert table.place_of(check(1)) is None


def test_whoever_is_to_begin_this_very_moment_keeps_its_place() -> None:
    table = Timetable(200)
    table.take(check(1), 400)
    assert table.forget_before(400)
    assert table.place_of(check(1)) == 400
