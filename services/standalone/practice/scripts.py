"""Both sides of good manners: IMAP and POP3 as practice servers speak them, without a socket.

A script is a generator of what to do next; a line of the client is sent into it where it asked for one. It knows as
much of each protocol as a check says, and hangs up at its end.
"""

import base64
import binascii
from collections.abc import Generator
from dataclasses import dataclass
from enum import Enum, auto

from services.standalone.practice.cast import PASSWORD, USER, Manner

SLOW_LOGIN_SECONDS = 3.0
_GOODBYE = b"Practice server hangs up"
_PLAIN = b"\0".join((b"", USER.encode(), PASSWORD.encode()))


@dataclass(frozen=True, slots=True)
class Say:
    data: bytes


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float


class Ask(Enum):
    """What a script wants of whoever plays it."""

    LINE = auto()
    START_TLS = auto()
    CUT = auto()  # end the connection without a word, not even TLS' own goodbye


Step = Say | Pause | Ask
Script = Generator[Step, bytes, None]


def imap_script(manner: Manner, *, visit: int, starts_tls: bool) -> Script:
    """One connection, SLOW and FLAPPING. `visit` counts them from 0; `starts_tls`: no login before STARTTLS."""
    if manner is Manner.FLAPPING and visit % 2 == 1:
        yield Say(b"* BYE Overloaded, try again later\r\n")
        return
    yield Say(b"* OK Practice IMAP server ready\r\n")
    needs_tls = starts_tls
    while True:
        tag, verb, argument = _words((yield Ask.LINE), 3)
        match verb.upper():
            case b"CAPABILITY":
                can = b"STARTTLS LOGINDISABLED" if needs_tls else b"SASL-IR AUTH=PLAIN ID"
                yield Say(b"* CAPABILITY IMAP4rev1 " + can + b"\r\n" + tag + b" OK Done\r\n")
            case b"STARTTLS" if needs_tls:
                yield Say(tag + b" OK Begin\r\n")
                yield Ask.START_TLS
                needs_tls = False
            case b"ID":
                yield Say(b'* ID ("name" "practice")\r\n' + tag + b" OK Done\r\n")
            case b"AUTHENTICATE" if not needs_tls:
                if manner is Manner.SLOW:
                    yield Pause(SLOW_LOGIN_SECONDS)
                good = b" OK Logged in\r\n"
                yield Say(tag + (good if _is_right(argument) else b" NO [AUTHENTICATIONFAILED] Wrong password\r\n"))
            case b"EXAMINE":
                yield Say(b"* FLAGS (\\Seen)\r\n* 3 EXISTS\r\n* 0 RECENT\r\n" + tag + b" OK [READ-ONLY] Done\r\n")
            case b"LOGOUT":
                yield Say(b"* BYE " + _GOODBYE + b"\r\n" + tag + b" OK Done\r\n")
                return
            case _:
                yield Say(tag + b" BAD No such command\r\n")


def pop3_script(manner: Manner, *, visit: int, starts_tls: bool) -> Script:
    """The same for POP3, where FULL and DROPS are played."""
    del visit  # nobody flaps here
    if manner is Manner.FULL:
        yield Say(b"-ERR [LOGIN-DELAY] Too many connections\r\n")
        return
    yield Say(b"+OK Practice POP3 server ready\r\n")
    needs_tls, user = starts_tls, b""
    while True:
        verb, argument = _words((yield Ask.LINE), 2)
        match verb.upper():
            case b"CAPA":
                can = b"STLS" if needs_tls else b"USER\r\nUIDL"
                yield Say(b"+OK\r\n" + can + b"\r\n.\r\n")
            case b"STLS" if needs_tls:
                yield Say(b"+OK Begin\r\n")
                yield Ask.START_TLS
                needs_tls = False
            case b"USER" if not needs_tls:
                if manner is Manner.DROPS:
                    yield Ask.CUT
                user = argument
                yield Say(b"+OK And the password?\r\n")
            case b"PASS" if not needs_tls:
                right = (user, argument) == (USER.encode(), PASSWORD.encode())
                yield Say(b"+OK Logged in\r\n" if right else b"-ERR [AUTH] Wrong password\r\n")
            case b"STAT":
                yield Say(b"+OK 3 4096\r\n")
            case b"QUIT":
                yield Say(b"+OK " + _GOODBYE + b"\r\n")
                return
            case _:
                yield Say(b"-ERR No such command\r\n")


def _words(line: bytes, count: int) -> list[bytes]:
    words = line.split(b" ", count - 1)
    return words + [b""] * (count - len(words))


def _is_right(argument: bytes) -> bool:
    mechanism, response = _words(argument, 2)
    try:
        return mechanism.upper() == b"PLAIN" and base64.b64decode(response, validate=True) == _PLAIN
    except binascii.Error:
        return False
