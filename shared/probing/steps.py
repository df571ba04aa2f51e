"""The language between a dialogue (pure) and the connection that plays it.

A dialogue is a generator: it yields steps, is sent back a line where it asked for one, returns when everything went
well and raises `CheckFailed` where it did not. It never sees a socket, a clock or a TLS object.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Final

from shared.checks.vocabulary import LoginOutcome, OutcomeKind, Phase


class CheckFailed(Exception):
    """The check ended with a failure of this kind.

    Args:
        words: the server's own words, raw. variant: which special sentence or hint fits (see explanations).
        unread: bytes received that made no whole line. polite: the server still understands us, so say goodbye.
    """

    def __init__(
        self,
        kind: OutcomeKind,
        words: bytes | None = None,
        *,
        variant: str | None = None,
        unread: bytes = b"",
        polite: bool = False,
    ) -> None:
        super().__init__(kind.value)
        self.kind = kind
        self.words = words
        self.variant = variant
        self.unread = unread
        self.polite = polite


class Send:
    """Write these bytes; answered with the next line. A plain class: several are made for every check.

    Args:
        shown: stands for them in the transcript where they hold a secret. challenged: the answer may be a challenge
            of SASL, not to be shown.
    """

    __slots__ = ("challenged", "data", "shown")

    def __init__(self, data: bytes, shown: bytes | None = None, *, challenged: bool = False) -> None:
        self.data = data
        self.shown = shown
        self.challenged = challenged


@dataclass(frozen=True, slots=True)
class ReadLiteral:
    """Answered with exactly `size` bytes."""

    size: int


@dataclass(frozen=True, slots=True)
class Enter:
    """The phase before this one is complete."""

    phase: Phase


@dataclass(frozen=True, slots=True)
class Compute:
    """Answered with what `work` returns, done where it holds up nobody else."""

    work: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Parting:
    """From here on, should we have to leave in a hurry, say this first (POP3 keeps its lock until QUIT)."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the check came to; whatever follows is only manners, and changes nothing. None: it passed."""

    failure: CheckFailed | None


class _ReadLine:
    """Answered with the next line, without its end. `SECRET_LINE`: a challenge in it is not shown in a transcript."""

    __slots__ = ()


class _StartTls:
    """Answered (with b"") once the handshake is complete; whatever was said in clear after the OK is refused."""

    __slots__ = ()


LINE: Final = _ReadLine()
SECRET_LINE: Final = _ReadLine()
START_TLS: Final = _StartTls()
ENTER: Final = {phase: Enter(phase) for phase in Phase}

PASSED: Final = Verdict(None)

Step = Send | ReadLiteral | Enter | Compute | Parting | Verdict | _ReadLine | _StartTls
Dialogue = Generator[Step, bytes, None]


def with_manners(conversation: Dialogue, goodbye: Callable[[], Dialogue]) -> Dialogue:
    """The conversation, then goodbye: after a success, and after a failure where the server still understands us."""
    try:
        yield from conversation
    except CheckFailed as failure:
        if not failure.polite:
            raise
        yield Verdict(failure)
    else:
        yield PASSED
    yield from goodbye()


@dataclass(slots=True)
class Findings:
    """What a dialogue learned on its way, whether or not it got to the end."""

    login: LoginOutcome = LoginOutcome.NOT_SENT
    mechanism: str | None = None
    password_in_clear: bool = False
    messages: int | None = None
