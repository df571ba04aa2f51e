"""What a check saw, by the names the HTTP API shows it under: stored so by the recorder, answered so by the gateway."""

import json
from typing import Any

from shared.checks.messages import CheckResult

# Beside what the outcome says: (as it is shown, the field of the result).
_OF_RESULT = {
    "withheld": "withheld",
    "worker": "worker",
    "loopLagMs": "loop_lag_ms",
    "checkKind": "kind",
    "slotAt": "slot_at",
    "startAt": "start_at",
}

# Made once: `json.dumps` makes one for each document.
_JSON = json.JSONEncoder()


def diagnostics_text(result: CheckResult) -> str:
    """What is kept of a result besides its verdict, and shown as `diagnostics`: a JSON object.

    Written as it is read, without the values in between: one is made for every check.
    """
    of_outcome = result.outcome.model_dump_json(by_alias=True, exclude={"message"})
    of_result = _JSON.encode({shown: getattr(result, name) for shown, name in _OF_RESULT.items()})
    return f"{of_outcome[:-1]}, {of_result[1:]}"


def diagnostics_of(result: CheckResult) -> dict[str, Any]:
    """The same, read."""
    document: dict[str, Any] = json.loads(diagnostics_text(result))
    return document
