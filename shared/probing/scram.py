"""SCRAM-SHA-256 (RFC 5802, RFC 7677), client side: the password stays here, and the server must prove it knows it."""

import base64
import binascii
import hashlib
import hmac
import stringprep
import unicodedata

from shared.checks.vocabulary import OutcomeKind
from shared.probing.sasl import Credentials, Exchange
from shared.probing.steps import CheckFailed, Compute

# RFC 7677 asks for 4096 and today's advice for some hundred thousand. More is a server making others work for it.
MOST_ITERATIONS = 1_000_000
_SHORTEST_SALT, _LONGEST_SALT = 1, 1024


def scram_sha_256(credentials: Credentials, *, nonce: bytes) -> Exchange:
    """Raises `CheckFailed`: auth_unsupported for too many iterations, protocol_error for what breaks the rules."""
    header = b"n," + (b"a=" + _name(credentials.authorization_id) if credentials.authorization_id else b"") + b","
    client_first = b"n=" + _name(_prepared(credentials.user)) + b",r=" + nonce
    server_first = yield header + client_first

    server_nonce, salt, iterations = _read_server_first(server_first, nonce)
    if iterations > MOST_ITERATIONS:
        raise CheckFailed(OutcomeKind.AUTH_UNSUPPORTED, b"i=%d" % iterations, variant="iterations")
    password = _prepared(credentials.password)
    without_proof = b"c=" + base64.b64encode(header) + b",r=" + server_nonce
    signed = b",".join((client_first, server_first, without_proof))

    # Milliseconds to a second of work: elsewhere, so that no other check waits for it.
    salted = yield Compute(lambda: hashlib.pbkdf2_hmac("sha256", password, salt, iterations))
    client_key = _hmac(salted, b"Client Key")
    signature = _hmac(hashlib.sha256(client_key).digest(), signed)
    proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
    server_final = yield without_proof + b",p=" + base64.b64encode(proof)

    expected = base64.b64encode(_hmac(_hmac(salted, b"Server Key"), signed))
    fields = _fields(server_final)
    if b"e" in fields:
        # RFC 5802, section 7: all its other values are about the user, the password, or what we said of them.
        kind = OutcomeKind.AUTH_TEMPORARY if fields[b"e"] == b"no-resources" else OutcomeKind.AUTH_REJECTED
        raise CheckFailed(kind, server_final, polite=True)
    if not hmac.compare_digest(fields.get(b"v", b""), expected):
        raise CheckFailed(OutcomeKind.PROTOCOL_ERROR, variant="signature")
    yield b""


def _read_server_first(message: bytes, nonce: bytes) -> tuple[bytes, bytes, int]:
    fields = _fields(message)
    try:
        server_nonce, count = fields[b"r"], fields[b"i"]
        salt = base64.b64decode(fields[b"s"], validate=True)
    except (KeyError, binascii.Error):
        raise _broken() from None
    if b"m" in fields or not server_nonce.startswith(nonce) or len(server_nonce) <= len(nonce):
        raise _broken()
    if not count.isdigit() or len(count) > 20 or int(count) < 1:
        raise _broken()
    if not _SHORTEST_SALT <= len(salt) <= _LONGEST_SALT:
        raise _broken()
    return server_nonce, salt, int(count)


def _fields(message: bytes) -> dict[bytes, bytes]:
    return {part[:1]: part[2:] for part in message.split(b",") if part[1:2] == b"="}


def _broken() -> CheckFailed:
    # Without the message: it holds the salt of somebody's password.
    return CheckFailed(OutcomeKind.PROTOCOL_ERROR, variant="challenge")


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _name(text: bytes) -> bytes:
    return text.replace(b"=", b"=3D").replace(b",", b"=2C")


def _prepared(raw: bytes) -> bytes:
    """SASLprep (RFC 4013), which both sides must do alike; bytes that are no UTF-8 stay as they are."""
    if raw.isascii():
        return raw
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw
    mapped = "".join(" " if stringprep.in_table_c12(c) else c for c in text if not stringprep.in_table_b1(c))
    return unicodedata.normalize("NFKC", mapped).encode("utf-8")
