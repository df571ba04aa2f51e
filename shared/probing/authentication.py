"""SASL carried in lines, the way IMAP and POP3 share: a command, then challenges after `+ ` and answers to them."""

import base64
import binascii
import secrets
from collections.abc import Callable, Generator
from typing import Any, Final

from shared.checks.vocabulary import LoginOutcome, OutcomeKind
from shared.probing.sasl import REVEALING, Credentials, Exchange, Mechanism, cram_md5, login, plain
from shared.probing.scram import scram_sha_256
from shared.probing.server_words import MASK
from shared.probing.steps import SECRET_LINE, CheckFailed, Compute, Findings, Send, Step

_MASKED_LINE: Final = MASK + b"\r\n"

_EXCHANGES: Final[dict[Mechanism, Callable[[Credentials], Exchange]]] = {
    Mechanism.PLAIN: plain,
    Mechanism.LOGIN: login,
    Mechanism.CRAM_MD5: cram_md5,
    Mechanism.SCRAM_SHA_256: lambda who: scram_sha_256(who, nonce=secrets.token_urlsafe(24).encode()),
}


class Exchanged:
    """An authentication the server has answered with yes or no."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def confirm(self) -> None:
        """The server said yes: raises `CheckFailed` where it had yet to prove that it may (SCRAM's signature)."""
        try:
            self._exchange.send(b"")
        except StopIteration:
            return
        # Content before it was told everything: whoever says so has not looked at the password.
        raise CheckFailed(OutcomeKind.PROTOCOL_ERROR, variant="unasked")


def authenticate(
    mechanism: Mechanism,
    credentials: Credentials,
    findings: Findings,
    *,
    opening: Callable[[Mechanism, bytes | None], tuple[Send, bool]],
    read_challenge: Callable[[bytes], Generator[Step, Any, bytes | None]],
    protected: bool,
) -> Generator[Step, Any, Exchanged]:
    """Log in by SASL, up to the server's yes or no, which the caller reads out of its own grammar.

    Args:
        opening: from the initial response (base64, None where the server speaks first) to the command, and whether
            the response goes with it. read_challenge: from the first line of what the server says, the challenge
            (base64), None once it has answered.
        protected: the connection has TLS.
    """
    exchange = _EXCHANGES[mechanism](credentials)
    response = next(exchange)
    if isinstance(response, Compute):
        raise TypeError("an exchange begins with a response")
    send, went_along = opening(mechanism, base64.b64encode(response) if response is not None else None)
    findings.mechanism = str(mechanism)
    if went_along:
        _note_sending(findings, mechanism, protected=protected)
    line = yield send
    owed = None if went_along else response
    # Some let it go by unread and then ask for it, with nothing in their challenge.
    again = response if went_along else None
    while True:
        challenge = yield from read_challenge(line)
        if challenge is None:
            return Exchanged(exchange)
        if owed is not None:
            answer, owed = owed, None
        elif again is not None and not challenge:
            answer = again
        else:
            # What LOGIN asks with is for people, and nowhere written down: some do not even encode it.
            asked = b"" if mechanism is Mechanism.LOGIN else _decoded(challenge)
            answer = yield from _answer(exchange, asked)
        again = None
        _note_sending(findings, mechanism, protected=protected)
        line = yield Send(base64.b64encode(answer) + b"\r\n", _MASKED_LINE, SECRET_LINE)


def _answer(exchange: Exchange, challenge: bytes) -> Generator[Step, Any, bytes]:
    try:
        answer = exchange.send(challenge)
        while isinstance(answer, Compute):
            answer = exchange.send((yield answer))
    except StopIteration:
        raise CheckFailed(OutcomeKind.PROTOCOL_ERROR, variant="challenge") from None
    return answer or b""


def _decoded(challenge: bytes) -> bytes:
    try:
        return base64.b64decode(challenge, validate=True)
    except binascii.Error:
        raise CheckFailed(OutcomeKind.PROTOCOL_ERROR, variant="challenge") from None


def _note_sending(findings: Findings, mechanism: Mechanism, *, protected: bool) -> None:
    findings.login = LoginOutcome.UNKNOWN
    if mechanism in REVEALING and not protected:
        findings.password_in_clear = True
