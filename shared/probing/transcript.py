"""The dialogue of one check as it happened, kept by reference and rendered only when somebody needs it."""

from collections.abc import Iterable

from shared.probing.server_words import Redactor, escaped

MOST_BYTES = 8 * 1024
_LINE_BYTES = 512
_GAP_BYTES = 64
_NOTE = b"*"

_MARKS = {b"<": "S:", b">": "C:", _NOTE: "--"}


class Transcript:
    """Entries of (moment on the monotonic clock, who, bytes). Bounded by the connection's own caps."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: list[tuple[float, bytes, bytes]] = []

    def received(self, at: float, line: bytes) -> None:
        self._entries.append((at, b"<", line))

    def sent(self, at: float, line: bytes) -> None:
        self._entries.append((at, b">", line))

    def note(self, at: float, text: str) -> None:
        """Something that happened beside the dialogue: a connection, a handshake, a hang-up."""
        self._entries.append((at, _NOTE, text.encode()))

    def render(self, redact: Redactor, *, began_at: float) -> str:
        """`seconds who: words` a line, secrets masked, at most 8 KiB; of a long one the beginning and the end."""

        def line(entry: tuple[float, bytes, bytes]) -> str:
            at, who, words = entry
            shown = escaped(redact(words).rstrip(), most_bytes=_LINE_BYTES)
            return f"{max(at - began_at, 0.0):7.3f} {_MARKS[who]} {shown}"

        # No line is rendered that is not shown, or nearly: a flood of them would hold up everybody else's checks.
        lines = _as_many_as_fit(map(line, self._entries), MOST_BYTES)
        if len(lines) == len(self._entries):
            return "\n".join(lines)
        room = (MOST_BYTES - _GAP_BYTES) // 2
        head = _as_many_as_fit(lines, room)
        tail = _as_many_as_fit(map(line, reversed(self._entries)), room)
        left_out = len(self._entries) - len(head) - len(tail)
        return "\n".join([*head, f"        … {left_out} lines left out …", *reversed(tail)])


def _as_many_as_fit(lines: Iterable[str], most_bytes: int) -> list[str]:
    fitting: list[str] = []
    used = 0
    for line in lines:
        used += len(line.encode()) + 1
        if used > most_bytes:
            break
        fitting.append(line)
    return fitting
