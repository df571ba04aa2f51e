"""The language between a dialogue (pure) and the connection that plays it.

A dialogue is a generator: it yields steps, is sent back a line (or what it made of some) where it asked for one,
returns when everything went well and raises `CheckFailed` where it did not. It never sees a socket, a clock or a TLS
object.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Final

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


Take = Callable[[list[bytes]], Any]
"""Takes off the end of these lines (the next one is the last) those it wants; answers None while it wants more."""


class Read:
    """Answered with the next line, without its end; where there is a `take`, with what that answers.

    Args:
        take: handed all lines that are there at once, up to the one that makes it answer. secret: a challenge of SASL
            in a line is not shown in the transcript. leaving: asked when nothing answers yet; whether the server has
            said that it leaves, so that it gets no more time than a goodbye does.
    """

    __slots__ = ("leaving", "secret", "take")

    def __init__(
        self, take: Take | None = None, *, secret: bool = False, leaving: Callable[[], bool] | None = None
    ) -> None:
        self.take = take
        self.secret = secret
        self.leaving = leaving


LINE: Final = Read()
SECRET_LINE: Final = Read(secret=True)


class Send:
    """Write these bytes, then read. Plain classes, both of them: several are made for every check.

    Args:
        shown: stands for them in the transcript where they hold a secret. phase: begins here. parting: from here on,
            should we have to leave in a hurry, say this first (POP3 keeps its lock until QUIT).
    """

    __slots__ = ("data", "parting", "phase", "shown", "then")

    def __init__(
        self,
        data: bytes,
        shown: bytes | None = None,
        then: Read = LINE,
        *,
        phase: Phase | None = None,
        parting: bytes | None = None,
    ) -> None:
        self.data = data
        self.shown = shown
        self.then = then
        self.phase = phase
        self.parting = parting


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
class Goodbye:
    """What the check came to, None where it passed. Whatever follows is only manners, and changes nothing."""

    failure: CheckFailed | None


class _StartTls:
    """Answered (with b"") once the handshake is complete; whatever was said in clear after the OK is refused."""

    __slots__ = ()


START_TLS: Final = _StartTls()
ENTER: Final = {phase: Enter(phase) for phase in Phase}

PASSED: Final = Goodbye(None)

Step = Send | Read | ReadLiteral | Enter | Compute | Goodbye | _StartTls
Dialogue = Generator[Step, Any, None]


def with_manners(conversation: Dialogue, goodbye: Callable[[], Dialogue]) -> Dialogue:
    """The conversation, then goodbye: after a success, and after a failure where the server still understands us."""
    try:
        yield from conversation
    except CheckFailed as failure:
        if not failure.polite:
            raise
        yield Goodbye(failure)
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
