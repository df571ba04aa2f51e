"""What the command says of when a window is open."""

from typing import Any

import pytest

from cli.maintenance import opening

DAILY = {"frequency": "daily"}


def window(start: str, end: str, pattern: dict[str, Any] | None = None, *, is_open: bool = False) -> dict[str, Any]:
    return {
        "startTime": f"{start}T10:00:00.000Z",
        "endTime": f"{end}T11:00:00.000Z",
        "timeZone": "Europe/Berlin",
        "recurrencePattern": pattern,
        "occurrence": None,
        "isActive": True,
        "isOpen": is_open,
    }


@pytest.mark.parametrize(
    ("planned", "said"),
    [
        (window("2999-05-01", "2999-05-01"), "It opens at 2999-05-01T10:00:00.000Z, until 2999-05-01T11:00:00.000Z."),
        (window("2020-05-01", "2999-05-01", is_open=True), "It is open, until 2999-05-01T11:00:00.000Z."),
        (window("2020-05-01", "2020-05-01"), "It is over already: it was from 2020-05-01T10:00:00.000Z until"),
        (window("2020-05-01", "2020-05-01", {**DAILY, "endRecurrenceDate": "2020-06-01"}), "It is over already"),
        # Further ahead than the server has worked out; its first day is not its first time.
        (
            window("2999-05-01", "2999-05-01", {"frequency": "monthly", "dayOfMonth": 31}),
            "It opens at 2999-05-31T10:00:00.000Z, until 2999-05-31T11:00:00.000Z.",
        ),
    ],
)
def test_when_a_window_opens_is_said_as_it_is(planned: dict[str, Any], said: str) -> None:
    assert opening(planned).startswith(said)


def test_a_window_that_began_once_and_comes_again_in_months_is_not_over() -> None:
    assert opening(window("2020-05-01", "2020-05-01", {"frequency": "monthly", "interval": 12})).startswith("It opens")
