"""The conversation of one IMAP check, without a socket: greeting, capabilities, STARTTLS, login, EXAMINE, goodbye."""

import re
from collections.abc import Generator
from functools import lru_cache
from typing import Any, Final

from services.imap_worker.aioimaplib_grammar import ImapGrammar, Reply
from services.imap_worker.capabilities import NOTHING_OFFERED, offered
from services.imap_worker.commands import mailbox_name, quoted
from services.imap_worker.greeting import Greeting, read_greeting
from shared.checks.vocabulary import LoginOutcome, OutcomeKind, Phase, Security
from shared.probing.authentication import Exchanged, authenticate
from shared.probing.foreign_banners import judged_by_first_bytes
from shared.probing.limits import Limits
from shared.probing.probe import ProbeRequest
from shared.probing.replies import judge_refusal, login_outcome, login_variant, referred_to
from shared.probing.sasl import Credentials, Mechanism, choose_mechanism, unsupported_variant
from shared.probing.server_words import MASK
from shared.probing.steps import (
    ENTER,
    LINE,
    START_TLS,
    CheckFailed,
    Dialogue,
    Findings,
    Read,
    ReadLiteral,
    Send,
    Step,
    with_manners,
)

# No bracket inside: a line of nothing but openings would be searched anew from each of them.
_CAPABILITY_CODE: Final = re.compile(rb"\[CAPABILITY ([^\[\]\r\n]*)\]", re.IGNORECASE)
_EXISTS: Final = re.compile(rb" *(\S+) +EXISTS *\Z", re.IGNORECASE)
_NUMBER: Final = re.compile(rb"[0-9]{1,10}")
# Exchange's way of saying, as a BAD, that there is no mailbox for who has logged in.
_NOT_CONNECTED: Final = re.compile(rb"authenticated but not connected", re.IGNORECASE)
_WHO_CALLS: Final = ('("name"', '"mailprobe")')
_PARTING: Final = b"Z LOGOUT\r\n"

_Replied = Generator[Step, Any, Reply]


def imap_dialogue(request: ProbeRequest, findings: Findings, limits: Limits) -> Dialogue:
    """The steps of one check of this target."""
    conversation = _Conversation(request, findings, limits)
    return with_manners(conversation.steps(), conversation.goodbye)


class _Conversation:
    """One connection's state: the grammar, what the server can do, and whether TLS is up."""

    def __init__(self, request: ProbeRequest, findings: Findings, limits: Limits) -> None:
        self._request = request
        self._target = request.target
        self._findings = findings
        self._grammar = ImapGrammar(limits)
        self._reading = Read(self._grammar.take, leaving=self._grammar.leaving)
        self._reading_challenges = Read(secret=True, leaving=self._grammar.leaving)
        self._offered = NOTHING_OFFERED
        self._protected = request.target.security is Security.TLS
        self._logging_in = False
        self._final: Reply | None = None

    def steps(self) -> Dialogue:
        try:
            greeting = yield from self._greeting()
            yield from self._learn_capabilities(greeting.text)
            if self._target.security is Security.STARTTLS:
                yield from self._start_tls()
            if "ID" in self._offered.names:
                # Not needed for the check: a server that dislikes it is not ill.
                yield from self._command("ID", *_WHO_CALLS)
            if self._request.logs_in:
                yield from self._log_in()
                yield from self._examine()
        except CheckFailed as failure:
            raise self._with_bye(failure) from None

    def goodbye(self) -> Dialogue:
        yield from self._command("LOGOUT")

    def _greeting(self) -> Generator[Step, Any, Greeting]:
        try:
            line = yield LINE
        except CheckFailed as failure:
            raise judged_by_first_bytes(failure, b"* OK", b"* PREAUTH", b"* BYE") from None
        greeting = read_greeting(line)
        # Forged in clear before TLS, or by a server that knows no password: either way no login is tested.
        if greeting.preauthenticated and (self._target.security is Security.STARTTLS or self._request.has_credentials):
            raise CheckFailed(OutcomeKind.PREAUTH_UNEXPECTED, line)
        return greeting

    def _learn_capabilities(self, told: bytes) -> Dialogue:
        """From a status text that carries them, else by asking."""
        found = _CAPABILITY_CODE.search(told)
        if found is not None:
            yield ENTER[Phase.CAPABILITY]
            self._offered = offered(found[1])
            return
        reply = yield from self._command("CAPABILITY", phase=Phase.CAPABILITY)
        if reply.status != "OK":
            raise CheckFailed(OutcomeKind.PROTOCOL_ERROR, reply.text, polite=True)
        # Some say it on several lines.
        if words := b" ".join(line[11:] for line in reply.untagged if line[:11].upper() == b"CAPABILITY "):
            self._offered = offered(words)
            return
        # Not where RFC 3501 wants it, but there.
        if (found := _CAPABILITY_CODE.search(reply.text)) is not None:
            self._offered = offered(found[1])
            return
        raise CheckFailed(OutcomeKind.PROTOCOL_ERROR, reply.text, variant="missing_data", polite=True)

    def _start_tls(self) -> Dialogue:
        if "STARTTLS" not in self._offered.names:
            raise CheckFailed(OutcomeKind.STARTTLS_MISSING, polite=True)
        reply = yield from self._command("STARTTLS")
        if reply.status != "OK":
            raise CheckFailed(OutcomeKind.STARTTLS_MISSING, reply.text, variant="refused", polite=True)
        yield START_TLS
        self._protected = True
        # RFC 3501 6.2.1: what was said before TLS is void.
        yield from self._learn_capabilities(b"")

    def _log_in(self) -> Dialogue:
        target = self._target
        names = self._offered.names
        native_allowed = "LOGINDISABLED" not in names
        mechanism = choose_mechanism(
            target.auth,
            offered=self._offered.mechanisms,
            native_allowed=native_allowed,
            with_authorization_id=target.authorization_id is not None,
            short_plain="SASL-IR" in names,
        )
        if mechanism is None:
            yield ENTER[Phase.AUTH]
            variant = unsupported_variant(
                self._offered.mechanisms, native_allowed=native_allowed, protected=self._protected
            )
            words = " ".join(sorted(self._offered.mechanisms)).encode()
            raise CheckFailed(OutcomeKind.AUTH_UNSUPPORTED, words, variant=variant, polite=True)
        credentials = Credentials(
            user=(target.user or "").encode(),
            password=self._request.password or b"",
            authorization_id=(target.authorization_id or "").encode(),
        )
        self._logging_in = True
        exchanged: Exchanged | None = None
        if mechanism is Mechanism.NATIVE:
            reply = yield from self._login_command(credentials)
        else:
            exchanged = yield from authenticate(
                mechanism,
                credentials,
                self._findings,
                opening=self._opening,
                read_challenge=self._read_challenge,
                protected=self._protected,
            )
            assert self._final is not None  # noqa: S101 - it ended the exchange
            reply = self._final
        self._logging_in = False
        self._judge_login(reply)
        if exchanged is not None:
            exchanged.confirm()
        self._findings.login = LoginOutcome.ACCEPTED

    def _judge_login(self, reply: Reply) -> None:
        if reply.status == "OK":
            if self._findings.login is LoginOutcome.NOT_SENT:
                raise CheckFailed(OutcomeKind.PROTOCOL_ERROR, reply.text, variant="unasked", polite=True)
            return
        # Some say BAD where they mean NO (a throttled request, say): what they give as the reason counts.
        bad = reply.status == "BAD"
        kind, by_code = judge_refusal(reply.text, OutcomeKind.PROTOCOL_ERROR if bad else OutcomeKind.AUTH_REJECTED)
        if not by_code and (complaint := self._grammar.complaint) is not None:
            # Gmail has its code in a line of its own: `* NO [WEBALERT https://…]`.
            beside, by_code = judge_refusal(complaint, kind)
            kind = beside if by_code else kind
        if kind is not OutcomeKind.PROTOCOL_ERROR:
            self._findings.login = login_outcome(kind, by_code=by_code)
        raise CheckFailed(kind, reply.text, variant=login_variant(reply.text, kind), polite=True)

    def _with_bye(self, failure: CheckFailed) -> CheckFailed:
        """A server may say why it hangs up; during the login its code can name a softer reason."""
        if failure.kind not in (OutcomeKind.CONNECTION_LOST, OutcomeKind.COMMAND_TIMEOUT):
            return failure
        # After its goodbye a server has left, whether it hangs up or merely falls silent.
        why = self._grammar.bye
        if why is None and failure.kind is OutcomeKind.CONNECTION_LOST:
            # nginx leaves with `* BAD internal server error` where it can't ask whether to let us in.
            why = self._grammar.complaint
        if why is None:
            return failure
        kind = OutcomeKind.CONNECTION_LOST
        if self._logging_in:
            kind, _ = judge_refusal(why, kind)
        soft = kind in (OutcomeKind.RATE_LIMITED, OutcomeKind.AUTH_TEMPORARY)
        return CheckFailed(kind if soft else OutcomeKind.CONNECTION_LOST, why)

    def _login_command(self, credentials: Credentials) -> _Replied:
        """LOGIN, with each argument quoted where that is enough, and as a literal where it holds 8-bit bytes."""
        self._findings.mechanism = str(Mechanism.NATIVE)
        self._findings.password_in_clear = not self._protected
        phase: Phase | None = Phase.AUTH
        line = self._grammar.encode("LOGIN")[:-2]
        shown = line
        without_waiting = not self._offered.names.isdisjoint(("LITERAL+", "LITERAL-"))
        for argument, display in ((credentials.user, None), (credentials.password, MASK)):
            text = quoted(argument)
            if text is not None:
                line += b" " + text
                shown += b" " + (display or text)
                continue
            if without_waiting and len(argument) <= 4096:
                line += b" {%d+}\r\n" % len(argument) + argument
                shown += b" " + (display or b"{...}")
                continue
            line += b" {%d}\r\n" % len(argument)
            answer = yield Send(line, shown + b" {...}", phase=phase, parting=_PARTING)
            phase = None
            if (yield from self._read_challenge(answer)) is None:
                assert self._final is not None  # noqa: S101 - it refused the literal
                return self._final
            line, shown = argument, display or b"{...}"
        self._findings.login = LoginOutcome.UNKNOWN
        yield Send(line + b"\r\n", shown, self._reading, phase=phase, parting=_PARTING)
        return (yield from self._reply())

    def _opening(self, mechanism: Mechanism, response: bytes | None) -> tuple[Send, bool]:
        if response is None or "SASL-IR" not in self._offered.names:
            return self._begins_login(self._grammar.encode("AUTHENTICATE", mechanism), None), False
        line = self._grammar.encode("AUTHENTICATE", mechanism)[:-2] + b" "
        return self._begins_login(line + (response or b"=") + b"\r\n", line + MASK), True

    def _begins_login(self, line: bytes, shown: bytes | None) -> Send:
        return Send(line, shown, self._reading_challenges, phase=Phase.AUTH, parting=_PARTING)

    def _read_challenge(self, line: bytes) -> Generator[Step, Any, bytes | None]:
        """The next challenge; None once the tagged reply is there (kept in `_final`)."""
        while not line.startswith(b"+"):
            taken = self._grammar.feed_line(line)
            if isinstance(taken, Reply):
                self._final = taken
                return None
            if taken is not None:
                self._grammar.feed_literal((yield ReadLiteral(taken)) if taken else b"")
            line = yield self._reading_challenges
        return line[1:].strip(b" ")

    def _examine(self) -> Dialogue:
        reply = yield from self._command("EXAMINE", _spelled(self._target.mailbox), phase=Phase.MAILBOX)
        if reply.status != "OK":
            raise _unopened(reply)
        for line in reply.untagged:
            if (found := _EXISTS.match(line)) is not None:
                if _NUMBER.fullmatch(found[1]) is None:
                    raise CheckFailed(OutcomeKind.PROTOCOL_ERROR, line, polite=True)
                self._findings.messages = int(found[1])
                return
        raise CheckFailed(OutcomeKind.PROTOCOL_ERROR, reply.text, variant="missing_data", polite=True)

    def _command(self, verb: str, *arguments: str, phase: Phase | None = None) -> _Replied:
        taken = yield Send(self._grammar.encode(verb, *arguments), None, self._reading, phase=phase)
        return taken if type(taken) is Reply else (yield from self._reply())

    def _reply(self) -> _Replied:
        """Read on, literals too, until the command is completed."""
        grammar = self._grammar
        while not isinstance(taken := grammar.taken, Reply):
            if taken is not None:
                grammar.feed_literal((yield ReadLiteral(taken)) if taken else b"")
            yield self._reading
        return taken


def _unopened(reply: Reply) -> CheckFailed:
    """What a refused EXAMINE amounts to."""
    bad = reply.status == "BAD"
    if _NOT_CONNECTED.search(reply.text):
        return CheckFailed(OutcomeKind.MAILBOX_MISSING, reply.text, variant="not_connected", polite=True)
    kind, _ = judge_refusal(reply.text, OutcomeKind.PROTOCOL_ERROR if bad else OutcomeKind.MAILBOX_MISSING)
    if bad and kind not in (OutcomeKind.RATE_LIMITED, OutcomeKind.AUTH_TEMPORARY):
        return CheckFailed(OutcomeKind.PROTOCOL_ERROR, reply.text, polite=True)
    if kind in (OutcomeKind.AUTH_REJECTED, OutcomeKind.AUTH_EXPIRED):
        kind = OutcomeKind.MAILBOX_MISSING
    variant = "mailbox" if referred_to(reply.text) is None else "elsewhere"
    return CheckFailed(kind, reply.text, variant=variant, polite=True)


@lru_cache(maxsize=1024)
def _spelled(mailbox: str) -> str:
    """The mailbox's name as EXAMINE carries it."""
    name = quoted(mailbox_name(mailbox).encode("ascii"))
    assert name is not None  # noqa: S101 - ASCII always can be quoted
    return name.decode("ascii")
