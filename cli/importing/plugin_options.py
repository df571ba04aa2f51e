"""What the command line of a Nagios plugin says of a mail server. Pure.

`check_imap`, `check_pop`, `check_simap` and `check_spop` of monitoring-plugins are `check_tcp` by other names, so they
look at the greeting; plugins that log in (`check_imap_login`, `check_imap_receive`, `check_imap_quota` …) agree on
`-H`, `-U` and `-P`, if on little else.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

_PORTS: Mapping[int, tuple[str, str]] = {
    143: ("imap", "none"),
    993: ("imap", "tls"),
    110: ("pop3", "none"),
    995: ("pop3", "tls"),
}
_PLAIN: Mapping[str, tuple[str, str]] = {
    "check_imap": ("imap", "none"),
    "check_simap": ("imap", "tls"),
    "check_pop": ("pop3", "none"),
    "check_spop": ("pop3", "tls"),
}
_LOGIN = re.compile(r"check_(?P<protocol>imap|pop3?)(?P<secure>s)?_(login|receive|quota|mailbox|auth|account)\w*")
_LONG: Mapping[str, str] = {
    "hostname": "host",
    "host": "host",
    "port": "port",
    "username": "user",
    "user": "user",
    "login": "user",
    "password": "password",
    "pass": "password",
    "mailbox": "mailbox",
    "folder": "mailbox",
    "timeout": "timeout",
    "certificate": "days",
    "sni": "servername",
    "warning": "warning",
}
_SHORT: Mapping[str, str] = {
    "H": "host",
    "U": "user",
    "u": "user",
    "P": "password",
    "p": "port",
    "t": "timeout",
    "D": "days",
    "w": "warning",
}
# Short options of check_tcp and others that take a value which means nothing here.
_WITH_VALUE = frozenset("cesqmdrM")
_TLS_WORDS = frozenset({"ssl", "use-ssl", "imaps", "pop3s"})
_STARTTLS_WORDS = frozenset({"tls", "starttls"})


@dataclass(frozen=True, slots=True)
class Server:
    """What is checked; None where nothing is said."""

    protocol: str
    security: str
    host: str | None = None
    port: int | None = None
    user: str | None = None
    password: str | None = None
    mailbox: str | None = None
    servername: str | None = None
    timeout_seconds: int | None = None
    warning_ms: int | None = None
    certificate_days: int | None = None
    expects: bool = False  # it looks for words of its own in the answer, which we do not


def program_of(command_line: str) -> str:
    """The plugin's name; empty where the line cannot be read."""
    words = _words(command_line)
    return PurePosixPath(words[0]).name if words else ""


def mail_server(command_line: str) -> Server | None:
    """The mail server that a command line checks; None where it checks something else."""
    words = _words(command_line)
    if not words:
        return None
    program = PurePosixPath(words[0]).name.removesuffix(".pl").removesuffix(".py").removesuffix(".sh")
    told, flags = _options(words[1:])
    port = int(told["port"]) if told.get("port", "").isdigit() else None
    login = _LOGIN.fullmatch(program)
    if program in _PLAIN:
        protocol, security = _PLAIN[program]
    elif login is not None:
        protocol = "imap" if login["protocol"] == "imap" else "pop3"
        security = "tls" if login["secure"] or port in (993, 995) else "none"
        if "password" not in told and port is None and "port" in told:
            told["password"] = told["port"]  # some take -p for the password
    elif program in ("check_tcp", "check_ssl_cert") and port is not None and port in _PORTS:
        protocol, security = _PORTS[port]
    else:
        return None
    if flags & {"S", "s", *_TLS_WORDS}:
        security = "tls"
    elif flags & _STARTTLS_WORDS:
        security = "starttls"
    return Server(
        protocol=protocol,
        security=security,
        host=told.get("host"),
        port=port,
        user=told.get("user"),
        password=told.get("password"),
        mailbox=told.get("mailbox"),
        servername=told.get("servername") or None,
        timeout_seconds=_number(told.get("timeout"), 1, 60),
        warning_ms=_milliseconds(told.get("warning")),
        certificate_days=_number(told.get("days", "").partition(",")[0], 0, 3650),
        expects="e" in flags,
    )


def _words(command_line: str) -> list[str]:
    try:
        return shlex.split(command_line)
    except ValueError:
        return command_line.split()


def _options(words: list[str]) -> tuple[dict[str, str], set[str]]:
    """Options with their values, and the names of the others."""
    told: dict[str, str] = {}
    flags: set[str] = set()
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            if name in _LONG and not equals and name != "sni" and rest and not rest[0].startswith("-"):
                value = rest.pop(0)
            told |= {_LONG[name]: value} if name in _LONG else {}
            flags |= set() if name in _LONG else {name}
        elif word.startswith("-") and len(word) > 1:
            letter, value = word[1], word[2:]
            if letter in _SHORT or letter in _WITH_VALUE:
                # `-s` sends something in check_tcp, and means TLS elsewhere.
                has_value = bool(rest) and not re.match(r"-[A-Za-z-]", rest[0])
                value = value or (rest.pop(0) if has_value else "")
            if letter in _SHORT:
                told.setdefault(_SHORT[letter], value)
            if letter not in _SHORT and (letter != "s" or not value):
                flags.add(letter)
        elif "host" not in told:
            told["host"] = word
    return told, flags


def _number(text: str | None, least: int, most: int) -> int | None:
    return min(max(int(text), least), most) if text and text.isascii() and text.isdigit() else None


def _milliseconds(seconds: str | None) -> int | None:
    """Of a response time that warns; thresholds of counts and percentages are something else."""
    if seconds is None or not re.fullmatch(r"\d{1,2}(\.\d{1,3})?", seconds) or float(seconds) == 0:
        return None
    return min(round(float(seconds) * 1000), 60_000)
