"""How several things stand together, and how days are drawn and said."""

from datetime import timedelta

import pytest

from services.api_gateway.status_pages.standing import DayLook, DayShown, State, day_shown, together
from services.api_gateway.status_pages.view_store import Day
from services.api_gateway.status_pages.wording import length_text, percent

HOUR = 3_600_000
UP, DOWN, WORK = State.OPERATIONAL, State.MAJOR, State.MAINTENANCE


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([], UP),
        ([UP, UP], UP),
        ([DOWN, DOWN], DOWN),
        ([DOWN, UP], State.PARTIAL),
        ([State.PARTIAL, UP], State.PARTIAL),
        ([DOWN, WORK], State.PARTIAL),
        ([State.DEGRADED, WORK, UP], State.DEGRADED),
        ([WORK, UP], WORK),
        ([State.UNKNOWN, UP, WORK], State.UNKNOWN),
    ],
)
def test_several_things_at_once(states: list[State], expected: State) -> None:
    assert together(states) is expected


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (Day(), DayShown(DayLook.NOTHING)),
        (Day(maintenance_ms=HOUR), DayShown(DayLook.MAINTENANCE)),
        (Day(up_ms=24 * HOUR), DayShown(DayLook.UP, 10_000)),
        (Day(up_ms=24 * HOUR - 1, down_ms=1), DayShown(DayLook.PARTIAL, 9_999)),
        (Day(up_ms=12 * HOUR, down_ms=12 * HOUR), DayShown(DayLook.DOWN, 5_000)),
        (Day(up_ms=12 * HOUR, degraded_ms=12 * HOUR), DayShown(DayLook.DEGRADED, 10_000)),
    ],
)
def test_a_day_looks_as_it_was(day: Day, expected: DayShown) -> None:
    assert day_shown(day) == expected


def test_figures_are_said_briefly() -> None:
    assert [percent(each) for each in (10_000, 9_999, 9_905, 0)] == ["100 %", "99.99 %", "99.05 %", "0 %"]
    lengths = [timedelta(seconds=5), timedelta(minutes=125), timedelta(days=1, minutes=3), timedelta(days=2, hours=3)]
    assert [length_text(each) for each in lengths] == ["1 min", "2 h 5 min", "1 d 3 min", "2 d 3 h"]
