"""What a check saw, by the names the HTTP API shows it under: stored so by the recorder, answered so by the gateway."""

import json
from functools import lru_cache
from typing import Any

from shared.checks.messages import CheckResult


@lru_cache(maxsize=1024)  # workers are few, their results many
def _quoted(text: str) -> str:
    return json.dumps(text)


def diagnostics_text(result: CheckResult) -> str:
    """What is kept of a result besides its verdict, and shown as `diagnostics`: a JSON object.

    Written as it is read, without the values in between: one is made for every check.
    """
    of_outcome = result.outcome.model_dump_json(by_alias=True, exclude={"message"})
    return (
        f'{of_outcome[:-1]},"withheld":{"true" if result.withheld else "false"},"worker":{_quoted(result.worker)},'
        f'"loopLagMs":{result.loop_lag_ms!r},"checkKind":"{result.kind}","slotAt":{result.slot_at},'
        f'"startAt":{result.start_at}}}'
    )


def diagnostics_of(result: CheckResult) -> dict[str, Any]:
    """The same, read."""
    document: dict[str, Any] = json.loads(diagnostics_text(result))
    return document
