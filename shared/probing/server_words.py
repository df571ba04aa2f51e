"""A mail server's own words made fit to keep and to show: bounded, escaped, and without the password.

Whatever it says is text to us: what markup, terminal codes or formulas it holds is for those who show it to render
harmless once more.
"""

import base64
import re
from collections.abc import Iterable
from html import escape
from urllib.parse import quote, quote_plus

MOST_BYTES = 512
MASK = b"********"

# C0, DEL and C1; line separators; marks that turn text around or hide it.
_UNSHOWABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
_SHORT_SECRET = 4


def escaped(raw: bytes, *, most_bytes: int = MOST_BYTES) -> str:
    """The words as text: UTF-8 where it is, `\\xNN` where it is not, control characters escaped, cut to size."""
    text = raw[: most_bytes * 2].decode("utf-8", "backslashreplace")
    text = _UNSHOWABLE.sub(_escape, text)
    encoded = text.encode("utf-8")
    if len(encoded) <= most_bytes:
        return text
    return encoded[: most_bytes - 3].decode("utf-8", "ignore") + "…"


class Redactor:
    """Takes a password out of what a server said or we sent, in every spelling it may have come back in."""

    __slots__ = ("_spellings",)

    def __init__(self, secrets: Iterable[bytes]) -> None:
        # Not a regular expression: the re module would keep the password in its cache.
        spellings = {spelling for secret in secrets if secret for spelling in _spellings(secret)}
        self._spellings = sorted(spellings, key=len, reverse=True)

    def __call__(self, raw: bytes) -> bytes:
        for spelling in self._spellings:
            if spelling in raw:
                raw = raw.replace(spelling, MASK) if len(spelling) >= _SHORT_SECRET else _word_out(raw, spelling)
        return raw


def _spellings(secret: bytes) -> Iterable[bytes]:
    yield secret
    yield secret.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    if len(secret) < _SHORT_SECRET:
        return
    # Base64 of anything that ends in the secret or holds it: the three alignments, without the unsteady edges.
    for lead in range(3):
        whole = base64.b64encode(b"\0" * lead + secret)
        yield whole[(0, 2, 3)[lead] :].rstrip(b"=")[: -1 or None]
    yield secret.hex().encode()
    # As URLs carry it, with more or less left as it is.
    for safe in ("", "/"):
        yield quote(secret, safe=safe).encode()
    yield quote_plus(secret).encode()
    yield b"".join(b"%%%02X" % byte if not chr(byte).isalnum() or byte > 127 else bytes([byte]) for byte in secret)
    yield escape(secret.decode("utf-8", "replace")).encode()


def _word_out(raw: bytes, word: bytes) -> bytes:
    # A password of one or two letters would otherwise take half the alphabet out of the text.
    parts = raw.split(word)
    text = parts[0]
    for part in parts[1:]:
        alone = not text[-1:].isalnum() and not part[:1].isalnum()
        text += (MASK if alone else word) + part
    return text


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
