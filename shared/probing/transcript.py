"""The dialogue of one check as it happened, kept by reference and rendered only when somebody needs it."""

from collections.abc import Callable, Iterable

from shared.probing.server_words import Redactor, escaped

MOST_BYTES = 8 * 1024
_LINE_BYTES = 512
_GAP_BYTES = 64

# Who spoke: as it stands in the rendered line. A note is about what happened beside the dialogue.
SERVER, CLIENT, NOTE = "S:", "C:", "--"

Entry = tuple[float, str, bytes | str | list[bytes]]
"""Lines that came together may stand in one entry, the first one last."""


class Transcript:
    """Entries of (moment on the monotonic clock, who, words), kept by `keep`. Bounded by the connection's own caps."""

    __slots__ = ("_entries", "keep")

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        # No method of ours around it: every line of every check comes through here.
        self.keep: Callable[[Entry], None] = self._entries.append

    def render(self, redact: Redactor, *, began_at: float) -> str:
        """`seconds who: words` a line, secrets masked, at most 8 KiB; of a long one the beginning and the end."""

        def line(entry: tuple[float, str, bytes]) -> str:
            at, who, words = entry
            shown = escaped(redact(words).rstrip(), most_bytes=_LINE_BYTES)
            return f"{max(at - began_at, 0.0):7.3f} {who} {shown}"

        entries = list(_one_by_one(self._entries))
        # No line is rendered that is not shown, or nearly: a flood of them would hold up everybody else's checks.
        lines = _as_many_as_fit(map(line, entries), MOST_BYTES)
        if len(lines) == len(entries):
            return "\n".join(lines)
        room = (MOST_BYTES - _GAP_BYTES) // 2
        head = _as_many_as_fit(lines, room)
        tail = _as_many_as_fit(map(line, reversed(entries)), room)
        left_out = len(entries) - len(head) - len(tail)
        return "\n".join([*head, f"        … {left_out} lines left out …", *reversed(tail)])


def without_challenge(line: bytes) -> bytes:
    """The line as it may be kept, where it may be a challenge of SASL."""
    return b"+ ********" if line[:1] == b"+" and line[:3].upper() != b"+OK" else line


def _one_by_one(entries: Iterable[Entry]) -> Iterable[tuple[float, str, bytes]]:
    for at, who, words in entries:
        if isinstance(words, list):
            for each in reversed(words):
                yield at, who, each
        else:
            yield at, who, words.encode() if isinstance(words, str) else words


def _as_many_as_fit(lines: Iterable[str], most_bytes: int) -> list[str]:
    fitting: list[str] = []
    used = 0
    for line in lines:
        used += len(line.encode()) + 1
        if used > most_bytes:
            break
        fitting.append(line)
    return fitting
