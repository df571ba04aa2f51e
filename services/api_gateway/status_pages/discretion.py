"""What names may be told to everybody. Pure.

A monitor is often called after its host or its account, and neither is for a public page unless its makers say so.
"""

import re
import unicodedata

from services.api_gateway.status_pages.view_store import SeenMonitor

_LIKE_A_HOST = re.compile(r"[\w-]\.[^\W\d_]{2,}|\d+\.\d+\.\d+\.\d+|[0-9a-f]*:[0-9a-f]*:[0-9a-f:]+", re.IGNORECASE)
_LONGEST = 500
# Would turn the text around them, too (Unicode 9 §2): of the text's own they are part of no word.
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_FIRST_PICTURE = 0x2400


class Discretion:
    """Whether a name may be shown.

    Args:
        hosts, users: whether host names, and names of accounts, may be told.
    """

    def __init__(self, *, hosts: bool, users: bool) -> None:
        self._hosts = hosts
        self._users = users

    def allows(self, text: str, *monitors: SeenMonitor) -> bool:
        """Whether a text tells nothing of these monitors, or of others, that is not to be told."""
        if not self._users and ("@" in text or any(_holds(text, word) for each in monitors for word in _account(each))):
            return False
        return self._hosts or not (_LIKE_A_HOST.search(text) or any(_holds(text, each.hostname) for each in monitors))


def readable(text: str, *, longest: int = _LONGEST) -> str:
    """A text of others on one line: control characters as pictures, without what would turn its direction.

    What it is put into escapes it; here is what no escaping helps against.
    """
    shown = []
    for char in text[:longest]:
        if char in _DIRECTIONS:
            continue
        if char < " ":
            shown.append(chr(_FIRST_PICTURE + ord(char)))
        elif unicodedata.category(char) in ("Cc", "Cs", "Cn", "Zl", "Zp"):
            shown.append("\ufffd")
        else:
            shown.append(char)
    return "".join(shown) + ("…" if len(text) > longest else "")


def _account(monitor: SeenMonitor) -> tuple[str, ...]:
    user = monitor.user_name or ""
    return (user, user.partition("@")[0]) if "@" in user else (user,)


def _holds(text: str, word: str) -> bool:
    """Whether the word is in the text, as a word of its own. By hand: a page asks it for thousands of words."""
    folded, sought = text.casefold(), word.casefold()
    at = folded.find(sought) if sought else -1
    while at >= 0:
        around = folded[at - 1 : at] if at else "", folded[at + len(sought) : at + len(sought) + 1]
        if not any(char.isalnum() or char == "_" for char in around):
            return True
        at = folded.find(sought, at + 1)
    return False
