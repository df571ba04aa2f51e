"""What sound servers say, as a place to start, and the ways to spoil it."""

import base64
import hashlib
import hmac
import random

from services.imap_worker.aioimaplib_grammar import ImapGrammar
from shared.checks.target import CheckTarget
from tests.fuzz.player import LIMITS, NONCE, PASSWORD

USER = "ada"
_TOKENS = (
    *(b"\r\n", b"\n", b"\r", b"\0", b" ", b"* ", b"+ ", b"+", b".", b"..", b".\r\n", b"\x80", b"\xff\xfe", b"\x1b[2J"),
    *(
        b"{5}\r\n",
        b"{0}\r\n",
        b"{-1}\r\n",
        b"{4294967295}\r\n",
        b"{65536}\r\n",
        b"{65537}\r\n",
        b"{5+}\r\n",
        b"~{5}\r\n",
    ),
    *(b"* BYE gone\r\n", b"* OK [ALERT] hear\r\n", b"* 3 EXISTS\r\n", b"* 99999999999 EXISTS\r\n", b"* NO sad\r\n"),
    *(b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n", b"[CAPABILITY IMAP4rev1]", b"[AUTH]", b"[SYS/TEMP]", b"[UNAVAILABLE]"),
    *(b"+OK\r\n", b"-ERR\r\n", b"+OK 3 300\r\n", b"-ERR [IN-USE] busy\r\n", b"+ " + base64.b64encode(b"x") + b"\r\n"),
    *(b" OK ", b" NO ", b" BAD ", b" ok ", b"NIL", b"()", b'"', b"\\", b"%s", b"9" * 30, b"a" * 9000, b"(" * 300),
)


def targets() -> list[tuple[str, CheckTarget]]:
    """Every conversation there is to have in clear, by name."""
    found = []
    for protocol in ("imap", "pop3"):
        for auth in ("auto", "plain", "login", "cram-md5", "scram-sha-256", "none"):
            target = CheckTarget(protocol=protocol, hostname="m.test", port=143, security="none", user=USER, auth=auth)
            found.append((f"{protocol} {auth}", target))
    return found


def before_tls(rng: random.Random) -> tuple[CheckTarget, bytes]:
    """A check that asks for STARTTLS, and what it is told up to there, with TLS (or none) behind it."""
    if rng.randrange(2):
        said = b"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n" + _tags()[0] + b" OK begin\r\n"
    else:
        said = b"+OK ready\r\n+OK\r\nSTLS\r\n.\r\n+OK begin\r\n"
    protocol = "imap" if said.startswith(b"*") else "pop3"
    target = CheckTarget(protocol=protocol, hostname="m.test", port=143, security="starttls", user=USER)
    return target, said + rng.choice(
        [b"", b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03", b"\x15\x03\x01\x00\x02\x02\x46"]
    )


def sound(target: CheckTarget, rng: random.Random) -> bytes:
    """All a server says to such a check that goes well, or nearly."""
    return _imap(target, rng) if target.protocol == "imap" else _pop3(target, rng)


def _imap(target: CheckTarget, rng: random.Random) -> bytes:
    tags = iter(_tags())
    mechanism = target.auth.upper()
    offers = rng.choice(
        [
            f"IMAP4rev1 AUTH={mechanism}",
            f"IMAP4rev1 SASL-IR ID AUTH={mechanism} AUTH=PLAIN",
            "IMAP4rev1 LITERAL+",
            "IMAP4rev1 LOGINDISABLED AUTH=LOGIN",
        ]
    ).encode()
    if rng.randrange(2):
        said = b"* OK [CAPABILITY " + offers + b"] ready\r\n"
    else:
        said = b"* OK ready\r\n* CAPABILITY " + offers + b"\r\n" + next(tags) + b" OK done\r\n"
    if b"ID" in offers.split():
        said += b'* ID ("name" {5}\r\nCyrus)\r\n' + next(tags) + b" OK done\r\n"
    if target.auth != "none":
        said += _challenges(target) if rng.randrange(4) else b""
        said += next(tags) + rng.choice([b" OK in\r\n", b" NO [AUTHENTICATIONFAILED] no\r\n", b" NO\r\n"])
        said += b"* FLAGS (\\Seen)\r\n* 3 EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n"
        said += next(tags) + b" OK [READ-ONLY] done\r\n"
    return said + b"* BYE bye\r\n" + next(tags) + b" OK done\r\n"


def _pop3(target: CheckTarget, rng: random.Random) -> bytes:
    mechanism = target.auth.upper().encode()
    known = b"+OK\r\nUSER\r\nSASL " + mechanism + b" PLAIN\r\n.\r\n"
    odd = [b"-ERR what\r\n", b"+OK\r\n..dots\r\nSASL\r\n.\r\n"]
    said = b"+OK ready\r\n" + rng.choice([known, known, known, *odd])
    if target.auth != "none":
        said += _challenges(target) if rng.randrange(4) else rng.choice([b"", b"+OK send it\r\n"])
        said += rng.choice([b"+OK in\r\n", b"-ERR [AUTH] no\r\n", b"-ERR\r\n"]) + b"+OK 3 1024\r\n"
    return said + b"+OK bye\r\n"


def _challenges(target: CheckTarget) -> bytes:
    def line(raw: bytes) -> bytes:
        return b"+ " + base64.b64encode(raw) + b"\r\n"

    match target.auth:
        case "plain":
            return b"+ \r\n"
        case "login":
            return line(b"Username:") + line(b"Password:")
        case "cram-md5":
            return line(b"<1896.697170952@mail.test>")
        case "scram-sha-256":
            first, final = _scram()
            return (b"+ \r\n" if target.protocol == "imap" else b"") + line(first) + line(final)
    return b""


def _scram() -> tuple[bytes, bytes]:
    nonce = f"{NONCE}server".encode()
    first = b"r=" + nonce + b",s=" + base64.b64encode(b"salt") + b",i=2"
    signed = f"n={USER},r={NONCE}".encode() + b"," + first + b",c=biws,r=" + nonce
    salted = hashlib.pbkdf2_hmac("sha256", PASSWORD, b"salt", 2)
    key = hmac.digest(salted, b"Server Key", "sha256")
    return first, b"v=" + base64.b64encode(hmac.digest(key, signed, "sha256"))


def _tags() -> list[bytes]:
    """The tags the player's seed makes aioimaplib choose."""
    random.seed(4711)
    grammar = ImapGrammar(LIMITS)
    return [grammar.encode("CAPABILITY").split()[0] for _ in range(10)]


def spoiled(rng: random.Random, said: bytes) -> bytes:
    """The same with one to four things wrong with it."""
    for _ in range(rng.randrange(1, 5)):
        at = rng.randrange(len(said) + 1)
        match rng.randrange(8):
            case 0:
                said = said[:at] + bytes([rng.randrange(256)]) + said[at + 1 :]
            case 1:
                said = said[:at] + said[at + rng.randrange(1, 40) :]
            case 2 | 3 | 4:
                said = said[:at] + rng.choice(_TOKENS) + said[at:]
            case 5:
                said = said[:at] + said[at : at + 60] * rng.randrange(1, 20) + said[at:]
            case 6:
                lines = said.splitlines(keepends=True)
                rng.shuffle(lines)
                said = b"".join(lines)
            case _:
                said = said[:at]
    return said
