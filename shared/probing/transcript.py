"""The dialogue of one check as it happened, kept by reference and rendered only when somebody needs it."""

from shared.probing.server_words import Redactor, escaped

MOST_BYTES = 8 * 1024
_LINE_BYTES = 512
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
        lines = [
            f"{max(at - began_at, 0.0):7.3f} {_MARKS[who]} {escaped(redact(words).rstrip(), most_bytes=_LINE_BYTES)}"
            for at, who, words in self._worth_rendering()
        ]
        return _fit(lines)

    def _worth_rendering(self) -> list[tuple[float, bytes, bytes]]:
        # Rendering is bounded too: a server that sent thousands of lines is not worth thousands of escapes.
        if len(self._entries) <= 400:
            return self._entries
        return self._entries[:200] + self._entries[-200:]


def _fit(lines: list[str]) -> str:
    sizes = [len(line.encode()) + 1 for line in lines]
    if sum(sizes) <= MOST_BYTES:
        return "\n".join(lines)
    room = MOST_BYTES - 64
    head = tail = used = 0
    while used + sizes[head] <= room // 2:
        used += sizes[head]
        head += 1
    while head + tail < len(lines) and used + sizes[-1 - tail] <= room:
        tail += 1
        used += sizes[-tail]
    left_out = len(lines) - head - tail
    return "\n".join([*lines[:head], f"        … {left_out} lines left out …", *lines[len(lines) - tail :]])
