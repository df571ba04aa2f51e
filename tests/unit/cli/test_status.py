"""Which monitor comes first, and what is said of it."""

from typing import Any

import pytest

from cli.status import _rank, reason


def monitor(name: str, health: str, status: str = "active", checked: str | None = "2026-11-22T12:00:00.000Z") -> Any:
    return {"id": 1, "name": name, "health": health, "status": status, "lastCheckedAt": checked}


def check(error: str | None = None, warning: str | None = None) -> dict[str, Any]:
    return {"errorMessage": error, "warningMessage": warning}


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
    ("item", "checks", "said"),
    [
        (monitor("a", "down"), [check(), check("Refused."), check("Older.")], "Refused."),
        (monitor("a", "down"), [check(None, "Slow.")], ""),
        (monitor("a", "degraded"), [check(None, "Slow.")], "Slow."),
        (monitor("a", "unknown", checked=None), [], "Not checked yet."),
        (monitor("a", "unknown"), [], "No check has told anything about the server lately."),
        (monitor("a", "unknown"), [check("No DNS.")], "No check has told anything about the server lately. No DNS."),
    ],
)
def test_the_reason_is_the_newest_check_that_tells_one(item: Any, checks: list[dict[str, Any]], said: str) -> None:
    assert reason(item, checks) == said
