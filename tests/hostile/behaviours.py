"""The behaviours of mail servers that misbehave, each with the kind it must end in."""

import asyncio
import base64
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from shared.checks.vocabulary import OutcomeKind as Kind
from tests.support.mail_servers import (
    Behaviour,
    CertificateHouse,
    Manners,
    Peer,
    handshake_with_alerts,
    sound_imap,
    sound_pop3,
)

IMAP, POP3 = "imap", "pop3"
PLAIN, TLS, STARTTLS = "none", "tls", "starttls"
ALL_MODES = (PLAIN, TLS, STARTTLS)
SILENT_SECONDS = 0.6

Say = bytes | Callable[[Peer, bytes], Awaitable[None]]


@dataclass(frozen=True)
class Case:
    """One behaviour of one protocol: how the server differs from a sound one, and what must be said of it.

    `behaviour` replaces the sound server altogether. `kinds` are the acceptable answers, the first the usual one.
    """

    name: str
    protocol: str
    kinds: tuple[Kind, ...]
    instead: dict[str, Say] = field(default_factory=dict)
    behaviour: Behaviour | None = None
    modes: tuple[str, ...] = ALL_MODES
    capabilities: str | None = None
    in_clear: str | None = None
    certificate: str = "good"
    hostname: str = "localhost"
    timeout_ms: int = 3000
    no_login: bool = False
    target: dict[str, Any] = field(default_factory=dict)
    starttls: bool = True
    hint: str | None = None
    handshake: str | None = None

    @property
    def speaks_tls_itself(self) -> bool:
        """Whether the listener is to hand over raw bytes even where the check expects TLS."""
        return self.behaviour is not None or self.handshake is not None

    def serve(self, mode: str, house: CertificateHouse) -> Behaviour:
        if self.handshake is not None:
            return _alerting(self.protocol, mode, house.context(self.handshake))
        if self.behaviour is not None:
            return self.behaviour
        offers = mode == STARTTLS and self.starttls
        imap = self.protocol == IMAP
        manners = Manners(
            capabilities=self.capabilities or ("IMAP4rev1 SASL-IR AUTH=PLAIN" if imap else "SASL PLAIN|USER"),
            capabilities_in_clear=self.in_clear
            or (("IMAP4rev1 STARTTLS LOGINDISABLED" if imap else "STLS") if offers else None),
            starttls=house.context(self.certificate) if offers else None,
            instead=self.instead,
        )
        return sound_imap(manners) if imap else sound_pop3(manners)


def saying(data: bytes, then: str = "silence") -> Behaviour:
    """Says this, then falls silent, closes or resets."""

    async def behave(peer: Peer) -> None:
        await peer.say(data)
        if then == "silence":
            await peer.silence()
        elif then == "reset":
            peer.reset()

    return behave


def _alerting(protocol: str, mode: str, context: ssl.SSLContext) -> Behaviour:
    async def behave(peer: Peer) -> None:
        if mode == STARTTLS:
            await peer.say(b"* OK ready\r\n" if protocol == IMAP else b"+OK ready\r\n")
            line = await peer.hear()
            if protocol == IMAP:
                tag = line.split()[0]
                await peer.say(b"* CAPABILITY IMAP4rev1 STARTTLS\r\n" + tag + b" OK\r\n")
                await peer.say((await peer.hear()).split()[0] + b" OK begin\r\n")
            else:
                await peer.say(b"+OK\r\nSTLS\r\n.\r\n")
                await peer.hear()
                await peer.say(b"+OK begin\r\n")
        await handshake_with_alerts(peer, context)
        await peer.silence()

    return behave


async def _close(peer: Peer, tag: bytes = b"") -> None:
    raise ConnectionError("closing is the behaviour")


async def _reset(peer: Peer, tag: bytes = b"") -> None:
    peer.reset()
    raise ConnectionError("resetting is the behaviour")


async def _silence(peer: Peer, tag: bytes = b"") -> None:
    await peer.silence()


async def _endless_line(peer: Peer, tag: bytes = b"") -> None:
    for _ in range(100 * 16):
        await peer.say(b"a" * 65536)


async def _dribble(peer: Peer, tag: bytes = b"") -> None:
    while True:
        await peer.say(b"x")
        await asyncio.sleep(0.2)


async def _endless_lines(peer: Peer, tag: bytes = b"") -> None:
    await peer.say(b"+OK\r\n")
    while True:
        await peer.say(b"SASL PLAIN\r\n" * 50)


def _at_greeting(protocol: str) -> list[Case]:
    rejected = b"* BYE overloaded\r\n" if protocol == IMAP else b"-ERR busy\r\n"
    other = b"+OK POP3 ready\r\n" if protocol == IMAP else b"* OK IMAP4rev1 ready\r\n"
    mine = b"* OK " if protocol == IMAP else b"+OK "

    def case(name: str, kind: Kind, say: Say, **more: Any) -> Case:
        return Case(name, protocol, (kind,), instead={"greeting": say}, **more)

    return [
        case("accepts and never speaks", Kind.GREETING_TIMEOUT, _silence),
        case("closes before the greeting", Kind.CONNECTION_LOST, _close),
        case("resets before the greeting", Kind.CONNECTION_LOST, _reset),
        case("turns away in its greeting", Kind.GREETING_REJECTED, rejected),
        case("an SSH banner", Kind.NOT_A_MAIL_SERVER, b"SSH-2.0-OpenSSH_9.2p1\r\n"),
        case("an SSH banner without its end", Kind.NOT_A_MAIL_SERVER, b"SSH-2.0-OpenSSH"),
        case("an HTTP answer", Kind.NOT_A_MAIL_SERVER, b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        case("an SMTP banner", Kind.NOT_A_MAIL_SERVER, b"220 mail.example.org ESMTP\r\n"),
        case("the other mail protocol", Kind.NOT_A_MAIL_SERVER, other),
        case("a greeting of 100 MiB without a line end", Kind.RESPONSE_TOO_LARGE, _endless_line),
        case("one byte now and then for ever", Kind.TOTAL_TIMEOUT, _dribble, timeout_ms=1500),
        case("a NUL in the greeting", Kind.PROTOCOL_ERROR, mine + b"re\0ady\r\n"),
        case("a bare CR in the greeting", Kind.PROTOCOL_ERROR, mine + b"re\rady\r\n"),
        case("a bare CR as line end", Kind.PROTOCOL_ERROR, mine + b"ready\r"),
        case("CRCRLF as line end", Kind.PROTOCOL_ERROR, mine + b"ready\r\r\n"),
        case("bare LF as line end", Kind.OK, mine + b"ready\n"),
        case("bytes that are no UTF-8", Kind.OK, mine + b"\xff\xfe r\xe9ady\r\n"),
        case("3,000 lines in one segment", Kind.RESPONSE_TOO_LARGE if protocol == IMAP else Kind.PROTOCOL_ERROR,
             mine + b"ready\r\n" + b"* OK still here\r\n" * 3000, modes=(PLAIN, TLS)),
        Case("a TLS alert from a TLS port", protocol, (Kind.NOT_A_MAIL_SERVER,),
             behaviour=saying(b"\x15\x03\x01\x00\x02\x02\x46"), modes=(PLAIN,), hint="TLS"),
        Case("plain text to a silent TLS port", protocol, (Kind.GREETING_TIMEOUT,),
             behaviour=saying(b""), modes=(PLAIN,), hint="TLS"),
        Case("TLS spoken to a plain port", protocol, (Kind.TLS_PROTOCOL,),
             behaviour=saying(mine + b"ready\r\n"), modes=(TLS,), hint="starttls"),
        Case("an SSH banner on a TLS port", protocol, (Kind.TLS_PROTOCOL,),
             behaviour=saying(b"SSH-2.0-OpenSSH_9.2p1\r\n"), modes=(TLS,)),
        Case("the handshake stalls", protocol, (Kind.TLS_TIMEOUT,),
             behaviour=saying(b""), modes=(TLS,)),
        Case("the handshake stalls half way", protocol, (Kind.TLS_TIMEOUT,),
             behaviour=saying(b"\x16\x03\x03\x00\x7a\x02\x00"), modes=(TLS,)),
        Case("the handshake dribbles for ever", protocol, (Kind.TOTAL_TIMEOUT,),
             behaviour=_dribbling_handshake, modes=(TLS,), timeout_ms=1500),
        Case("closes in the handshake", protocol, (Kind.CONNECTION_LOST,),
             behaviour=saying(b"", then="close"), modes=(TLS,)),
    ]  # fmt: skip


async def _dribbling_handshake(peer: Peer) -> None:
    await peer.say(b"\x16\x03\x03\x40\x00")
    while True:
        await peer.say(b"\x02")
        await asyncio.sleep(0.2)


def _certificates(protocol: str) -> list[Case]:
    kinds = {
        "expired": Kind.TLS_EXPIRED,
        "not_yet": Kind.TLS_NOT_YET_VALID,
        "wrong_host": Kind.TLS_HOSTNAME,
        "self_signed": Kind.TLS_UNTRUSTED,
        "unknown": Kind.TLS_UNTRUSTED,
        "tls10": Kind.TLS_PROTOCOL,
        "client_certificate_12": Kind.TLS_PROTOCOL,
    }
    alerting = [
        Case(
            f"{name}, refused with an alert",
            protocol,
            (Kind.TLS_PROTOCOL,),
            modes=(mode,),
            handshake=name,
            no_login=True,
        )
        for name in ("tls10", "client_certificate", "client_certificate_12")
        for mode in (TLS, STARTTLS)
    ]
    return alerting + [
        Case(f"certificate: {name}", protocol, (kind,), certificate=name, modes=(TLS, STARTTLS), no_login=True)
        for name, kind in kinds.items()
    ]


def _at_login_imap() -> list[Case]:
    def case(name: str, kind: Kind, say: Say, **more: Any) -> Case:
        return Case(name, IMAP, (kind,), instead={"AUTHENTICATE": say}, **more)

    return [
        case("NO [AUTHENTICATIONFAILED]", Kind.AUTH_REJECTED, b"{tag} NO [AUTHENTICATIONFAILED] no\r\n"),
        case("a bare NO", Kind.AUTH_REJECTED, b"{tag} NO\r\n"),
        case("a NO in lower case", Kind.AUTH_REJECTED, b"{tag} no wrong\r\n"),
        case("NO [UNAVAILABLE]", Kind.AUTH_TEMPORARY, b"{tag} NO [UNAVAILABLE] later\r\n"),
        case("NO [EXPIRED]", Kind.AUTH_EXPIRED, b"{tag} NO [EXPIRED] old\r\n"),
        case("NO [CONTACTADMIN]", Kind.AUTH_EXPIRED, b"{tag} NO [CONTACTADMIN] call\r\n"),
        case("NO [LIMIT]", Kind.RATE_LIMITED, b"{tag} NO [LIMIT] enough\r\n"),
        case("too many connections", Kind.RATE_LIMITED, b"{tag} NO Too many connections\r\n"),
        case("NO [INUSE]", Kind.MAILBOX_LOCKED, b"{tag} NO [INUSE] busy\r\n"),
        case("BAD to the login", Kind.PROTOCOL_ERROR, b"{tag} BAD what\r\n"),
        case("closes during login", Kind.CONNECTION_LOST, _close),
        case("resets during login", Kind.CONNECTION_LOST, _reset),
        case("BYE and closes during login", Kind.CONNECTION_LOST, _bye),
        case("another tag", Kind.PROTOCOL_ERROR, b"XYZ9 OK in\r\n"),
        case("no status at all", Kind.PROTOCOL_ERROR, b"hello\r\n"),
        case("an asterisk alone", Kind.PROTOCOL_ERROR, b"*\r\n"),
        case("an empty line", Kind.PROTOCOL_ERROR, b"\r\n"),
        case("never answers the login", Kind.COMMAND_TIMEOUT, _silence),
        case("asks for more than PLAIN has", Kind.PROTOCOL_ERROR, b"+ bW9yZQ==\r\n+ bW9yZQ==\r\n"),
        case("a challenge that is no base64", Kind.PROTOCOL_ERROR, b"+ %%%\r\n"),
        case("BAD ... {-1}", Kind.PROTOCOL_ERROR, b"* X {-1}\r\n"),
        case("markup in the refusal", Kind.AUTH_REJECTED,
             b"{tag} NO <script>alert(1)</script>\x1b[31m =cmd|' /C calc'!A0\r\n"),
        Case("LOGINDISABLED", IMAP, (Kind.AUTH_UNSUPPORTED,), capabilities="IMAP4rev1 LOGINDISABLED", no_login=True),
        Case("only GSSAPI offered", IMAP, (Kind.AUTH_UNSUPPORTED,),
             capabilities="IMAP4rev1 AUTH=GSSAPI LOGINDISABLED", no_login=True),
        Case("SCRAM with 2^31 iterations", IMAP, (Kind.AUTH_UNSUPPORTED,), capabilities="IMAP4rev1 AUTH=SCRAM-SHA-256",
             instead={"AUTHENTICATE": _scram_of_death}),
    ]  # fmt: skip


async def _bye(peer: Peer, tag: bytes) -> None:
    await peer.say(b"* BYE going down\r\n")
    raise ConnectionError("closing is the behaviour")


async def _scram_of_death(peer: Peer, tag: bytes) -> None:
    await peer.say(b"+ \r\n")
    first = base64.b64decode(await peer.hear())
    nonce = first.partition(b"r=")[2]
    await peer.say(b"+ " + base64.b64encode(b"r=" + nonce + b"xyz,s=c2FsdHk=,i=2147483648") + b"\r\n")
    await peer.silence()


def _later_imap() -> list[Case]:
    def case(name: str, kind: Kind, verb: str, say: Say, **more: Any) -> Case:
        return Case(name, IMAP, (kind,), instead={verb: say}, **more)

    big = b"* CAPABILITY {4294967295}\r\n"
    return [
        case("a literal of 4 GiB announced", Kind.RESPONSE_TOO_LARGE, "CAPABILITY", big),
        case("a literal of -1 bytes", Kind.PROTOCOL_ERROR, "CAPABILITY", b"* CAPABILITY {-1}\r\n"),
        case("a literal size of 5,000 digits", Kind.PROTOCOL_ERROR, "EXAMINE", b"* X {" + b"9" * 5000 + b"}\r\n"),
        case("closes inside a literal", Kind.CONNECTION_LOST, "EXAMINE", _half_literal),
        case("a sound literal", Kind.OK, "EXAMINE",
             b"* LIST () NIL {5}\r\nA1 OK\r\n* 3 EXISTS\r\n{tag} OK done\r\n"),
        case("CAPABILITY OK without the data", Kind.PROTOCOL_ERROR, "CAPABILITY", b"{tag} OK done\r\n"),
        case("CAPABILITY refused", Kind.PROTOCOL_ERROR, "CAPABILITY", b"{tag} NO no\r\n"),
        case("EXAMINE OK without EXISTS", Kind.PROTOCOL_ERROR, "EXAMINE", b"{tag} OK done\r\n"),
        case("EXISTS garbled", Kind.PROTOCOL_ERROR, "EXAMINE", b"* -3 EXISTS\r\n{tag} OK done\r\n"),
        case("EXISTS huge", Kind.PROTOCOL_ERROR, "EXAMINE", b"* 99999999999999 EXISTS\r\n{tag} OK done\r\n"),
        case("EXAMINE says no", Kind.MAILBOX_MISSING, "EXAMINE", b"{tag} NO [NONEXISTENT] none\r\n"),
        case("EXAMINE [INUSE]", Kind.MAILBOX_LOCKED, "EXAMINE", b"{tag} NO [INUSE] busy\r\n"),
        case("EXAMINE never answered", Kind.COMMAND_TIMEOUT, "EXAMINE", _silence),
        case("3,000 untagged lines to EXAMINE", Kind.RESPONSE_TOO_LARGE, "EXAMINE",
             b"* OK still here\r\n" * 3000 + b"* 1 EXISTS\r\n{tag} OK\r\n"),
        case("200 untagged lines to EXAMINE", Kind.OK, "EXAMINE",
             b"* OK still here\r\n" * 200 + b"* 1 EXISTS\r\n{tag} OK\r\n"),
        case("LOGOUT never answered", Kind.OK, "LOGOUT", _silence),
        case("LOGOUT answered by a hang-up", Kind.OK, "LOGOUT", _close),
        case("LOGOUT answered with rubbish", Kind.OK, "LOGOUT", b"\0\r\r\n"),
        Case("PREAUTH before STARTTLS", IMAP, (Kind.PREAUTH_UNEXPECTED,), modes=(STARTTLS,),
             instead={"greeting": b"* PREAUTH welcome\r\n"}, no_login=True),
        Case("STARTTLS not offered", IMAP, (Kind.STARTTLS_MISSING,), modes=(STARTTLS,), starttls=False, no_login=True),
        case("STARTTLS refused", Kind.STARTTLS_MISSING, "STARTTLS", b"{tag} NO not now\r\n",
             modes=(STARTTLS,), no_login=True),
        case("STARTTLS with injected plain text", Kind.STARTTLS_INJECTION, "STARTTLS",
             b"{tag} OK begin\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nA2 OK forged\r\n",
             modes=(STARTTLS,), no_login=True),
        case("STARTTLS and then plain text", Kind.TLS_PROTOCOL, "STARTTLS", _plain_after_starttls,
             modes=(STARTTLS,), no_login=True, hint="failed to start"),
        case("the handshake stalls after STARTTLS", Kind.TLS_TIMEOUT, "STARTTLS", _stall_after_starttls,
             modes=(STARTTLS,), no_login=True, hint="swallow"),
        Case("AUTH=PLAIN offered only in clear", IMAP, (Kind.AUTH_UNSUPPORTED,), modes=(STARTTLS,),
             in_clear="IMAP4rev1 STARTTLS AUTH=PLAIN", capabilities="IMAP4rev1 LOGINDISABLED", no_login=True),
    ]  # fmt: skip


async def _half_literal(peer: Peer, tag: bytes) -> None:
    await peer.say(b"* X {100}\r\nonly this")
    raise ConnectionError("closing is the behaviour")


async def _plain_after_starttls(peer: Peer, tag: bytes) -> None:
    await peer.say((tag + b" OK begin\r\n") if tag else b"+OK begin\r\n")
    await peer.reader.read(100)
    await peer.say(b"* BAD what is this\r\n")
    await peer.silence()


async def _stall_after_starttls(peer: Peer, tag: bytes) -> None:
    await peer.say((tag + b" OK begin\r\n") if tag else b"+OK begin\r\n")
    await peer.silence()


def _pop3() -> list[Case]:
    def case(name: str, kind: Kind, verb: str, say: Say, **more: Any) -> Case:
        return Case(name, POP3, (kind,), instead={verb: say}, **more)

    return [
        case("-ERR [AUTH]", Kind.AUTH_REJECTED, "AUTH", b"-ERR [AUTH] no\r\n"),
        case("a bare -ERR", Kind.AUTH_REJECTED, "AUTH", b"-ERR\r\n"),
        case("-ERR [SYS/TEMP]", Kind.AUTH_TEMPORARY, "AUTH", b"-ERR [SYS/TEMP] later\r\n"),
        case("-ERR [SYS/PERM]", Kind.AUTH_EXPIRED, "AUTH", b"-ERR [SYS/PERM] call\r\n"),
        case("-ERR [IN-USE]", Kind.MAILBOX_LOCKED, "AUTH", b"-ERR [IN-USE] busy\r\n"),
        case("-ERR [LOGIN-DELAY]", Kind.RATE_LIMITED, "AUTH", b"-ERR [LOGIN-DELAY] wait\r\n"),
        case("too many connections", Kind.RATE_LIMITED, "AUTH", b"-ERR too many connections\r\n"),
        case("closes during login", Kind.CONNECTION_LOST, "AUTH", _close),
        case("resets during login", Kind.CONNECTION_LOST, "AUTH", _reset),
        case("never answers the login", Kind.COMMAND_TIMEOUT, "AUTH", _silence),
        case("neither +OK nor -ERR", Kind.PROTOCOL_ERROR, "AUTH", b"OK then\r\n"),
        case("STAT negative", Kind.PROTOCOL_ERROR, "STAT", b"+OK -1 -5\r\n"),
        case("STAT huge", Kind.PROTOCOL_ERROR, "STAT", b"+OK " + b"9" * 400 + b" 1\r\n"),
        case("STAT garbled", Kind.PROTOCOL_ERROR, "STAT", b"+OK many 12\r\n"),
        case("STAT without its data", Kind.PROTOCOL_ERROR, "STAT", b"+OK\r\n"),
        case("STAT says no", Kind.MAILBOX_MISSING, "STAT", b"-ERR no mailbox\r\n"),
        case("STAT never answered", Kind.COMMAND_TIMEOUT, "STAT", _silence),
        case("CAPA that never ends", Kind.RESPONSE_TOO_LARGE, "CAPA", _endless_lines),
        case("no CAPA at all", Kind.OK, "CAPA", b"-ERR unknown\r\n", modes=(PLAIN, TLS)),
        case("QUIT never answered", Kind.OK, "QUIT", _silence),
        Case("neither USER nor a known mechanism", POP3, (Kind.AUTH_UNSUPPORTED,),
             capabilities="SASL GSSAPI|TOP", no_login=True),
        Case("SCRAM with 2^31 iterations", POP3, (Kind.AUTH_UNSUPPORTED,), capabilities="SASL SCRAM-SHA-256",
             instead={"AUTH": _scram_of_death_pop3}),
        Case("STLS not offered", POP3, (Kind.STARTTLS_MISSING,), modes=(STARTTLS,), starttls=False, no_login=True),
        case("STLS refused", Kind.STARTTLS_MISSING, "STLS", b"-ERR not now\r\n", modes=(STARTTLS,), no_login=True),
        case("STLS with injected plain text", Kind.STARTTLS_INJECTION, "STLS", b"+OK begin\r\n+OK forged\r\n",
             modes=(STARTTLS,), no_login=True),
        case("STLS and then plain text", Kind.TLS_PROTOCOL, "STLS", _plain_after_starttls,
             modes=(STARTTLS,), no_login=True, hint="failed to start"),
        case("the handshake stalls after STLS", Kind.TLS_TIMEOUT, "STLS", _stall_after_starttls,
             modes=(STARTTLS,), no_login=True, hint="swallow"),
    ]  # fmt: skip


async def _scram_of_death_pop3(peer: Peer, tag: bytes) -> None:
    line = peer.heard[-1]
    first = base64.b64decode(line.split(b" ")[2])
    nonce = first.partition(b"r=")[2]
    await peer.say(b"+ " + base64.b64encode(b"r=" + nonce + b"xyz,s=c2FsdHk=,i=2147483648") + b"\r\n")
    await peer.silence()


def all_cases() -> list[Case]:
    """Every behaviour; the quiet ones with a deadline short enough to wait for."""
    cases = [*_at_login_imap(), *_later_imap(), *_pop3()]
    for protocol in (IMAP, POP3):
        cases += _at_greeting(protocol)
        cases += _certificates(protocol)
    quiet = {Kind.GREETING_TIMEOUT, Kind.COMMAND_TIMEOUT, Kind.TLS_TIMEOUT}
    return [replace(case, timeout_ms=3000) if quiet & set(case.kinds) else case for case in cases]
