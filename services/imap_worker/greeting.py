"""The first line of an IMAP server: who speaks there, and whether it lets us in."""

import re
from typing import Final, NamedTuple

from shared.checks.vocabulary import OutcomeKind
from shared.probing.foreign_banners import foreign_banner
from shared.probing.replies import judge_refusal, referred_to
from shared.probing.steps import CheckFailed

_GREETING: Final = re.compile(rb"\* (OK|PREAUTH|BYE)(?: (.*))?\Z", re.IGNORECASE | re.DOTALL)


class Greeting(NamedTuple):
    preauthenticated: bool
    text: bytes


def read_greeting(line: bytes) -> Greeting:
    """Raises `CheckFailed`: greeting_rejected, not_a_mail_server, protocol_error."""
    found = _GREETING.fullmatch(line)
    if found is None:
        raise foreign_banner(line, native=b"* ")
    word, text = found[1].upper(), found[2] or b""
    if word == b"BYE":
        kind, _ = judge_refusal(text, OutcomeKind.GREETING_REJECTED)
        # Of all softer kinds only a limit is something a greeting can be about.
        rejected = kind if kind is OutcomeKind.RATE_LIMITED else OutcomeKind.GREETING_REJECTED
        raise CheckFailed(rejected, line, variant="elsewhere" if referred_to(text) is not None else None)
    return Greeting(preauthenticated=word == b"PREAUTH", text=text)
