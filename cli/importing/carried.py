"""What was carried over from another monitor: our document, the secrets it names, and what was left behind. Pure."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

POP3_FLOOR_MINUTES = 5
_LONGEST_MINUTES = 1440


@dataclass(slots=True)
class Carried:
    """Filled while reading; `secrets` never become part of the document, which names them as variables."""

    manager: str
    channels: list[dict[str, Any]] = field(default_factory=list)
    monitors: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    passed_over: Counter[str] = field(default_factory=Counter)

    def document(self) -> dict[str, Any]:
        """As a configuration file."""
        document: dict[str, Any] = {"version": 1, "manager": self.manager}
        if self.channels:
            document["channels"] = self.channels
        if self.monitors:
            document["monitors"] = self.monitors
        return document

    def secret(self, name: str, value: str) -> dict[str, str]:
        """Where the secret will come from: a variable named for it."""
        wanted = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")[:150] or "SECRET"
        variable = wanted
        number = 2
        while self.secrets.get(variable, value) != value:
            variable = f"{wanted}_{number}"
            number += 1
        self.secrets[variable] = value
        return {"env": variable}

    def all_notes(self) -> list[str]:
        """Each thing once, what there is many of as a number."""
        kinds = ", ".join(f"{kind} ({count})" for kind, count in self.passed_over.most_common(20))
        more = [f"left out, as no mailbox is checked by them: {kinds}"] if kinds else []
        return [*dict.fromkeys(self.notes), *more]


def interval_minutes(seconds: float, *, pop3: bool) -> float:
    """The nearest interval not shorter that can be had."""
    halves = -(-seconds // 30)
    minutes = min(max(halves / 2, POP3_FLOOR_MINUTES if pop3 else 0.5), _LONGEST_MINUTES)
    return int(minutes) if float(minutes).is_integer() else minutes
