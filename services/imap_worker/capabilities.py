"""What an IMAP server can do, from the words it says so with. Pure."""

from functools import lru_cache
from typing import Final, NamedTuple

_REMEMBERED_BYTES: Final = 1024
_COREMAIL: Final = "X-CM-EXT-1"


class Offered(NamedTuple):
    """Capabilities in upper case, and those of them that are SASL mechanisms, by their own names."""

    names: frozenset[str] = frozenset()
    mechanisms: frozenset[str] = frozenset()


NOTHING_OFFERED: Final = Offered()


def offered(words: bytes) -> Offered:
    """From the words of a CAPABILITY line or code."""
    return _remembered(words) if len(words) <= _REMEMBERED_BYTES else _read(words)


def _read(words: bytes) -> Offered:
    names = frozenset(words.decode("ascii", "replace").upper().split())
    if _COREMAIL in names:
        # It answers BAD to the initial responses it says it takes (163.com, 126.com and others, in 2026).
        names -= {"SASL-IR"}
    return Offered(names, frozenset(name[5:] for name in names if name.startswith("AUTH=")))


# A server says the same at every check, and many servers are the same software.
_remembered: Final = lru_cache(maxsize=256)(_read)
