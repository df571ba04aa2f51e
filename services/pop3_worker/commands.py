"""Everything a POP3 check may say. An allow-list rather than discipline: nothing here reads or deletes mail.

APOP is left out on purpose: it needs the password in clear on the server and rests on a broken hash.
"""

from typing import Final

ALLOWED_VERBS: Final = frozenset({"CAPA", "STLS", "AUTH", "USER", "PASS", "STAT", "QUIT"})

# RFC 2449 section 4, RFC 5034 section 4: longer initial responses wait for the server to ask.
LONGEST_LINE: Final = 255


def encode(verb: str, argument: bytes = b"") -> bytes:
    """A command's line. ValueError for another verb, or an argument that would end the line or hide its end."""
    if verb not in ALLOWED_VERBS:
        raise ValueError(f"{verb} is no command a check may send")
    if b"\r" in argument or b"\n" in argument or b"\0" in argument:
        raise ValueError(f"CR, LF or NUL in the argument of {verb}")
    line = verb.encode("ascii")
    return (line + b" " + argument if argument else line) + b"\r\n"
