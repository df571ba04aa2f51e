"""What somebody has to do something about, said in a sentence each."""

from typing import Any

import pytest

from cli.system import troubles


def state(**changes: Any) -> dict[str, Any]:
    """An installation that is well, but for these parts."""
    well: dict[str, Any] = {
        "schedule": {"late": 0, "lagSeconds": 0},
        "canaries": [{"location": "fra", "protocol": "imap", "passed": True, "message": "All is well."}],
        "queues": {"problem": None, "items": [{"name": "q", "standing": "look", "meaning": "it grows"}]},
        "notifier": {"failed": 0},
        "retention": {"astray": False},
    }
    return well | {
        part: well[part] | change if isinstance(change, dict) else change for part, change in changes.items()
    }


def test_of_what_is_well_nothing_is_said() -> None:
    assert troubles(state()) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schedule": {"late": 7, "lagSeconds": 61.4}}, "7 checks are due and nobody asks for them, for 61 s"),
        (
            {"canaries": [{"location": "fra", "protocol": "imap", "passed": False, "message": "Nobody answered."}]},
            "The check of its own failed at fra over IMAP: Nobody answered.",
        ),
        ({"queues": {"problem": "no answer", "items": []}}, "Nothing is known of the queues: no answer"),
        ({"queues": {"items": [{"name": "q", "standing": "act", "meaning": "it is full"}]}}, "q: it is full."),
        ({"notifier": {"failed": 2}}, "2 messages were given up"),
        ({"retention": {"astray": True}}, "days no room was made for"),
    ],
)
def test_each_trouble_is_a_sentence(changes: Any, said: str) -> None:
    (sentence,) = troubles(state(**changes))
    assert said in sentence
