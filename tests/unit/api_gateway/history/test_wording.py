"""Times and durations in the documented words."""

import pytest

from services.api_gateway.history.wording import duration_text, time_text


def test_times_are_told_in_english_and_utc() -> None:
    assert time_text(1_772_107_800_000) == "Feb 26, 2026, 12:10:00"
    assert time_text(1_772_323_201_999) == "Mar 1, 2026, 00:00:01"


@pytest.mark.parametrize(
    ("duration_ms", "text"),
    [
        (150_000, "2m 30s"),
        (0, "0s"),
        (999, "0s"),
        (-5, "0s"),
        (59_999, "59s"),
        (3_600_000, "1h 0m 0s"),
        (93_784_000, "1d 2h 3m 4s"),
        (40 * 86_400_000, "40d 0h 0m 0s"),
    ],
)
def test_durations_go_down_to_seconds(duration_ms: int, text: str) -> None:
    assert duration_text(duration_ms) == text
