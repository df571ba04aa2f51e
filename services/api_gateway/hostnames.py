"""Host names as monitors keep them: one canonical spelling, and no second meaning for whoever resolves it.

A name is LDH labels (RFC 1123) after IDNA 2008, without the mapping of UTS 46: what only looks like a letter or digit
is refused, not translated. Shorthand addresses (`127.1`, `0x7f.1`, `2130706433`), which resolvers would read as
IPv4, are refused; full IP literals are allowed. Where a check may connect is the address policy's.
"""

import re
from ipaddress import IPv6Address, ip_address

import idna

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# The last label decides how resolvers read a name (WHATWG URL, "ends in a number").
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LONGEST = 253


class NotAHostname(Exception):
    """The text is no host name and no IP address."""


def canonical_hostname(text: str) -> str:
    """The A-label form in lower case, or the canonical form of an IP literal; raises NotAHostname."""
    if ":" in text:
        return _ipv6(text)
    if any(not sent.isascii() and sent.lower().isascii() for sent in text):
        raise NotAHostname  # the sign of Kelvin becomes a k, for one
    name = text.lower().removesuffix(".")
    if not name or len(name) > _LONGEST:
        raise NotAHostname
    labels = [_label(label) for label in name.split(".")]
    if _NUMBER.fullmatch(labels[-1]):
        return _ipv4(text)
    canonical = ".".join(labels)
    if len(canonical) > _LONGEST:
        raise NotAHostname
    return canonical


def a_labels(text: str) -> str:
    """A part of a host name, as a person may type it, with A-labels where whole labels can be had of it."""
    return ".".join(_a_label_if_any(label) for label in text.split("."))


def _a_label_if_any(label: str) -> str:
    try:
        return label if label.isascii() else _label(label.lower())
    except NotAHostname:
        return label


def _label(label: str) -> str:
    if label.isascii():
        if not _LABEL.fullmatch(label):
            raise NotAHostname
        if label.startswith("xn--"):
            _idna(idna.ulabel, label)
        return label
    encoded = _idna(idna.alabel, label)
    return encoded.decode("ascii") if isinstance(encoded, bytes) else encoded


def _idna(convert: object, label: str) -> str | bytes:
    try:
        return convert(label)  # type: ignore[operator, no-any-return]
    except (idna.IDNAError, UnicodeError, IndexError):
        raise NotAHostname from None


def _ipv4(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise NotAHostname from None


def _ipv6(text: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:
        raise NotAHostname from None
    if isinstance(address, IPv6Address) and address.scope_id is None:
        return str(address)
    raise NotAHostname
