"""The conversation of one POP3 check, without a socket: greeting, CAPA, STLS, login, STAT, QUIT."""

from collections.abc import Generator
from typing import Any, Final

from services.pop3_worker.commands import LONGEST_LINE, encode
from services.pop3_worker.grammar import (
    Capabilities,
    Listing,
    Status,
    is_challenge,
    read_capabilities,
    read_stat,
    read_status,
)
from shared.checks.vocabulary import LoginOutcome, OutcomeKind, Phase, Security
from shared.probing.authentication import Exchanged, authenticate
from shared.probing.foreign_banners import foreign_banner, judged_by_first_bytes
from shared.probing.limits import Limits
from shared.probing.probe import ProbeRequest
from shared.probing.replies import judge_refusal, login_outcome, login_variant
from shared.probing.sasl import Credentials, Mechanism, choose_mechanism, unsupported_variant
from shared.probing.server_words import MASK
from shared.probing.steps import (
    ENTER,
    LINE,
    SECRET_LINE,
    START_TLS,
    CheckFailed,
    Dialogue,
    Findings,
    Read,
    Send,
    Step,
    with_manners,
)

_Answered = Generator[Step, Any, Status]

_CAPA: Final = encode("CAPA")
_STLS: Final = Send(encode("STLS"))
_STAT: Final = Send(encode("STAT"), phase=Phase.MAILBOX)
_QUIT: Final = Send(encode("QUIT"))
_NOTHING_KNOWN: Final = Capabilities()


def pop3_dialogue(request: ProbeRequest, findings: Findings, limits: Limits) -> Dialogue:
    """The steps of one check of this target."""
    del limits  # lines are capped before they get here, and POP3 has nothing but lines
    conversation = _Conversation(request, findings)
    return with_manners(conversation.steps(), conversation.goodbye)


class _Conversation:
    """One connection's state: what the server can do, and whether TLS is up."""

    def __init__(self, request: ProbeRequest, findings: Findings) -> None:
        self._request = request
        self._target = request.target
        self._findings = findings
        self._offered = _NOTHING_KNOWN
        self._in_two_steps = False
        self._protected = request.target.security is Security.TLS
        self._final = Status(ok=False, text=b"")

    def steps(self) -> Dialogue:
        yield from self._greeting()
        yield from self._learn_capabilities()
        if self._target.security is Security.STARTTLS:
            yield from self._start_tls()
        if not self._request.logs_in:
            return
        yield from self._log_in()
        yield from self._count_messages()

    def goodbye(self) -> Dialogue:
        yield _QUIT

    def _greeting(self) -> Dialogue:
        try:
            line = yield LINE
        except CheckFailed as failure:
            raise judged_by_first_bytes(failure, b"+OK", b"-ERR") from None
        try:
            greeting = read_status(line)
        except CheckFailed:
            raise foreign_banner(line, native=b"+OK") from None
        if not greeting.ok:
            kind, _ = judge_refusal(greeting.text, OutcomeKind.GREETING_REJECTED)
            # Of all softer kinds only a limit is something a greeting can be about.
            rejected = kind if kind is OutcomeKind.RATE_LIMITED else OutcomeKind.GREETING_REJECTED
            raise CheckFailed(rejected, line)
        # Exchange was seen to close the connection on a response in the line of AUTH itself, and documents it without.
        self._in_two_steps = b"Microsoft Exchange" in greeting.text

    def _learn_capabilities(self) -> Dialogue:
        listing = Listing()
        status = yield Send(_CAPA, then=Read(listing.take), phase=Phase.CAPABILITY)
        # Older than RFC 2449: nothing is known, and USER and PASS are all there is.
        self._offered = read_capabilities(listing.lines) if status.ok else _NOTHING_KNOWN

    def _start_tls(self) -> Dialogue:
        if self._offered.known and not self._offered.stls:
            raise CheckFailed(OutcomeKind.STARTTLS_MISSING, polite=True)
        status = read_status((yield _STLS))
        if not status.ok:
            variant = "refused" if self._offered.known else None
            raise CheckFailed(OutcomeKind.STARTTLS_MISSING, status.text, variant=variant, polite=True)
        yield START_TLS
        self._protected = True
        # RFC 2595 section 4: what was said before TLS is void.
        yield from self._learn_capabilities()

    def _log_in(self) -> Dialogue:
        target = self._target
        mechanism = choose_mechanism(
            target.auth,
            offered=self._offered.mechanisms,
            native_allowed=self._offered.user,
            with_authorization_id=target.authorization_id is not None,
            short_plain=not self._in_two_steps,
        )
        if mechanism is None:
            yield ENTER[Phase.AUTH]
            variant = unsupported_variant(
                self._offered.mechanisms, native_allowed=self._offered.user, protected=self._protected
            )
            words = " ".join(sorted(self._offered.mechanisms)).encode()
            raise CheckFailed(OutcomeKind.AUTH_UNSUPPORTED, words, variant=variant, polite=True)
        credentials = Credentials(
            user=(target.user or "").encode(),
            password=self._request.password or b"",
            authorization_id=(target.authorization_id or "").encode(),
        )
        exchanged: Exchanged | None = None
        if mechanism is Mechanism.NATIVE:
            status = yield from self._user_and_pass(credentials)
        else:
            exchanged = yield from authenticate(
                mechanism,
                credentials,
                self._findings,
                opening=self._opening,
                read_challenge=self._read_challenge,
                protected=self._protected,
            )
            status = self._final
        self._judge_login(status)
        if exchanged is not None:
            exchanged.confirm()
        self._findings.login = LoginOutcome.ACCEPTED

    def _judge_login(self, status: Status) -> None:
        if status.ok:
            if self._findings.login is LoginOutcome.NOT_SENT:
                raise CheckFailed(OutcomeKind.PROTOCOL_ERROR, status.text, variant="unasked", polite=True)
            return
        kind, by_code = judge_refusal(status.text, OutcomeKind.AUTH_REJECTED)
        self._findings.login = login_outcome(kind, by_code=by_code)
        raise CheckFailed(kind, status.text, variant=login_variant(status.text, kind), polite=True)

    def _user_and_pass(self, credentials: Credentials) -> _Answered:
        self._findings.mechanism = str(Mechanism.NATIVE)
        status = read_status((yield _login(encode("USER", credentials.user))))
        if not status.ok:
            return status
        self._findings.login = LoginOutcome.UNKNOWN
        self._findings.password_in_clear = not self._protected
        return read_status((yield Send(encode("PASS", credentials.password), b"PASS " + MASK)))

    def _opening(self, mechanism: Mechanism, response: bytes | None) -> tuple[Send, bool]:
        name = mechanism.encode("ascii")
        fits = response is not None and len("AUTH ") + len(name) + 1 + len(response) + 2 <= LONGEST_LINE
        if fits and not self._in_two_steps:
            line = encode("AUTH", name + b" " + (response or b"="))
            return _login(line, b"AUTH " + name + b" " + MASK, SECRET_LINE), True
        return _login(encode("AUTH", name), None, SECRET_LINE), False

    def _read_challenge(self, line: bytes) -> Generator[Step, Any, bytes | None]:
        """The challenge in this line; None once the server has answered (kept in `_final`)."""
        yield from ()  # a challenge of POP3 is never longer than its line
        if is_challenge(line):
            return line[1:].strip(b" ")
        self._final = read_status(line)
        return None

    def _count_messages(self) -> Dialogue:
        status = read_status((yield _STAT))
        if not status.ok:
            kind, _ = judge_refusal(status.text, OutcomeKind.MAILBOX_MISSING)
            if kind in (OutcomeKind.AUTH_REJECTED, OutcomeKind.AUTH_EXPIRED):
                kind = OutcomeKind.MAILBOX_MISSING
            raise CheckFailed(kind, status.text, variant="mailbox", polite=True)
        self._findings.messages = read_stat(status.text)


def _login(line: bytes, shown: bytes | None = None, then: Read = LINE) -> Send:
    """The first line of a login. The mailbox is locked from here to QUIT, even where we have to leave in between."""
    return Send(line, shown, then, phase=Phase.AUTH, parting=_QUIT.data)
