"""Behaviours nobody wrote down beforehand: what the rules say of them, and that it is what the checks say."""

import asyncio
import contextlib
import os
import ssl
from dataclasses import dataclass
from typing import Any

from shared.checks.vocabulary import OutcomeKind as Kind
from tests.hostile.behaviours import IMAP, PLAIN, POP3, STARTTLS, TLS, Case, Say, saying
from tests.support.mail_servers import Behaviour, CertificateHouse, Peer

_LINE = 8 * 1024
_LITERAL = 64 * 1024
# A ServerHello of TLS 1.2 without a single extension, RFC 5746's among them.
_OLD_HELLO = b"\x16\x03\x03\x00\x2c\x02\x00\x00\x28\x03\x03" + b"R" * 32 + b"\x00\xc0\x2f\x00\x00\x00"
# Fatal, an error of its own.
_ALERT = b"\x15\x03\x03\x00\x02\x02\x50"
_EXAMINED = b"* 1 EXISTS\r\n{tag} OK done\r\n"


async def _hang_up(peer: Peer, tag: bytes = b"") -> None:
    raise ConnectionError("closing is the behaviour")


async def _half_close(peer: Peer, tag: bytes = b"") -> None:
    peer.writer.write_eof()
    await peer.silence()


def _byte_by_byte(said: bytes) -> Say:
    async def say(peer: Peer, tag: bytes = b"") -> None:
        for at in range(len(said)):
            await peer.say(said[at : at + 1])
            await asyncio.sleep(0.002)

    return say


def _then_hang_up(said: bytes) -> Say:
    async def say(peer: Peer, tag: bytes = b"") -> None:
        await peer.say(said.replace(b"{tag}", tag))
        await _hang_up(peer)

    return say


def _late(said: bytes) -> Say:
    async def say(peer: Peer, tag: bytes = b"") -> None:
        await asyncio.sleep(0.7)
        await peer.say(said.replace(b"{tag}", tag))

    return say


async def _break_tls(peer: Peer, tag: bytes = b"") -> None:
    """A fatal alert in clear, below a TLS session that is up."""
    os.write(peer.writer.get_extra_info("socket").fileno(), _ALERT)
    await peer.silence()


@dataclass(frozen=True)
class _Tls(Case):
    """A server whose TLS is its own: greets through it, then says `then` below it (None: close_notify)."""

    then: bytes | None = None

    @property
    def speaks_tls_itself(self) -> bool:
        return True

    def serve(self, mode: str, house: CertificateHouse) -> Behaviour:
        context, greeting = house.context(self.certificate), b"* OK hi\r\n" if self.protocol == IMAP else b"+OK hi\r\n"

        async def behave(peer: Peer) -> None:
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            session = context.wrap_bio(incoming, outgoing, server_side=True)
            while True:
                try:
                    session.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    await peer.say(outgoing.read())
                    incoming.write(await peer.reader.read(65536))
            session.write(greeting)
            await peer.say(outgoing.read())
            incoming.write(await peer.reader.read(65536))
            session.read()
            if self.then is None:
                with contextlib.suppress(ssl.SSLWantReadError):
                    session.unwrap()
                await peer.say(outgoing.read())
            else:
                await peer.say(self.then)
            await peer.silence()

        return behave


def _either(protocol: str) -> list[Case]:
    mine = b"* OK " if protocol == IMAP else b"+OK "
    asked = "CAPABILITY" if protocol == IMAP else "CAPA"

    def case(name: str, kind: Kind, say: Say, **more: Any) -> Case:
        return Case(name, protocol, (kind,), instead={"greeting": say}, **more)

    def long(size: int) -> bytes:
        return mine.ljust(size, b"a") + b"\r\n"

    return [
        case("a greeting byte by byte", Kind.OK, _byte_by_byte(mine + b"ready\r\n")),
        case("a greeting in UTF-8", Kind.OK, mine + "bereit für dich ✉\r\n".encode()),
        case("a greeting in lower case", Kind.OK, mine.lower() + b"ready\r\n"),
        case("a greeting of one word", Kind.OK, mine.strip() + b"\r\n"),
        case("a greeting of 8 KiB less one", Kind.OK, long(_LINE - 1)),
        case("a greeting of 8 KiB", Kind.OK, long(_LINE)),
        case("a greeting of 8 KiB and one", Kind.RESPONSE_TOO_LARGE, long(_LINE + 1)),
        case("a greeting of 8 KiB ended by LF alone", Kind.OK, mine.ljust(_LINE, b"a") + b"\n"),
        case("an empty line for a greeting", Kind.NOT_A_MAIL_SERVER, b"\r\n"),
        case("a greeting run together", Kind.PROTOCOL_ERROR, mine.strip() + b"ready\r\n"),
        case("a database's greeting", Kind.NOT_A_MAIL_SERVER, b"\x4a\0\0\0\x0a8.0.36\0\x08\0\0\0"),
        case("a half-closed connection", Kind.CONNECTION_LOST, _half_close, modes=(PLAIN,)),
        case("hangs up in place of a greeting", Kind.CONNECTION_LOST, _hang_up, hint="proxy"),
        case("greets and hangs up", Kind.CONNECTION_LOST, _then_hang_up(mine + b"ready\r\n")),
        Case("falls silent after its greeting", protocol, (Kind.COMMAND_TIMEOUT,),
             instead={asked: b""}, timeout_ms=3000),
        Case("half an answer, then hangs up", protocol, (Kind.CONNECTION_LOST,),
             instead={asked: _then_hang_up(b"* CAPAB" if protocol == IMAP else b"+OK\r\nUSER\r\n")}),
        Case("a certificate about to expire", protocol, (Kind.OK,), certificate="expiring", modes=(TLS, STARTTLS)),
        Case("TLS 1.2 only", protocol, (Kind.OK,), certificate="tls12", modes=(TLS, STARTTLS)),
        _Tls("ends TLS and leaves the connection open", protocol, (Kind.CONNECTION_LOST,), modes=(TLS,)),
        _Tls("plain text in the middle of TLS", protocol, (Kind.TLS_PROTOCOL,), modes=(TLS,), then=mine + b"me\r\n"),
        _Tls("a fatal alert in clear in the middle of TLS", protocol, (Kind.TLS_PROTOCOL,), modes=(TLS,),
             then=_ALERT),
        *(Case(f"a fatal alert in place of an answer to {verb}", protocol, (Kind.TLS_PROTOCOL,),
               instead={verb: _break_tls}, modes=(TLS, STARTTLS))
          for verb in (("AUTHENTICATE", "EXAMINE") if protocol == IMAP else ("AUTH", "STAT"))),
    ]  # fmt: skip


def _in_the_handshake(protocol: str) -> list[Case]:
    def case(name: str, said: bytes, hint: str, then: str = "silence") -> Case:
        return Case(name, protocol, (Kind.TLS_PROTOCOL,), behaviour=saying(said, then), modes=(TLS,), hint=hint)

    def alert(level: int, code: int) -> bytes:
        return b"\x15\x03\x03\x00\x02" + bytes([level, code])

    return [
        case("an alert of an error of its own", alert(2, 80), "it can't load"),
        case("an alert that asks for ALPN", alert(2, 120), "web server"),
        case("an alert that asks for another name", alert(2, 112), "servername"),
        case("an alert without a name", alert(2, 255), "versions and ciphers"),
        case("close_notify in place of a handshake", alert(1, 0), "too old"),
        case("no secure renegotiation", _OLD_HELLO, "TLS library"),
        case("a web server's answer on a TLS port", b"HTTP/1.1 400 Bad Request\r\n\r\n", "another service", "close"),
        case("a goodbye in clear on a TLS port", b"* BYE busy\r\n" if protocol == IMAP else b"-ERR busy\r\n",
             "starttls", "close"),
    ]  # fmt: skip


def _imap_login() -> list[Case]:
    def case(name: str, kind: Kind, say: Say, **more: Any) -> Case:
        return Case(name, IMAP, (kind,), instead={"AUTHENTICATE": say}, **more)

    alert = b"{tag} NO [ALERT] Too many simultaneous connections. (Failure)\r\n"
    return [
        case("BYE during login, then silence", Kind.CONNECTION_LOST, b"* BYE going down\r\n", timeout_ms=3000),
        case("BYE [UNAVAILABLE] during login", Kind.AUTH_TEMPORARY, _then_hang_up(b"* BYE [UNAVAILABLE] later\r\n")),
        case("BAD without a tag and a hang-up, as of nginx", Kind.AUTH_TEMPORARY,
             _then_hang_up(b"* BAD internal server error\r\n")),
        case("BYE and NO [LIMIT] to the login", Kind.RATE_LIMITED, b"* BYE bye\r\n{tag} NO [LIMIT] enough\r\n"),
        case("NO and a hang-up in one breath", Kind.AUTH_REJECTED, _then_hang_up(b"{tag} NO wrong\r\n")),
        case("NO [ALERT] too many connections", Kind.RATE_LIMITED, alert),
        case("a bandwidth limit, by words", Kind.RATE_LIMITED,
             b"{tag} NO [ALERT] Account exceeded command or bandwidth limits. (Failure)\r\n"),
        case("a code in a line of its own, as of Gmail", Kind.AUTH_EXPIRED,
             b"* NO [WEBALERT https://a.example/] Web login required.\r\n{tag} NO [ALERT] Use your browser\r\n"),
        case("BAD that means throttled", Kind.RATE_LIMITED, b"{tag} BAD Request is throttled. Wait 299961 ms\r\n"),
        case("BAD with a code that says no", Kind.AUTH_REJECTED, b"{tag} BAD [AUTHENTICATIONFAILED] no\r\n"),
        case("BAD for no reason given", Kind.PROTOCOL_ERROR, b"{tag} BAD invalid state\r\n"),
        case("NO [OVERQUOTA] to the login", Kind.RATE_LIMITED, b"{tag} NO [OVERQUOTA] bandwidth\r\n"),
        case("NO [REFERRAL] to the login", Kind.AUTH_REJECTED,
             b"{tag} NO [REFERRAL imap://ada;AUTH=*@imap2.example:1143/] Not here\r\n", hint="imap2.example:1143"),
        case("NO [PRIVACYREQUIRED]", Kind.AUTH_UNSUPPORTED, b"{tag} NO [PRIVACYREQUIRED] TLS\r\n"),
        case("a code that says no and words that soften it", Kind.AUTH_REJECTED,
             b"{tag} NO [AUTHENTICATIONFAILED] temporarily unavailable\r\n"),
        case("a code that softens and words that say no", Kind.AUTH_TEMPORARY,
             b"{tag} NO [UNAVAILABLE] wrong password\r\n"),
        case("the login answered twice", Kind.PROTOCOL_ERROR, b"{tag} OK in\r\n{tag} OK again\r\n"),
        case("a tag and two spaces", Kind.PROTOCOL_ERROR, b"{tag}  OK in\r\n"),
        case("the login answered late", Kind.OK, _late(b"{tag} OK in\r\n"), target={"warning_ms": 500}),
        case("content before it was told the password", Kind.PROTOCOL_ERROR, b"{tag} OK come in\r\n",
             capabilities="IMAP4rev1 AUTH=PLAIN LOGINDISABLED", no_login=False),
        Case("content with the user's name alone", IMAP, (Kind.PROTOCOL_ERROR,), target={"auth": "login"},
             capabilities="IMAP4rev1 AUTH=LOGIN LOGINDISABLED", instead={"AUTHENTICATE": _only_the_name}),
        Case("LOGIN's questions in plain words", IMAP, (Kind.OK,), target={"auth": "login"},
             capabilities="IMAP4rev1 AUTH=LOGIN LOGINDISABLED", instead={"AUTHENTICATE": _asking_in_words}),
        case("the initial response let go by, and asked for", Kind.OK, _asking_again),
        case("the initial response asked for twice", Kind.PROTOCOL_ERROR, _asking_again_and_again, hint="mechanism"),
        Case("a challenge-response login refused", IMAP, (Kind.AUTH_REJECTED,), hint="auth to plain",
             capabilities="IMAP4rev1 AUTH=CRAM-MD5", instead={"AUTHENTICATE": _refusing_a_digest}),
        Case("a challenge-response login without a challenge", IMAP, (Kind.PROTOCOL_ERROR,), hint="mechanism",
             capabilities="IMAP4rev1 AUTH=CRAM-MD5", instead={"AUTHENTICATE": b"+ \r\n"}),
        Case("PREAUTH where a login was asked for", IMAP, (Kind.PREAUTH_UNEXPECTED,), modes=(PLAIN, TLS),
             instead={"greeting": b"* PREAUTH come in\r\n"}, no_login=True),
    ]  # fmt: skip


async def _only_the_name(peer: Peer, tag: bytes) -> None:
    await peer.say(b"+ VXNlcm5hbWU6\r\n")
    await peer.hear()
    await peer.say(tag + b" OK welcome\r\n" if tag else b"+OK welcome\r\n")


async def _asking_in_words(peer: Peer, tag: bytes) -> None:
    for question in (b"User Name:", b"Password:"):
        await peer.say(b"+ " + question + b"\r\n")
        await peer.hear()
    await peer.say(tag + b" OK in\r\n")


async def _asking_again(peer: Peer, tag: bytes) -> None:
    along = peer.heard[-1].rsplit(b" ", 1)[1]
    await peer.say(b"+\r\n")
    assert await peer.hear() == along
    await peer.say(tag + b" OK in\r\n" if tag else b"+OK in\r\n")


async def _asking_again_and_again(peer: Peer, tag: bytes) -> None:
    await peer.say(b"+ \r\n")
    await peer.hear()
    await peer.say(b"+ \r\n")
    await peer.silence()


async def _refusing_a_digest(peer: Peer, tag: bytes) -> None:
    await peer.say(b"+ PDFAeD4=\r\n")
    await peer.hear()
    await peer.say(tag + b" NO [AUTHENTICATIONFAILED] no\r\n")


def _imap_replies() -> list[Case]:
    def case(name: str, kind: Kind, verb: str, say: Say, **more: Any) -> Case:
        return Case(name, IMAP, (kind,), instead={verb: say}, **more)

    def examine(name: str, kind: Kind, data: bytes) -> Case:
        return case(name, kind, "EXAMINE", data + _EXAMINED)

    return [
        case("go on, where nothing was to go on with", Kind.PROTOCOL_ERROR, "CAPABILITY", b"+ go on\r\n"),
        case("capabilities in the text of the OK", Kind.OK, "CAPABILITY",
             b"{tag} OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] done\r\n", modes=(PLAIN, TLS)),
        case("capabilities in lower case", Kind.OK, "CAPABILITY",
             b"* capability imap4rev1 auth=plain\r\n{tag} ok done\r\n", modes=(PLAIN, TLS)),
        case("an answer before the question", Kind.PROTOCOL_ERROR, "greeting", b"* OK ready\r\nA1 OK done\r\n",
             modes=(PLAIN, TLS)),
        Case("an initial response offered and not taken, as of Coremail", IMAP, (Kind.OK,),
             capabilities="IMAP4rev1 ID LITERAL+ UIDPLUS X-CM-EXT-1 SASL-IR AUTH=PLAIN AUTH=LOGIN AUTH=XOAUTH2",
             instead={"AUTHENTICATE": b"{tag} BAD Request not ending with\r\n"}),
        Case("ID refused", IMAP, (Kind.OK,), capabilities="IMAP4rev1 AUTH=PLAIN ID", instead={"ID": b"{tag} BAD\r\n"}),
        Case("ID NIL", IMAP, (Kind.OK,), capabilities="IMAP4rev1 AUTH=PLAIN ID",
             instead={"ID": b"* ID NIL\r\n{tag} OK\r\n"}),
        examine("go on, in place of a mailbox", Kind.PROTOCOL_ERROR, b"+ \r\n"),
        examine("a mailbox in lower case", Kind.OK, b"* flags ()\r\n* 3 exists\r\n"),
        examine("an empty literal", Kind.OK, b"* LIST () NIL {0}\r\n\r\n"),
        examine("a binary literal with NULs", Kind.OK, b"* X ~{5}\r\n\0\r\n\0\n\r\n"),
        examine("a literal of 64 KiB", Kind.OK, b"* X {65536}\r\n" + b"y" * _LITERAL + b"\r\n"),
        examine("a literal of 64 KiB and one", Kind.RESPONSE_TOO_LARGE, b"* X {65537}\r\n" + b"y" * (_LITERAL + 1)),
        examine("a client's kind of literal", Kind.PROTOCOL_ERROR, b"* X {5+}\r\nhello\r\n"),
        examine("more than 1 MiB of literals", Kind.RESPONSE_TOO_LARGE,
                (b"* X {60000}\r\n" + b"y" * 60000 + b"\r\n") * 20),
        examine("256 lines in all", Kind.OK, b"* 9 EXPUNGE\r\n" * 254),
        examine("257 lines in all", Kind.RESPONSE_TOO_LARGE, b"* 9 EXPUNGE\r\n" * 255),
        examine("a bare CR among the answers", Kind.PROTOCOL_ERROR, b"* FLAGS (\r)\r\n"),
        examine("a NUL among the answers", Kind.PROTOCOL_ERROR, b"* FLAGS (\0)\r\n"),
        examine("a blank behind a mailbox's figures", Kind.OK, b"* 3 EXISTS \r\n* 0 RECENT \r\n"),
        examine("blanks around a mailbox's figures", Kind.OK, b"*  3  EXISTS\r\n"),
        examine("a mailbox, then another", Kind.OK, b"* 0 EXISTS\r\n* 0 RECENT\r\n"),
        case("EXAMINE answered byte by byte", Kind.OK, "EXAMINE", _dribbled_examine),
        case("EXAMINE answered by BYE and a hang-up", Kind.CONNECTION_LOST, "EXAMINE", _then_hang_up(b"* BYE x\r\n")),
        case("no mailbox to connect to, as of Exchange", Kind.MAILBOX_MISSING, "EXAMINE",
             _then_hang_up(b"{tag} BAD User is authenticated but not connected.\r\n* BYE Connection closed. 14\r\n"),
             hint="Exchange"),
        case("EXAMINE [REFERRAL]", Kind.MAILBOX_MISSING, "EXAMINE",
             b"{tag} NO [REFERRAL imap://ada;AUTH=*@imap3.example.org/INBOX] Not here\r\n", hint="imap3.example.org"),
        case("a greeting that names another server", Kind.GREETING_REJECTED, "greeting",
             b"* BYE [REFERRAL imap://imap4.example.org/] Gone\r\n", hint="imap4.example.org"),
        Case("OAuth 2.0 and nothing else", IMAP, (Kind.AUTH_UNSUPPORTED,), modes=(TLS, STARTTLS), no_login=True,
             capabilities="IMAP4rev1 LOGINDISABLED AUTH=XOAUTH2 AUTH=OAUTHBEARER", hint="app password"),
        case("EXAMINE throttled", Kind.RATE_LIMITED, "EXAMINE", b"{tag} BAD Request is throttled. Wait\r\n"),
        case("EXAMINE [UNAVAILABLE]", Kind.AUTH_TEMPORARY, "EXAMINE", b"{tag} NO [UNAVAILABLE] later\r\n",
             hint="storage"),
        case("STARTTLS answered BAD", Kind.STARTTLS_MISSING, "STARTTLS", b"{tag} BAD what\r\n",
             modes=(STARTTLS,), no_login=True),
        case("STARTTLS agreed to, then a hang-up", Kind.CONNECTION_LOST, "STARTTLS", _then_hang_up(b"{tag} OK go\r\n"),
             modes=(STARTTLS,), no_login=True),
        case("half a line behind the STARTTLS OK", Kind.STARTTLS_INJECTION, "STARTTLS", b"{tag} OK begin\r\n* ",
             modes=(STARTTLS,), no_login=True),
        case("capabilities on several lines, the last of which forbids LOGIN", Kind.AUTH_UNSUPPORTED, "CAPABILITY",
             b"* CAPABILITY IMAP4rev1\r\n* CAPABILITY LOGINDISABLED\r\n{tag} OK done\r\n",
             modes=(PLAIN, TLS), no_login=True),
        case("a greeting once more inside TLS", Kind.OK, "CAPABILITY", _greets_again, modes=(STARTTLS,)),
    ]  # fmt: skip


async def _dribbled_examine(peer: Peer, tag: bytes) -> None:
    await _run(_byte_by_byte(_EXAMINED.replace(b"{tag}", tag)), peer, tag)


async def _greets_again(peer: Peer, tag: bytes) -> None:
    # Asked twice: in clear, and inside TLS.
    in_tls = peer.writer.get_extra_info("ssl_object") is not None
    told = b"* OK hello again\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n" if in_tls else b"* CAPABILITY STARTTLS\r\n"
    await peer.say(told + tag + b" OK done\r\n")


async def _run(say: Say, peer: Peer, tag: bytes) -> None:
    assert callable(say)
    await say(peer, tag)


async def _in_two_steps(peer: Peer, tag: bytes) -> None:
    if peer.heard[-1] == b"AUTH PLAIN":
        await peer.say(b"+ \r\n")
        await peer.hear()
        await peer.say(b"+OK in\r\n")
    else:
        await peer.say(b"-ERR Protocol error. Connection is closed. 10\r\n")
        await _hang_up(peer)


def _pop3() -> list[Case]:
    def case(name: str, kind: Kind, verb: str, say: Say, **more: Any) -> Case:
        return Case(name, POP3, (kind,), instead={verb: say}, **more)

    login = {"target": {"auth": "login"}, "capabilities": "USER"}
    in_clear = {"modes": (PLAIN, TLS)}
    return [
        case("the initial response let go by, and asked for", Kind.OK, "AUTH", _asking_again),
        case("-err in lower case", Kind.AUTH_REJECTED, "AUTH", b"-err [auth] no\r\n"),
        case("a code that says no and words that soften it", Kind.AUTH_REJECTED, "AUTH",
             b"-ERR [AUTH] temporary failure\r\n"),
        case("a code that softens and words that say no", Kind.AUTH_TEMPORARY, "AUTH",
             b"-ERR [SYS/TEMP] invalid password\r\n"),
        case("-ERR and a hang-up in one breath", Kind.AUTH_REJECTED, "AUTH", _then_hang_up(b"-ERR [AUTH] no\r\n")),
        case("markup in the refusal", Kind.AUTH_REJECTED, "AUTH", b"-ERR <b>\x1b[31m=cmd|' /C calc'!A0\r\n"),
        case("the login answered late", Kind.OK, "AUTH", _late(b"+OK in\r\n"), target={"warning_ms": 500}),
        case("the user refused before the password", Kind.AUTH_REJECTED, "USER", b"-ERR nobody\r\n", **login),
        case("the user kept waiting", Kind.COMMAND_TIMEOUT, "USER", b"", timeout_ms=3000, **login),
        case("the password answered by a challenge", Kind.PROTOCOL_ERROR, "PASS", b"+ more\r\n", **login),
        case("content with the user's name alone", Kind.PROTOCOL_ERROR, "AUTH", _only_the_name,
             target={"auth": "login"}, capabilities="SASL LOGIN"),
        case("content before it was told the password", Kind.PROTOCOL_ERROR, "AUTH", b"+OK come in\r\n",
             target={"auth": "login"}, capabilities="SASL LOGIN", no_login=False),
        case("capabilities with dots in front", Kind.OK, "CAPA", b"+OK\r\n..odd\r\nSASL PLAIN\r\n.\r\n", **in_clear),
        case("capabilities in lower case", Kind.OK, "CAPA", b"+ok\r\nsasl plain\r\n.\r\n", **in_clear),
        case("mechanisms on a line each", Kind.OK, "CAPA", b"+OK\r\nSASL PLAIN\r\nSASL GSSAPI\r\n.\r\n", **in_clear),
        *(Case(f"no response in the line of AUTH, as of Exchange: {auth}", POP3, (Kind.OK,),
               capabilities="TOP|UIDL|SASL PLAIN|USER", target={"auth": auth},
               instead={"greeting": b"+OK The Microsoft Exchange POP3 service is ready. [QQ==]\r\n",
                        "AUTH": _in_two_steps}) for auth in ("auto", "plain")),
        Case("capabilities that say nothing of logins", POP3, (Kind.OK,), capabilities="UIDL"),
        Case("capabilities that want TLS before a login", POP3, (Kind.AUTH_UNSUPPORTED,), modes=(PLAIN,),
             capabilities="UIDL|STLS", no_login=True, hint="starttls"),
        case("a code below one that is known", Kind.AUTH_TEMPORARY, "AUTH", b"-ERR [SYS/TEMP/STORE] later\r\n"),
        case("256 lines of capabilities", Kind.OK, "CAPA", b"+OK\r\n" + b"SASL PLAIN\r\n" * 254 + b".\r\n", **in_clear),
        case("257 lines of capabilities", Kind.RESPONSE_TOO_LARGE, "CAPA",
             b"+OK\r\n" + b"SASL PLAIN\r\n" * 255 + b".\r\n", **in_clear),
        case("capabilities that never end, then silence", Kind.COMMAND_TIMEOUT, "CAPA", b"+OK\r\nUSER\r\n",
             timeout_ms=3000),
        case("STAT with words behind its figures", Kind.OK, "STAT", b"+OK 3 1024 octets or so\r\n"),
        case("STAT with one figure", Kind.PROTOCOL_ERROR, "STAT", b"+OK 3\r\n"),
        case("STAT as a fraction", Kind.PROTOCOL_ERROR, "STAT", b"+OK 3.5 1e9\r\n"),
        case("STAT answered by a challenge", Kind.PROTOCOL_ERROR, "STAT", b"+ 3 1024\r\n"),
        case("STAT answered by a hang-up", Kind.CONNECTION_LOST, "STAT", _hang_up),
        case("STAT [SYS/TEMP]", Kind.AUTH_TEMPORARY, "STAT", b"-ERR [SYS/TEMP] later\r\n", hint="storage"),
        case("QUIT refused", Kind.OK, "QUIT", b"-ERR messages not removed\r\n"),
        case("a limit told in the greeting", Kind.RATE_LIMITED, "greeting", b"-ERR [LOGIN-DELAY] later\r\n"),
        case("half a line behind the STLS +OK", Kind.STARTTLS_INJECTION, "STLS", b"+OK begin\r\n+",
             modes=(STARTTLS,), no_login=True),
        case("STLS agreed to, then a hang-up", Kind.CONNECTION_LOST, "STLS", _then_hang_up(b"+OK go\r\n"),
             modes=(STARTTLS,), no_login=True),
        Case("OAuth 2.0 and nothing else", POP3, (Kind.AUTH_UNSUPPORTED,), modes=(TLS, STARTTLS), no_login=True,
             capabilities="SASL XOAUTH2|UIDL", hint="app password"),
        Case("a mechanism offered only in clear", POP3, (Kind.AUTH_UNSUPPORTED,), modes=(STARTTLS,),
             in_clear="STLS|SASL PLAIN|USER", capabilities="SASL GSSAPI", no_login=True),
    ]  # fmt: skip


def unlisted_cases() -> list[Case]:
    """All of them."""
    either = [case for protocol in (IMAP, POP3) for case in (*_either(protocol), *_in_the_handshake(protocol))]
    return [*either, *_imap_login(), *_imap_replies(), *_pop3()]
