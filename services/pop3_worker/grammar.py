"""POP3's replies (RFC 1939, RFC 2449), from whole lines. Pure; raises nothing but `CheckFailed`."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from shared.checks.vocabulary import OutcomeKind
from shared.probing.steps import CheckFailed

_STATUS: Final = re.compile(rb"(\+OK|-ERR)(?![A-Za-z0-9])[ \t]?(.*)\Z", re.IGNORECASE | re.DOTALL)
_STAT: Final = re.compile(rb"([0-9]{1,10}) ([0-9]{1,18})(?: .*)?\Z", re.DOTALL)


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


def is_end(line: bytes) -> bool:
    """Whether this line ends a multi-line reply."""
    return line == b"."


def unstuffed(line: bytes) -> bytes:
    """A line of a multi-line reply without the dot that was added in front of one of its own."""
    return line[1:] if line[:1] == b"." else line


def read_capabilities(lines: Iterable[bytes]) -> Capabilities:
    """From the lines of CAPA's reply."""
    text = b"\n".join(lines).decode("ascii", "replace").upper()
    names = {words[0]: words for line in text.split("\n") if (words := line.split())}
    return Capabilities(
        known=True,
        stls="STLS" in names,
        user="USER" in names,
        mechanisms=frozenset(names.get("SASL", ())[1:]),
    )


def read_stat(text: bytes) -> int:
    """How many messages STAT counted."""
    found = _STAT.match(text)
    if found is None:
        raise CheckFailed(OutcomeKind.PROTOCOL_ERROR, text, polite=True, variant="missing_data" if not text else None)
    return int(found[1])
