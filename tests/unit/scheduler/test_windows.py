"""Windows of time as ranges of phases, and slots as runs."""

from hypothesis import given
from hypothesis import strategies as st

from services.scheduler.windows import (
    SPREAD_CAP_MS,
    PhaseRange,
    catch_up_starts,
    due_ranges,
    phase_ranges,
    runs_of_slots,
)
from shared.checks.slots import newest_slot

intervals = st.integers(1, 2_880).map(lambda halves: halves * 30_000)
times = st.integers(1_700_000_000_000, 1_900_000_000_000)


def matches(ranges: list[PhaseRange], interval: int, phase: int) -> bool:
    return any(found.interval_ms == interval and found.lowest <= phase <= found.highest for found in ranges)


@given(after=times, length=st.integers(-5_000, 200_000), interval=intervals, fraction=st.floats(0, 1, exclude_max=True))
def test_a_phase_is_in_range_exactly_when_it_has_a_slot_in_the_window(
    after: int, length: int, interval: int, fraction: float
) -> None:
    phase, until = int(fraction * interval), after + length
    has_slot = newest_slot(until, phase, interval) > after
    assert matches(phase_ranges(after, until, interval), interval, phase) == has_slot


@given(after=times, length=st.integers(1, 100_000), interval=intervals)
def test_ranges_never_overlap(after: int, length: int, interval: int) -> None:
    ranges = phase_ranges(after, after + length, interval)
    assert sum(found.highest - found.lowest + 1 for found in ranges) == min(length, interval)


def test_a_window_over_the_end_of_the_interval_is_two_ranges() -> None:
    assert phase_ranges(59_000, 61_000, 60_000) == [(60_000, 59_001, 59_999), (60_000, 0, 1_000)]


def test_a_window_as_long_as_the_interval_is_everything() -> None:
    assert phase_ranges(5, 60_005, 60_000) == [(60_000, 0, 59_999)]


def test_an_empty_window_is_nothing() -> None:
    assert phase_ranges(10, 10, 60_000) == []
    assert phase_ranges(10, 5, 60_000) == []


def test_a_sweep_looks_at_every_phase() -> None:
    assert due_ranges(None, 123, [30_000, 60_000]) == [(30_000, 0, 29_999), (60_000, 0, 59_999)]


@given(intervals_=st.lists(intervals, max_size=50), now=times)
def test_catch_ups_begin_within_half_their_interval(intervals_: list[int], now: int) -> None:
    for start, interval in zip(catch_up_starts(now, intervals_), intervals_, strict=True):
        assert 0 <= start - now < min(interval // 2, SPREAD_CAP_MS)


def test_catch_ups_are_evenly_spread() -> None:
    assert catch_up_starts(0, [600_000] * 4) == [0, 75_000, 150_000, 225_000]


@given(slots=st.sets(st.integers(0, 60)).map(sorted))
def test_runs_hold_exactly_their_slots(slots: list[int]) -> None:
    runs = runs_of_slots((slot * 30 for slot in slots), 30)
    held = [first // 30 + k for first, last, count in runs for k in range(count)]
    assert held == slots
    assert all(last == first + (count - 1) * 30 for first, last, count in runs)


def test_a_gap_ends_a_run() -> None:
    assert runs_of_slots([0, 30, 90], 30) == [(0, 30, 2), (90, 90, 1)]


def test_every_interval_has_its_ranges_and_all_phases_without_a_beginning() -> None:
    assert due_ranges(60_000, 62_000, [30_000, 60_000]) == [(30_000, 1, 2_000), (60_000, 1, 2_000)]
    assert due_ranges(None, 62_000, [30_000, 60_000]) == [(30_000, 0, 29_999), (60_000, 0, 59_999)]
    assert due_ranges(62_000, 62_000, [30_000]) == []


def test_late_slots_are_spread_over_half_an_interval_and_five_minutes_at_most() -> None:
    assert catch_up_starts(7, [7_200_000, 7_200_000]) == [7, 7 + 150_000]
    assert catch_up_starts(7, [60_000, 60_000, 60_000]) == [7, 7 + 10_000, 7 + 20_000]


def test_slots_one_after_another_are_one_run_and_a_gap_begins_the_next() -> None:
    assert runs_of_slots([0, 10, 20, 50, 60, 70], 10) == [(0, 20, 3), (50, 70, 3)]
