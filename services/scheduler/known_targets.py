"""What was made of monitors before: the same monitor is checked again and again as it stands.

Reading a monitor as a target, and writing that into a job, costs several times what the rest of a claimed slot does.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from shared.checks.target import CheckTarget

Row: TypeAlias = Any  # asyncpg.Record

# Of more monitors than this the others are read each time. Each takes about 3 KiB.
MOST_KNOWN = 50_000

_GIVEN = ("hostname", "port", "timeout_seconds", "config", "sealed_password")


class Known(NamedTuple):
    """A target, and how it is written in a job."""

    target: CheckTarget
    written: str


def written(target: CheckTarget) -> Known:
    """A target, written."""
    return Known(target, target.model_dump_json())


class KnownTargets:
    """Targets by monitor and protocol, each of what its row said; where it says something else now, it is read anew.

    Belongs to one term: what is known of monitors that went is forgotten with it.
    """

    def __init__(self, *, most: int = MOST_KNOWN) -> None:
        self._most = most
        self._known: dict[tuple[int, str], tuple[tuple[object, ...], Known]] = {}

    def of(self, row: Row, protocol: str, read: Callable[[Row, str], CheckTarget | None]) -> Known | None:
        """The target of this row of a monitor; None where `read` finds none."""
        given = tuple([row[name] for name in _GIVEN])
        key = (row["monitor_id"], protocol)
        found = self._known.get(key)
        if found is not None and found[0] == given:
            return found[1]
        target = read(row, protocol)
        if target is None:
            return None
        known = written(target)
        if found is not None or len(self._known) < self._most:
            self._known[key] = (given, known)
        return known
