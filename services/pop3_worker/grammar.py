"""POP3's replies (RFC 1939, RFC 2449), from whole lines. Pure; raises nothing but `CheckFailed`."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from shared.checks.vocabulary import OutcomeKind
from shared.probing.steps import CheckFailed

_STATUS: Final = re.compile(rb"(\+OK|-ERR)(?![A-Za-z0-9])[ \t]?(.*)\Z", re.IGNORECASE | re.DOTALL)
_STAT: Final = re.compile(rb" *([0-9]{1,10}) +([0-9]{1,18})(?: .*)?\Z", re.DOTALL)


class Status(NamedTuple):
    ok: bool
    text: bytes


class Capabilities(NamedTuple):
    """What CAPA told; `known` is False where the server has no CAPA."""

    known: bool = False
    stls: bool = False
    user: bool = True
    mechanisms: frozenset[str] = frozenset()


def read_status(line: bytes) -> Status:
    """The first line of a reply."""
    found = _STATUS.match(line)
    if found is None:
        raise CheckFailed(OutcomeKind.PROTOCOL_ERROR, line)
    return Status(line[:1] == b"+", found[2])


def is_challenge(line: bytes) -> bool:
    """Whether a line during AUTH is a challenge (`+ …`) rather than its end."""
    return line[:1] == b"+" and line[:3].upper() != b"+OK"


class Listing:
    """A reply of many lines: its status and, where that is yes, the lines behind it."""

    __slots__ = ("_status", "lines")

    def __init__(self) -> None:
        self._status: Status | None = None
        self.lines: list[bytes] = []

    def take(self, coming: list[bytes]) -> Status | None:
        """Take its lines off the end of these; the status once it is complete, None while it is not."""
        if not coming:
            return None
        status = self._status
        if status is None:
            self._status = status = read_status(coming.pop())
            if not status.ok:
                return status
        lines = self.lines
        while coming:
            line = coming.pop()
            if line == b".":
                return status
            # A dot was added in front of one of its own.
            lines.append(line[1:] if line[:1] == b"." else line)
        return None


def read_capabilities(lines: Sequence[bytes]) -> Capabilities:
    """From the lines of CAPA's reply."""
    text = b"\n".join(lines)
    return _capabilities(text) if len(text) <= _REMEMBERED_BYTES else _read_capabilities(text)


def _read_capabilities(text: bytes) -> Capabilities:
    names: dict[str, list[str]] = {}
    for line in text.decode("ascii", "replace").upper().split("\n"):
        if words := line.split():
            # Some tell their mechanisms on a line each.
            names.setdefault(words[0], []).extend(words[1:])
    return Capabilities(
        known=True,
        stls="STLS" in names,
        # A list that says nothing of logins at all was not meant to forbid them (GreenMail's was once `UIDL` alone).
        user="USER" in names or names.keys().isdisjoint(("SASL", "STLS")),
        mechanisms=frozenset(names.get("SASL", ())),
    )


# A server says the same at every check, and many servers are the same software.
_REMEMBERED_BYTES: Final = 1024
_capabilities: Final = lru_cache(maxsize=256)(_read_capabilities)


def read_stat(text: bytes) -> int:
    """How many messages STAT counted."""
    found = _STAT.match(text)
    if found is None:
        raise CheckFailed(OutcomeKind.PROTOCOL_ERROR, text, polite=True, variant="missing_data" if not text else None)
    return int(found[1])
