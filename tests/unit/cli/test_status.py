"""Which monitor comes first, and what is said of it."""

from typing import Any

import pytest

from cli.status import _rank, reason


def monitor(
    name: str,
    health: str,
    status: str = "active",
    checked: str | None = "2026-11-22T12:00:00.000Z",
    message: str | None = None,
) -> Any:
    return {
        "id": 1,
        "name": name,
        "health": health,
        "status": status,
        "lastCheckedAt": checked,
        "healthMessage": message,
    }


def test_the_worst_come_first_and_the_disabled_last() -> None:
    items = [
        monitor("b", "up"),
        monitor("gone", "down", status="disabled"),
        monitor("d", "unknown"),
        monitor("a", "up"),
        monitor("c", "degraded"),
        monitor("z", "down"),
    ]
    assert [item["name"] for item in sorted(items, key=_rank)] == ["z", "c", "d", "a", "b", "gone"]


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (monitor("a", "down", message="Refused."), "Refused."),
        (monitor("a", "up"), ""),
        (monitor("a", "unknown", checked=None), "Not checked yet."),
        (monitor("a", "unknown", message="Nothing was heard."), "Nothing was heard."),
    ],
)
def test_the_reason_is_told_in_a_sentence(item: Any, said: str) -> None:
    assert reason(item) == said
