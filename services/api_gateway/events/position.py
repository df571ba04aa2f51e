"""How far a stream has come: what its client sends back as Last-Event-ID. Pure.

Ids of events are given out before their transactions commit, so that a client who remembers the newest one it saw
would skip those that commit later with a smaller one. A position names a transaction instead: everything of all
transactions before it has been told, and some of those after it may have been. What a client is told twice by that
says the same twice.
"""

import re
from dataclasses import dataclass

_WRITTEN = re.compile(r"([0-9]{1,19})-([0-9]{1,16})", re.ASCII)
_MOST = 2**63 - 1


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """transaction: all before it are over, and told. at_ms: when that was so, by the database's clock."""

    transaction: int
    at_ms: int

    def __str__(self) -> str:
        return f"{self.transaction}-{self.at_ms}"


LONG_AGO = Position(0, 0)


def read_position(text: str) -> Position | None:
    """What `str` of a position says; None where it is none of ours."""
    found = _WRITTEN.fullmatch(text)
    if found is None:
        return None
    transaction, at_ms = int(found[1]), int(found[2])
    return Position(transaction, at_ms) if transaction <= _MOST else None
