"""How what we say is spelled in IMAP: strings, literals, mailbox names. Pure; the verbs are the grammar's to allow."""

import base64
import re
from typing import Final

_QUOTABLE: Final = re.compile(rb"[\x01-\x09\x0b\x0c\x0e-\x7f]*")
_DIRECT: Final = re.compile(r"[\x20-\x25\x27-\x7e]+|[^\x20-\x25\x27-\x7e&]+|&")


def quoted(raw: bytes) -> bytes | None:
    """The string in quotes; None where only a literal can carry it (RFC 3501 section 4.3: 8-bit)."""
    if _QUOTABLE.fullmatch(raw) is None:
        return None
    return b'"' + raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def mailbox_name(name: str) -> str:
    """A mailbox's name as servers know it: modified UTF-7 (RFC 3501 section 5.1.3), INBOX in any case."""
    if name.upper() == "INBOX":
        return "INBOX"
    parts = []
    for run in _DIRECT.findall(name):
        if run == "&":
            parts.append("&-")
        elif run.isascii() and run.isprintable():
            parts.append(run)
        else:
            encoded = base64.b64encode(run.encode("utf-16-be")).rstrip(b"=").replace(b"/", b",")
            parts.append(f"&{encoded.decode('ascii')}-")
    return "".join(parts)
