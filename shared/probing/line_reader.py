"""Bytes from a mail server into lines and literals, within caps. Pure; knows no protocol.

The first to see what a server sends, so that no grammar ever meets a line longer than it should be, a stray control
character or a flood. Any split of the same bytes gives the same lines.
"""

import re
from typing import Final

from shared.checks.vocabulary import OutcomeKind
from shared.probing.limits import Limits
from shared.probing.steps import CheckFailed

# What servers send as a rule: whole lines, each with CRLF at its end and nothing stray inside.
_SOUND: Final = re.compile(rb"(?:[^\r\n\0]*\r\n)+").fullmatch


class LineReader:
    """Feed it bytes; take lines (without their ends) and literals. Raises `CheckFailed` where a cap is passed.

    A line ends with LF, before which one CR is dropped; neither counts towards its length. A CR elsewhere or a NUL is
    a protocol error: what one side takes for two lines and the other for one is how commands are smuggled.

    Where `sound` is not empty, the next line may as well be taken off its end: most answers come as a segment of whole
    lines with nothing stray in it, and a look at all of them at once is cheaper than a look at each.
    """

    # The bytes as they came and a place in them: a segment of many lines is never copied or moved for each of them.
    __slots__ = ("_at", "_data", "_line_bytes", "_lines_at_most", "_lines_left", "_scanned", "bytes_left", "sound")

    def __init__(self, limits: Limits) -> None:
        self._line_bytes = limits.line_bytes
        self._lines_at_most = limits.lines_per_command
        self.bytes_left = limits.connection_bytes
        self.sound: list[bytes] = []  # all that is unread, as lines, the last one first; counted already
        self._data = b""
        self._at = 0  # where the unread begins
        self._scanned = 0  # up to where there is no line end
        self._lines_left = limits.lines_per_command

    def feed(self, data: bytes) -> None:
        size = len(data)
        self.bytes_left -= size
        if self.bytes_left < 0:
            raise CheckFailed(OutcomeKind.RESPONSE_TOO_LARGE, variant="connection")
        if self.sound:
            self._look_closer()
        if self._at < len(self._data):
            self._data = self._data[self._at :] + data
            self._scanned -= self._at
            self._at = 0
            return
        if size <= self._line_bytes and _SOUND(data):
            lines = data.split(b"\r\n")[-2::-1]
            self._lines_left -= len(lines)
            if self._lines_left >= 0:
                self.sound = lines
                return
            self._lines_left += len(lines)
        self._data = data
        self._at = self._scanned = 0

    def begin_command(self) -> None:
        """A command was sent: its answer may have as many lines as any."""
        self._lines_left = self._lines_at_most - len(self.sound)

    def next_line(self) -> bytes | None:
        """The next line, or None while it is not complete."""
        if self.sound:
            return self.sound.pop()
        data, at = self._data, self._at
        if at == len(data):
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
        self._at = self._scanned = end + 1
        return line

    def take(self, size: int) -> bytes | None:
        """Exactly `size` bytes, or None while they are not all here."""
        if self.sound:
            self._look_closer()
        end = self._at + size
        if len(self._data) < end:
            return None
        taken = self._data[self._at : end]
        self._at = self._scanned = end
        return taken

    @property
    def unread(self) -> bytes:
        """What has arrived and was not taken yet."""
        if self.sound:
            self._look_closer()
        return self._data[self._at :]

    def _look_closer(self) -> None:
        """Back to the bytes as they came: something else is wanted of them than one sound line after the other."""
        lines, self.sound = self.sound, []
        self._lines_left += len(lines)
        self._data = b"".join(line + b"\r\n" for line in reversed(lines))
        self._at = self._scanned = 0

    def _not_yet(self) -> None:
        self._judge_partial()
        self._scanned = len(self._data)

    def _judge_partial(self) -> None:
        # Whatever comes first in the bytes is what is wrong with them, however they were split.
        data, at, most = self._data, self._at, self._line_bytes
        stop = min(len(data), at + most + 1)
        start = max(self._scanned - 1, at)
        if 0 <= data.find(b"\r", start, stop) < stop - 1 or data.find(b"\0", start, stop) >= 0:
            first = data[at : at + 512]
            raise CheckFailed(OutcomeKind.PROTOCOL_ERROR, first, variant="control", unread=first)
        if len(data) - at > most + data.endswith(b"\r", at + most):
            raise CheckFailed(OutcomeKind.RESPONSE_TOO_LARGE, data[at : at + 512], variant="line")
