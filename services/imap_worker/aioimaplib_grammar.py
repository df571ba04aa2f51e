"""The one place that knows aioimaplib: its grammar of commands and responses, without its transport.

It is fed one bounded line or literal at a time, by a caller that has settled the greeting, size limits and hang-ups
(its own transport recurses per line, has no caps and turns a hang-up into a time-out). What its grammar passes over
in silence (unknown lines, lower-case status words, a reply to nothing) is a protocol error here.
"""

import random
import re
from functools import lru_cache
from typing import Any, Final, NamedTuple

from aioimaplib import aioimaplib

from shared.checks.vocabulary import OutcomeKind
from shared.probing.limits import Limits
from shared.probing.steps import CheckFailed

# All a check ever says. An allow-list here rather than discipline elsewhere: nothing that could change a mailbox.
ALLOWED_VERBS: Final = frozenset({"CAPABILITY", "STARTTLS", "AUTHENTICATE", "LOGIN", "ID", "EXAMINE", "LOGOUT"})

_STATUSES: Final = {b"OK": "OK", b"NO": "NO", b"BAD": "BAD"}
_ANNOUNCES_LITERAL: Final = re.compile(rb"\{([^{}\s]*)\}$")
_SIZE: Final = re.compile(rb"[0-9]{1,20}")
_LOOKS_LIKE_SIZE: Final = re.compile(rb"[-+]?[0-9]+\+?")


class _Command(aioimaplib.Command):  # type: ignore[misc]
    """Its command without the event and the timer it would wait on: time is the connection's business."""

    def __init__(self, name: str, *arguments: str) -> None:
        for argument in arguments:
            if aioimaplib.CONTROL_CHARS.search(argument):
                raise ValueError(f"NUL, CR and LF are not allowed in {name} command arguments")
        self.name = self.untagged_resp_name = name
        self.tag = ""
        self.args = arguments
        self.prefix = None
        self._expected_size = 0
        self._resp_literal_data = bytearray()
        self._resp_result = "Init"
        self._resp_lines: list[bytes] = []

    def _reset_timer(self) -> None:
        """There is none."""


@lru_cache(maxsize=512)
def _spelled(verb: str, *arguments: str) -> bytes:
    """A command as it is spelled behind its tag: always the same, so spelled once. Never handed a secret."""
    if verb not in ALLOWED_VERBS:
        raise ValueError(f"{verb} is no command a check may send")
    return f"{_Command(verb, *arguments)!r}\r\n".encode("ascii")


class Reply(NamedTuple):
    """A command's completion: `status` OK, NO or BAD, the text after it, and the untagged lines before it.

    In `untagged`, literals stand as items of their own, after the line that announced them.
    """

    status: str
    text: bytes
    untagged: tuple[bytes, ...]


class ImapGrammar:
    """One connection's commands and replies. Raises nothing but `CheckFailed`."""

    __slots__ = (
        "_done",
        "_in_line",
        "_leaves",
        "_limits",
        "_looked_through",
        "_number",
        "_prefix",
        "_said",
        "_tag",
        "_untagged",
        "taken",
    )

    def __init__(self, limits: Limits) -> None:
        # It formats whole commands, passwords included, for its debug log, whoever may have turned that on.
        aioimaplib.log.disabled = True
        self._prefix = b"M%04X" % random.getrandbits(16)
        self._number = 0
        self._untagged: list[bytes] = []  # the lines of its reply so far
        self._said: list[list[bytes]] = []  # those of every command
        self._tag = self._done = b""
        self._in_line = False
        self._looked_through = 0  # so many of its lines, for a goodbye
        self._leaves = False
        self._limits = limits
        self.taken: Reply | int | None = None  # what the lines since the last command came to

    def encode(self, verb: str, *arguments: str) -> bytes:
        """A command's line with a new tag, and from now on its reply is what lines are read as.

        Arguments are ASCII, ready to be sent, and no secrets: those the caller puts behind. One with CR, LF or NUL is
        refused with ValueError.
        """
        spelled = _spelled(verb, *arguments)
        self._tag = tag = b"%b%d" % (self._prefix, self._number)
        self._done = tag + b" OK "
        self._number += 1
        self._untagged = []
        self._said.append(self._untagged)
        self._in_line = False
        self._looked_through = 0
        self._leaves = False
        self.taken = None
        return tag + spelled

    @property
    def tag(self) -> str:
        """The tag of the command under way."""
        return self._tag.decode("ascii")

    def take(self, lines: list[bytes]) -> Reply | int | None:
        """Feed it lines off the end of these until one makes it answer; None where none does."""
        untagged, done = self._untagged, self._done
        while lines:
            line = lines.pop()
            # As nearly all of them are: whole, and one after the other.
            if line[:2] == b"* " and line[-1:] != b"}" and not self._in_line:
                untagged.append(line[2:])
            elif line.startswith(done) and not self._in_line:
                self.taken = reply = Reply("OK", line[len(done) :], tuple(untagged))
                return reply
            elif (taken := self.feed_line(line)) is not None:
                return taken
        return None

    def feed_line(self, line: bytes) -> Reply | int | None:
        """The completed reply, the size of the literal that must follow (feed it), or None: go on reading.

        The same afterwards in `taken`.
        """
        if self._in_line:
            # The rest of a line after a literal is data, even where it reads like a reply.
            self._untagged.append(line)
            self._in_line = False
        elif line[:2] == b"* ":
            self._untagged.append(line[2:])
        else:
            self.taken = reply = self._completed(line)
            return reply
        if line[-1:] != b"}":
            return None
        self.taken = size = self._announced(line)
        if size is not None:
            self._in_line = True
        return size

    @property
    def bye(self) -> bytes | None:
        """What the server said when it took its leave, if it did."""
        for lines in reversed(self._said):
            if (text := _last_of(lines, b"BYE")) is not None:
                return text
        return None

    def leaving(self) -> bool:
        """Whether it did so in answer to the command under way.

        Asked whenever lines have come: each is looked at once, or a talkative server would cost its square.
        """
        new = self._untagged[self._looked_through :]
        self._looked_through += len(new)
        self._leaves = self._leaves or _last_of(new, b"BYE") is not None
        return self._leaves

    @property
    def complaint(self) -> bytes | None:
        """What else the server had to say against the command under way, in a line without its tag."""
        return _last_of(self._untagged, b"NO", b"BAD")

    def feed_literal(self, literal: bytes) -> None:
        """The bytes of the announced literal, all of them."""
        command: Any = _Command("")
        command.begin_literal_data(len(literal), literal)
        self._untagged += command.response.lines

    def _completed(self, line: bytes) -> Reply:
        tag, _, rest = line.partition(b" ")
        word, _, text = rest.partition(b" ")
        status = _STATUSES.get(word.upper())
        if tag != self._tag or status is None:
            raise CheckFailed(OutcomeKind.PROTOCOL_ERROR, line, variant="wrong_tag" if status is not None else None)
        # Not by its protocol, which would take apart once more what was taken apart here.
        return Reply(status, text, tuple(self._untagged))

    def _announced(self, line: bytes) -> int | None:
        found = _ANNOUNCES_LITERAL.search(line)
        if found is None or _LOOKS_LIKE_SIZE.fullmatch(found[1]) is None:
            return None
        if _SIZE.fullmatch(found[1]) is None:
            raise CheckFailed(OutcomeKind.PROTOCOL_ERROR, line, variant="literal")
        size = int(found[1])
        if size > self._limits.literal_bytes:
            raise CheckFailed(OutcomeKind.RESPONSE_TOO_LARGE, line, variant="literal")
        return size


def _last_of(lines: list[bytes], *words: bytes) -> bytes | None:
    """The text of the last of these untagged lines that begins with one of the words."""
    for line in reversed(lines):
        word, _, text = line.partition(b" ")
        if word.upper() in words:
            return bytes(text)
    return None
