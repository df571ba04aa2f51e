"""The policies of our queues, read from the one file that brokers, tests and the in-process twin share.

`definitions.json` lies beside this module, so that an installed package finds it; `deploy/rabbitmq/definitions.json`
is a link to it, for brokers that load definitions at start. Why each policy is as it is:

- checks: a job that killed its worker six times is dead-lettered (a limit of 5 counts returns); a full queue refuses
  (`reject-publish`), which the scheduler records as missed. At-least-once dead-lettering needs that overflow. No
  message TTL: expired checks would flood the dead letters; a job says itself when it is stale.
- results: as good as no delivery limit. Nothing but a crash or a lost connection returns a result, and none may be
  lost to that; the number is given because the default changed from none to 20 in RabbitMQ 4.0, and 3.x refuses -1.
- presence: only the newest is worth anything, and an old one would announce a worker that has gone.
- dead letters: kept for a person to look at; a flood of them pushes out the oldest instead of filling the disk.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

PolicyValue = str | int


@dataclass(frozen=True, slots=True)
class QueuePolicy:
    """What a broker does with the queues whose name matches, in RabbitMQ's own words."""

    name: str
    pattern: str
    apply_to: str
    priority: int
    definition: Mapping[str, PolicyValue]

    def covers(self, queue: str) -> bool:
        """Whether this policy governs a queue of that name."""
        return re.search(self.pattern, queue) is not None

    def limit(self, key: str) -> int | None:
        """A number of the definition, or None where it sets none."""
        value = self.definition.get(key)
        return value if isinstance(value, int) else None


def definitions_document() -> dict[str, Any]:
    """The file as it stands."""
    document: dict[str, Any] = json.loads(files("shared.broker").joinpath("definitions.json").read_bytes())
    return document


def queue_policies() -> tuple[QueuePolicy, ...]:
    """Our policies, as the file has them."""
    document = definitions_document()
    return tuple(
        QueuePolicy(
            name=entry["name"],
            pattern=entry["pattern"],
            apply_to=entry["apply-to"],
            priority=entry["priority"],
            definition=entry["definition"],
        )
        for entry in document["policies"]
    )
