"""Which time a question is about, and that its pieces are that time: no hole, nothing twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api_gateway.history.spans import (
    DAY_MS,
    HOUR_MS,
    Granularity,
    Span,
    WrongSpan,
    granularity_of,
    pieces_of,
    since,
    wanted_span,
)

NOON = 1_772_107_200_000  # 2026-02-26T12:00:00Z
MIDNIGHT = NOON - 12 * HOUR_MS


def asked(range_name: str = "day", **dates: str) -> Span:
    given_dates = {"date": None, "start": None, "end": None, **dates}
    return wanted_span(range_name, now_ms=NOON, **given_dates)


def test_without_dates_it_is_the_time_until_now() -> None:
    assert asked() == Span(NOON - DAY_MS, NOON)
    assert asked("year") == Span(NOON - 365 * DAY_MS, NOON)


def test_a_date_means_its_whole_day_and_a_moment_itself() -> None:
    assert asked(date="2026-02-25") == Span(MIDNIGHT - DAY_MS, MIDNIGHT)
    assert asked(date="2026-02-25T06:00:00.000Z") == Span(MIDNIGHT - 42 * HOUR_MS, MIDNIGHT - 18 * HOUR_MS)
    assert asked(date="2026-02-25T06:00:00+03:00") == Span(MIDNIGHT - 45 * HOUR_MS, MIDNIGHT - 21 * HOUR_MS)
    assert asked(start="2026-02-20", end="2026-02-21") == Span(MIDNIGHT - 6 * DAY_MS, MIDNIGHT - 4 * DAY_MS)


def test_what_lies_ahead_is_left_out() -> None:
    assert asked(date="2026-02-26") == Span(MIDNIGHT, NOON)
    assert asked(start="2026-03-01", end="2026-03-02") == Span(NOON, NOON)


@pytest.mark.parametrize(
    ("field", "dates"),
    [
        ("endDate", {"start": "2026-02-20", "end": "2026-02-19"}),
        ("endDate", {"start": "2026-02-20T01:00:00Z", "end": "2026-02-20T01:00:00Z"}),
        ("startDate", {"start": "2027-01-01"}),
        ("startDate", {"start": "2024-01-01"}),
    ],
)
def test_dates_that_make_no_time_are_named(field: str, dates: dict[str, str]) -> None:
    with pytest.raises(WrongSpan) as wrong:
        asked(**dates)
    assert wrong.value.field == field


@pytest.mark.parametrize(
    ("wanted", "days", "granularity"),
    [
        (None, 1, Granularity.HOUR),
        (None, 14, Granularity.HOUR),
        (None, 15, Granularity.DAY),
        ("hour", 60, Granularity.HOUR),
        ("hour", 63, Granularity.DAY),
        ("day", 1, Granularity.DAY),
        ("raw", 365, Granularity.RAW),
        ("whatever", 365, Granularity.DAY),
    ],
)
def test_points_stand_for_what_fits_the_time(wanted: str | None, days: int, granularity: Granularity) -> None:
    assert granularity_of(wanted, Span(NOON - days * DAY_MS, NOON)) is granularity


@given(
    from_ms=st.one_of(st.integers(0, 500).map(lambda hour: hour * HOUR_MS), st.integers(0, 500 * HOUR_MS)),
    length_ms=st.integers(0, 400 * HOUR_MS),
    until_hour=st.integers(0, 1000),
    by_hours=st.booleans(),
)
def test_pieces_make_up_the_whole_time_and_none_of_it_twice(
    from_ms: int, length_ms: int, until_hour: int, by_hours: bool
) -> None:
    span = Span(from_ms, from_ms + length_ms)
    hours_until = until_hour * HOUR_MS
    pieces = pieces_of(span, hours_until=hours_until, by_hours=by_hours)
    kept = [pieces.days, pieces.hours_before, pieces.hours_after]
    live = [pieces.live_before, pieces.live]
    parts = sorted((part.from_ms, part.until_ms) for part in [*kept, *live] if part.from_ms < part.until_ms)
    edges = [span.from_ms, *(until for _, until in parts)] if parts else [span.until_ms]
    assert [begin for begin, _ in parts] == edges[:-1]
    assert edges[-1] == span.until_ms
    for part in kept:
        if part.from_ms < part.until_ms:
            assert part.until_ms <= hours_until
            assert part.from_ms % HOUR_MS == part.until_ms % HOUR_MS == 0
    assert pieces.days.from_ms >= pieces.days.until_ms or (
        pieces.days.from_ms % DAY_MS == pieces.days.until_ms % DAY_MS == 0 and not by_hours
    )
    # A day's sum may hold hours that are not all added up yet: such a day is taken from its hours.
    assert pieces.days.until_ms <= max(hours_until // DAY_MS * DAY_MS, pieces.days.from_ms)


def test_the_time_until_now_begins_at_a_full_hour_or_day() -> None:
    assert since(NOON + 5, DAY_MS) == Span(NOON - DAY_MS, NOON + 5)
    assert since(NOON + 5, 30 * DAY_MS) == Span(MIDNIGHT - 30 * DAY_MS, NOON + 5)
