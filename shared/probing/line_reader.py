"""Bytes from a mail server into lines and literals, within caps. Pure; knows no protocol.

The first to see what a server sends, so that no grammar ever meets a line longer than it should be, a stray control
character or a flood. Any split of the same bytes gives the same lines.
"""

from shared.checks.vocabulary import OutcomeKind
from shared.probing.limits import Limits
from shared.probing.steps import CheckFailed


class LineReader:
    """Feed it bytes; take lines (without their ends) and literals. Raises `CheckFailed` where a cap is passed.

    A line ends with LF, before which one CR is dropped; neither counts towards its length. A CR elsewhere or a NUL is
    a protocol error: what one side takes for two lines and the other for one is how commands are smuggled.

    Most answers come as a segment of whole lines with nothing stray in it, and a look at all of them at once is cheaper
    than a look at each: then `sound` holds them, and whoever reads may take them off its end. Where it is empty and
    there is no `rough` either, nothing is unread.
    """

    # The bytes as they came and a place in them: a segment of many lines is never copied or moved for each of them.
    __slots__ = ("_at", "_line_bytes", "_lines_at_most", "_lines_left", "_scanned", "bytes_left", "rough", "sound")

    def __init__(self, limits: Limits) -> None:
        self._line_bytes = limits.line_bytes
        self._lines_at_most = limits.lines_per_command
        self.bytes_left = limits.connection_bytes
        self.sound: list[bytes] = []  # all that is unread, as lines, the last one first; counted already
        self.rough = b""  # bytes to be taken line by line; empty once all of them were
        self._at = 0  # where the unread of them begins
        self._scanned = 0  # up to where there is no line end
        self._lines_left = limits.lines_per_command

    def feed(self, data: bytes) -> None:
        size = len(data)
        self.bytes_left -= size
        if self.bytes_left < 0:
            raise CheckFailed(OutcomeKind.RESPONSE_TOO_LARGE, variant="connection")
        if self.sound:
            self._look_closer()
        if self.rough:
            self.rough = self.rough[self._at :] + data
            self._scanned -= self._at
            self._at = 0
            return
        if size <= self._line_bytes and data[-2:] == b"\r\n" and b"\0" not in data:
            lines = data.split(b"\r\n")
            count = len(lines) - 1
            # As many of either as there are line ends: then none of them stands anywhere else.
            if data.count(b"\r") == count == data.count(b"\n") and count <= self._lines_left:
                self._lines_left -= count
                lines.pop()  # what follows the last line end, and is empty
                lines.reverse()
                self.sound = lines
                return
        self.rough = data
        self._at = self._scanned = 0

    def begin_command(self) -> None:
        """A command was sent: its answer may have as many lines as any."""
        self._lines_left = self._lines_at_most - len(self.sound)

    def next_line(self) -> bytes | None:
        """The next line, or None while it is not complete."""
        if self.sound:
            return self.sound.pop()
        data, at = self.rough, self._at
        if not data:
            return None
        end = data.find(b"\n", self._scanned)
        if end < 0:
            self._not_yet()
            return None
        line = data[at:end]
        if line[-1:] == b"\r":
            line = line[:-1]
        if len(line) > self._line_bytes:
            self._not_yet()
            return None
        if b"\r" in line or b"\0" in line:
            raise CheckFailed(OutcomeKind.PROTOCOL_ERROR, line, variant="control", unread=line)
        self._lines_left -= 1
        if self._lines_left < 0:
            raise CheckFailed(OutcomeKind.RESPONSE_TOO_LARGE, line, variant="lines")
        self._taken_to(end + 1)
        return line

    def take(self, size: int) -> bytes | None:
        """Exactly `size` bytes, or None while they are not all here."""
        if self.sound:
            self._look_closer()
        at, end = self._at, self._at + size
        data = self.rough
        if len(data) < end:
            return None
        self._taken_to(end)
        return data[at:end]

    @property
    def unread(self) -> bytes:
        """What has arrived and was not taken yet."""
        if self.sound:
            self._look_closer()
        return self.rough[self._at :]

    def _look_closer(self) -> None:
        """Back to the bytes as they came: something else is wanted of them than one sound line after the other."""
        lines, self.sound = self.sound, []
        self._lines_left += len(lines)
        self.rough = b"".join(line + b"\r\n" for line in reversed(lines))
        self._at = self._scanned = 0

    def _taken_to(self, end: int) -> None:
        if end == len(self.rough):
            self.rough = b""
            end = 0
        self._at = self._scanned = end

    def _not_yet(self) -> None:
        self._judge_partial()
        self._scanned = len(self.rough)

    def _judge_partial(self) -> None:
        # Whatever comes first in the bytes is what is wrong with them, however they were split.
        data, at, most = self.rough, self._at, self._line_bytes
        stop = min(len(data), at + most + 1)
        start = max(self._scanned - 1, at)
        if 0 <= data.find(b"\r", start, stop) < stop - 1 or data.find(b"\0", start, stop) >= 0:
            first = data[at : at + 512]
            raise CheckFailed(OutcomeKind.PROTOCOL_ERROR, first, variant="control", unread=first)
        if len(data) - at > most + data.endswith(b"\r", at + most):
            raise CheckFailed(OutcomeKind.RESPONSE_TOO_LARGE, data[at : at + 512], variant="line")
