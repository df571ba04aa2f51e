"""Ranges of slots lose exactly the slots that are taken out, whatever the order and overlap."""

from hypothesis import given
from hypothesis import strategies as st

from services.result_recorder.missed_ranges import SPAN_MS, SlotRange, unaccounted, without_range, without_slots

RANGES = st.builds(
    SlotRange,
    first=st.integers(0, 300),
    count=st.integers(1, 25),
    interval_ms=st.sampled_from([1, 2, 3, 5, 10]),
)


def slots_of(*ranges: SlotRange) -> list[int]:
    return sorted(each.first + n * each.interval_ms for each in ranges for n in range(each.count))


@given(RANGES, st.sets(st.integers(0, 400)))
def test_without_slots_loses_exactly_those(slots: SlotRange, taken: set[int]) -> None:
    assert slots_of(*without_slots(slots, taken)) == sorted(set(slots_of(slots)) - taken)


@given(RANGES, RANGES)
def test_without_a_range_loses_exactly_its_slots(slots: SlotRange, taken: SlotRange) -> None:
    assert slots_of(*without_range(slots, taken)) == sorted(set(slots_of(slots)) - set(slots_of(taken)))


@given(RANGES, st.lists(RANGES, max_size=4), st.sets(st.integers(0, 400), max_size=20))
def test_what_is_unaccounted_is_what_nothing_else_holds(
    wanted: SlotRange, ranges: list[SlotRange], slots: set[int]
) -> None:
    left = unaccounted(wanted, ranges=ranges, slots=slots)
    assert slots_of(*left) == sorted(set(slots_of(wanted)) - set(slots_of(*ranges)) - slots)


def test_a_long_range_is_kept_in_pieces_of_at_most_a_day() -> None:
    year = SlotRange(first=0, count=2 * 60 * 24 * 365, interval_ms=30_000)
    pieces = unaccounted(year, ranges=(), slots=())
    assert sum(piece.count for piece in pieces) == year.count
    assert max(piece.last - piece.first for piece in pieces) <= SPAN_MS
    daily = unaccounted(SlotRange(5, 3, 86_400_000), ranges=(), slots=())
    assert slots_of(*daily) == [5, 86_400_005, 172_800_005]
