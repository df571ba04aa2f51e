"""A mailbox's address taken apart: what stands before the @ as it is, the domain in its canonical spelling. Pure."""

import re
from dataclasses import dataclass

from services.api_gateway.hostnames import NotAHostname, canonical_hostname

# Whatever else RFC 5322 allows in quotes, no mailbox that is watched is called so, and log-in names come of it.
_LOCAL = re.compile(r"[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f-\x9f]{1,64}")


class NotAnAddress(Exception):
    """The text is no mailbox's address; says what is wrong, to stand after a field's name."""


@dataclass(frozen=True, slots=True)
class MailAddress:
    """local@domain; `domain` as A-labels in lower case, `typed` as it was given."""

    local: str
    domain: str
    typed: str


def mail_address(text: str) -> MailAddress:
    """Raises NotAnAddress."""
    local, at, domain = text.strip().rpartition("@")
    if not at or not _LOCAL.fullmatch(local):
        raise NotAnAddress("must be an e-mail address, such as anna@example.com")
    try:
        name = canonical_hostname(domain)
    except NotAHostname:
        raise NotAnAddress("must end in a domain after the @, such as anna@example.com") from None
    if ":" in name or name.replace(".", "").isdecimal():
        raise NotAnAddress("must end in a domain, not in an IP address")
    return MailAddress(local=local, domain=name, typed=text.strip())
