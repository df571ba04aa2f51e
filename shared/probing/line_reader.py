"""Bytes from a mail server into lines and literals, within caps. Pure; knows no protocol.

The first to see what a server sends, so that no grammar ever meets a line longer than it should be, a stray control
character or a flood. Any split of the same bytes gives the same lines.
"""

from shared.checks.vocabulary import OutcomeKind
from shared.probing.limits import Limits
from shared.probing.steps import CheckFailed


class LineReader:
    """Feed it bytes; take lines (without their ends) and literals. Raises `CheckFailed` where a cap is passed.

    A line ends with LF, before which one CR is dropped. A CR elsewhere or a NUL is a protocol error: what one side
    takes for two lines and the other for one is how commands are smuggled.
    """

    __slots__ = ("_buffer", "_limits", "_lines", "_scanned", "_total")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._buffer = bytearray()
        self._scanned = 0
        self._lines = 0
        self._total = 0

    def feed(self, data: bytes) -> None:
        self._total += len(data)
        if self._total > self._limits.connection_bytes:
            raise CheckFailed(OutcomeKind.RESPONSE_TOO_LARGE, variant="connection")
        self._buffer += data

    def begin_command(self) -> None:
        """A command was sent: its answer may have as many lines as any."""
        self._lines = 0

    def next_line(self) -> bytes | None:
        """The next line, or None while it is not complete."""
        buffer = self._buffer
        if not buffer:
            return None
        end = buffer.find(b"\n", self._scanned)
        if end < 0 or end > self._limits.line_bytes:
            self._judge_partial()
            self._scanned = len(buffer)
            return None
        line = bytes(buffer[: end - 1 if end and buffer[end - 1] == 13 else end])
        if b"\r" in line or b"\0" in line:
            raise CheckFailed(OutcomeKind.PROTOCOL_ERROR, line, variant="control", unread=line)
        self._lines += 1
        if self._lines > self._limits.lines_per_command:
            raise CheckFailed(OutcomeKind.RESPONSE_TOO_LARGE, line, variant="lines")
        del buffer[: end + 1]
        self._scanned = 0
        return line

    def take(self, size: int) -> bytes | None:
        """Exactly `size` bytes, or None while they are not all here."""
        if len(self._buffer) < size:
            return None
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        self._scanned = 0
        return taken

    @property
    def unread(self) -> bytes:
        """What has arrived and was not taken yet."""
        return bytes(self._buffer)

    def _judge_partial(self) -> None:
        # Whatever comes first in the bytes is what is wrong with them, however they were split.
        buffer, most = self._buffer, self._limits.line_bytes
        stop = min(len(buffer), most + 1)
        start = max(self._scanned - 1, 0)
        if 0 <= buffer.find(b"\r", start, stop) < stop - 1 or buffer.find(b"\0", start, stop) >= 0:
            first = bytes(buffer[:512])
            raise CheckFailed(OutcomeKind.PROTOCOL_ERROR, first, variant="control", unread=first)
        if len(buffer) > most:
            raise CheckFailed(OutcomeKind.RESPONSE_TOO_LARGE, bytes(buffer[:512]), variant="line")
