"""When windows are open: by examples around the leaps of clocks, and against a model that tries every day."""

import calendar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.checks.maintenance import (
    DAY_MS,
    Frequency,
    Recurrence,
    Window,
    known_zones,
    last_day,
    occurrences,
    window_from_pattern,
)

HOUR_MS = 3_600_000
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia")


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def texts(found: list[tuple[int, int]]) -> list[str]:
    return [datetime.fromtimestamp(start / 1000, UTC).isoformat(timespec="minutes")[:16] for start, _ in found]


def recurring(start: str, recurrence: Recurrence, *, zone: str = "UTC", hours: float = 1) -> Window:
    begin = ms(start)
    return Window(begin, begin + round(hours * HOUR_MS), zone, recurrence)


def starts(window: Window, begin: str, end: str) -> list[str]:
    return texts(occurrences(window, from_ms=ms(begin), until_ms=ms(end)))


def test_one_that_does_not_recur_is_open_once() -> None:
    window = Window(ms("2026-03-01T10:00Z"), ms("2026-03-01T12:00Z"))
    whole = [(window.starts_ms, window.ends_ms)]
    assert occurrences(window, from_ms=ms("2026-02-01T00:00Z"), until_ms=ms("2026-04-01T00:00Z")) == whole
    assert occurrences(window, from_ms=ms("2026-03-01T11:00Z"), until_ms=ms("2026-03-01T11:01Z")) == whole
    assert occurrences(window, from_ms=window.ends_ms, until_ms=ms("2026-04-01T00:00Z")) == []
    assert occurrences(window, from_ms=0, until_ms=window.starts_ms) == []


def test_it_keeps_its_local_time_of_day_over_both_leaps() -> None:
    daily = recurring("2026-03-27T04:00+01:00", Recurrence(Frequency.DAILY), zone="Europe/Berlin")
    assert starts(daily, "2026-03-27T00:00Z", "2026-03-31T00:00Z") == [
        "2026-03-27T03:00",
        "2026-03-28T03:00",
        "2026-03-29T02:00",
        "2026-03-30T02:00",
    ]
    assert starts(daily, "2026-10-24T00:00Z", "2026-10-27T00:00Z") == [
        "2026-10-24T02:00",
        "2026-10-25T03:00",
        "2026-10-26T03:00",
    ]


def test_a_time_the_clock_skips_begins_as_much_later_and_lasts_as_long() -> None:
    daily = recurring("2026-03-28T02:30+01:00", Recurrence(Frequency.DAILY), zone="Europe/Berlin", hours=2)
    found = occurrences(daily, from_ms=ms("2026-03-28T00:00Z"), until_ms=ms("2026-03-31T00:00Z"))
    # 03:30 by the clock of that night, 02:30 in the others.
    assert texts(found) == ["2026-03-28T01:30", "2026-03-29T01:30", "2026-03-30T00:30"]
    assert {end - start for start, end in found} == {2 * HOUR_MS}


def test_an_hour_that_comes_twice_is_taken_the_first_time() -> None:
    daily = recurring("2026-10-24T02:30+02:00", Recurrence(Frequency.DAILY), zone="Europe/Berlin")
    assert starts(daily, "2026-10-24T00:00Z", "2026-10-27T00:00Z") == [
        "2026-10-24T00:30",
        "2026-10-25T00:30",
        "2026-10-26T01:30",
    ]


def test_one_that_first_begins_in_the_second_of_them_does_so() -> None:
    daily = recurring("2026-10-25T02:30+01:00", Recurrence(Frequency.DAILY), zone="Europe/Berlin")
    assert starts(daily, "2026-10-24T00:00Z", "2026-10-27T00:00Z") == ["2026-10-25T01:30", "2026-10-26T01:30"]


def test_the_31st_of_a_shorter_month_is_its_last_day() -> None:
    monthly = recurring("2026-01-31T22:00Z", Recurrence(Frequency.MONTHLY, day_of_month=31))
    found = starts(monthly, "2026-01-01T00:00Z", "2026-06-01T00:00Z")
    assert [text[:10] for text in found] == ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]
    assert starts(monthly, "2028-02-01T00:00Z", "2028-03-01T00:00Z") == ["2028-02-29T22:00"]


def test_without_a_day_it_recurs_on_the_one_it_began() -> None:
    weekly = recurring("2026-07-07T02:00Z", Recurrence(Frequency.WEEKLY))
    assert starts(weekly, "2026-07-01T00:00Z", "2026-07-22T00:00Z") == [
        "2026-07-07T02:00",
        "2026-07-14T02:00",
        "2026-07-21T02:00",
    ]
    monthly = recurring("2026-07-07T02:00Z", Recurrence(Frequency.MONTHLY, interval=2))
    assert starts(monthly, "2026-07-01T00:00Z", "2026-12-01T00:00Z") == [
        "2026-07-07T02:00",
        "2026-09-07T02:00",
        "2026-11-07T02:00",
    ]


def test_days_of_the_week_begin_with_sunday_as_0_and_weeks_with_monday() -> None:
    every_other = Recurrence(Frequency.WEEKLY, interval=2, days_of_week=(0, 1))
    # It begins on a Tuesday: the Monday of that week is past, its Sunday is not.
    weekly = recurring("2026-07-07T02:00Z", every_other)
    assert starts(weekly, "2026-07-01T00:00Z", "2026-07-31T00:00Z") == [
        "2026-07-12T02:00",
        "2026-07-20T02:00",
        "2026-07-26T02:00",
    ]


def test_the_last_day_is_included_and_is_one_of_its_own_zone() -> None:
    until = Recurrence(Frequency.DAILY, last_day=date(2026, 7, 3))
    late = recurring("2026-07-01T23:00-04:00", until, zone="America/New_York")
    assert starts(late, "2026-07-01T00:00Z", "2026-07-10T00:00Z") == [
        "2026-07-02T03:00",
        "2026-07-03T03:00",
        "2026-07-04T03:00",
    ]


def test_what_began_before_and_is_still_open_is_among_them() -> None:
    night = recurring("2026-07-01T22:00Z", Recurrence(Frequency.DAILY), hours=8)
    assert starts(night, "2026-07-04T03:00Z", "2026-07-04T04:00Z") == ["2026-07-03T22:00"]


def test_a_day_a_zone_skipped_does_not_count_twice() -> None:
    daily = recurring("2011-12-28T10:00-10:00", Recurrence(Frequency.DAILY), zone="Pacific/Apia")
    found = occurrences(daily, from_ms=ms("2011-12-28T00:00Z"), until_ms=ms("2012-01-02T00:00Z"))
    assert len({start for start, _ in found}) == len(found)


@pytest.mark.parametrize(
    ("text", "zone", "day"),
    [
        ("2026-12-31", "Europe/Berlin", date(2026, 12, 31)),
        ("2026-12-30T23:00:00.000Z", "Europe/Berlin", date(2026, 12, 31)),
        ("2026-12-30T23:00:00.000Z", "UTC", date(2026, 12, 30)),
        ("2026-12-31T12:00:00", "Asia/Tokyo", date(2026, 12, 31)),
    ],
)
def test_the_last_day_may_be_told_as_a_moment(text: str, zone: str, day: date) -> None:
    assert last_day(text, zone) == day


@pytest.mark.parametrize("text", ["", "never", "2026-13-01", "2026-02-30", "9999-12-31T23:59:59-23:59"])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        last_day(text, "Asia/Tokyo")


def test_a_pattern_is_read_as_the_api_has_it() -> None:
    pattern = {"frequency": "weekly", "interval": 2, "daysOfWeek": [7, 1, 0], "endRecurrenceDate": "2026-12-31"}
    window = window_from_pattern(starts_ms=0, ends_ms=1, time_zone="UTC", pattern=pattern)
    assert window.recurrence == Recurrence(Frequency.WEEKLY, 2, (0, 1), None, date(2026, 12, 31))
    assert window_from_pattern(starts_ms=0, ends_ms=1, time_zone="UTC", pattern=None).recurrence is None


def test_zones_are_those_of_iana() -> None:
    assert {"UTC", "Europe/Berlin", "America/Argentina/Ushuaia"} <= known_zones()
    assert not {"localtime", "Factory", "Europe", "europe/berlin", "../etc/passwd", ""} & known_zones()


def instant(naive: datetime, zone: ZoneInfo) -> int:
    """The model's own reading of a wall clock: the earliest moment at which it shows this; in a gap, as before it."""
    day = timedelta(days=1)
    around = [(naive + shift).replace(tzinfo=zone).utcoffset() for shift in (-day, -day / 24, day / 24, day)]
    moments = [(naive - offset).replace(tzinfo=UTC) for offset in around if offset is not None]
    showing = [moment for moment in moments if moment.astimezone(zone).replace(tzinfo=None) == naive]
    return round(min(showing or moments[:1]).timestamp() * 1000)


def expected(window: Window, from_ms: int, until_ms: int) -> set[int]:
    """Try every day there is."""
    rule, zone = window.recurrence, ZoneInfo(window.time_zone)
    assert rule is not None
    first = datetime.fromtimestamp(window.starts_ms / 1000, UTC).astimezone(zone)
    lasts = window.ends_ms - window.starts_ms
    found = set()
    monday = first.date() - timedelta(days=first.weekday())
    day = first.date()
    while day <= datetime.fromtimestamp(until_ms / 1000, UTC).date() + timedelta(days=2):
        match rule.frequency:
            case Frequency.DAILY:
                due = (day - first.date()).days % rule.interval == 0
            case Frequency.WEEKLY:
                days = rule.days_of_week or ((first.weekday() + 1) % 7,)
                due = (day - monday).days // 7 % rule.interval == 0 and (day.weekday() + 1) % 7 in days
            case Frequency.MONTHLY:
                months = (day.year - first.year) * 12 + day.month - first.month
                wanted = rule.day_of_month or first.day
                due = months % rule.interval == 0
                due = due and day.day == min(wanted, calendar.monthrange(day.year, day.month)[1])
        if due and (rule.last_day is None or day <= rule.last_day):
            naive = datetime.combine(day, first.time().replace(tzinfo=None))
            begins = window.starts_ms if day == first.date() else instant(naive, zone)
            if begins < until_ms and begins + lasts > from_ms:
                found.add(begins)
        day += timedelta(days=1)
    return found


@st.composite
def windows(draw: st.DrawFn) -> Window:
    start = draw(st.integers(ms("2024-01-01T00:00Z") // 1000, ms("2027-01-01T00:00Z") // 1000)) * 1000
    # Around the leaps, more often than chance would have it.
    start = draw(st.sampled_from([start, start - start % HOUR_MS + HOUR_MS // 2]))
    recurrence = Recurrence(
        frequency=draw(st.sampled_from(Frequency)),
        interval=draw(st.integers(1, 5)),
        days_of_week=tuple(sorted(draw(st.sets(st.integers(0, 6))))),
        day_of_month=draw(st.none() | st.integers(1, 31)),
        last_day=draw(st.none() | st.dates(date(2024, 6, 1), date(2028, 1, 1))),
    )
    return Window(start, start + draw(st.integers(1, 5 * DAY_MS)), draw(st.sampled_from(ZONES)), recurrence)


@given(window=windows(), offset=st.integers(-40, 400), days=st.integers(0, 70), rest=st.integers(0, DAY_MS - 1))
def test_they_are_those_a_model_finds_that_tries_every_day(window: Window, offset: int, days: int, rest: int) -> None:
    from_ms = window.starts_ms + offset * DAY_MS + rest
    until_ms = from_ms + days * DAY_MS
    found = occurrences(window, from_ms=from_ms, until_ms=until_ms)
    assert found == sorted(found)
    assert {start for start, _ in found} == expected(window, from_ms, until_ms)
    assert {end - start for start, end in found} <= {window.ends_ms - window.starts_ms}


@given(window=windows(), cut=st.integers(0, 60))
def test_two_spans_side_by_side_have_what_the_whole_has(window: Window, cut: int) -> None:
    begin, middle, end = (window.starts_ms + each * DAY_MS for each in (0, cut, 60))
    whole = occurrences(window, from_ms=begin, until_ms=end)
    parts = occurrences(window, from_ms=begin, until_ms=middle) + occurrences(window, from_ms=middle, until_ms=end)
    assert sorted(set(parts)) == whole


@pytest.mark.parametrize("frequency", list(Frequency))
def test_a_window_of_long_ago_goes_on(frequency: Frequency) -> None:
    old = recurring("2000-01-01T00:00Z", Recurrence(frequency))
    found = occurrences(old, from_ms=ms("2099-01-01T00:00Z"), until_ms=ms("2099-02-05T00:00Z"))
    assert 1 <= len(found) <= 36
