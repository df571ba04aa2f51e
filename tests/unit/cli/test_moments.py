"""Times and lengths of time as people type them."""

from datetime import UTC, datetime, timedelta

import pytest

from cli.incident_page import duration
from cli.moments import NoMoment, iso, read_length, read_moment

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "zone", "meant"),
    [
        ("now", "Europe/Berlin", "2026-11-22T12:00:00.000Z"),
        ("2026-12-31T22:00", "UTC", "2026-12-31T22:00:00.000Z"),
        ("2026-12-31 22:00", "Europe/Berlin", "2026-12-31T21:00:00.000Z"),
        ("2026-07-01", "Europe/Berlin", "2026-06-30T22:00:00.000Z"),
        ("2026-12-31T22:00-05:00", "Europe/Berlin", "2027-01-01T03:00:00.000Z"),
        ("2026-12-31T22:00Z", "Europe/Berlin", "2026-12-31T22:00:00.000Z"),
    ],
)
def test_a_time_is_read_by_the_clock_that_is_meant(text: str, zone: str, meant: str) -> None:
    assert iso(read_moment(text, zone, now=NOW)) == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("90m", timedelta(minutes=90)),
        ("90min", timedelta(minutes=90)),
        ("2h", timedelta(hours=2)),
        ("1h30m", timedelta(minutes=90)),
        ("1d 2h", timedelta(hours=26)),
    ],
)
def test_a_length_is_read(text: str, meant: timedelta) -> None:
    assert read_length(text) == meant


@pytest.mark.parametrize("text", ["", "0m", "-2h", "2", "2w", "h", "٣h", "9" * 18 + "d"])
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(NoMoment, match="no length of time"):
        read_length(text)


def test_what_is_no_time_is_refused() -> None:
    with pytest.raises(NoMoment, match="tomorrow is no time"):
        read_moment("tomorrow", "UTC", now=NOW)


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("2026-11-22T11:59:30.000Z", None, "30 s"),
        ("2026-11-22T12:00:00.000Z", None, "0 s"),
        ("2026-11-22T10:00:00.000Z", "2026-11-22T10:02:30.000Z", "2 min 30 s"),
        ("2026-11-22T10:00:00.000Z", "2026-11-22T13:00:30.000Z", "3 h"),
        ("2026-11-20T10:00:00.000Z", "2026-11-22T13:20:30.000Z", "2 d 3 h"),
    ],
)
def test_how_long_it_was_is_said_in_two_units(start: str, end: str | None, said: str) -> None:
    assert duration(start, end, now=NOW) == said
