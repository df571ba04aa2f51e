"""What a server's refusal means: its machine-readable code first, a few wordings only where it gave none.

The codes of both protocols (RFC 3501, RFC 5530; RFC 2449, RFC 3206) stand in one table, since servers mix them.
"""

import re
from typing import Final

from shared.checks.vocabulary import REFUSALS, LoginOutcome, OutcomeKind
from shared.checks.vocabulary import OutcomeKind as Kind

_CODE = re.compile(rb"\s*\[([A-Za-z0-9/_-]+)[^\]\r\n]*\]")

_BY_CODE: Final[dict[str, OutcomeKind]] = {
    "AUTHENTICATIONFAILED": Kind.AUTH_REJECTED,
    "AUTHORIZATIONFAILED": Kind.AUTH_REJECTED,
    "AUTH": Kind.AUTH_REJECTED,
    "EXPIRED": Kind.AUTH_EXPIRED,
    "CONTACTADMIN": Kind.AUTH_EXPIRED,
    "WEBALERT": Kind.AUTH_EXPIRED,
    "SYS/PERM": Kind.AUTH_EXPIRED,
    "UNAVAILABLE": Kind.AUTH_TEMPORARY,
    "SERVERBUG": Kind.AUTH_TEMPORARY,
    "SYS/TEMP": Kind.AUTH_TEMPORARY,
    "LIMIT": Kind.RATE_LIMITED,
    "THROTTLED": Kind.RATE_LIMITED,
    "OVERQUOTA": Kind.RATE_LIMITED,  # to a login: of commands or bandwidth
    "LOGIN-DELAY": Kind.RATE_LIMITED,
    "INUSE": Kind.MAILBOX_LOCKED,
    "IN-USE": Kind.MAILBOX_LOCKED,
    "PRIVACYREQUIRED": Kind.AUTH_UNSUPPORTED,
}

# Without a code these words turn a refusal into something that passes by itself, never the other way round.
_SOFTENING: Final = (
    (
        re.compile(
            rb"too many (?:\w+ ){0,3}(?:connections|sessions|logins)|maximum number of connections|"
            rb"connection limit|(?:rate|login|bandwidth) limit|login rate|request is throttled",
            re.IGNORECASE,
        ),
        Kind.RATE_LIMITED,
    ),
    (
        re.compile(
            rb"(?:mailbox|maildrop|mail drop) (?:is )?(?:already )?(?:locked|in use)|"
            rb"(?:unable|failed|could not|can't) (?:to )?(?:get|lock|obtain)[\w ]{0,20}(?:lock|maildrop|mailbox)|"
            rb"lock busy|already locked",
            re.IGNORECASE,
        ),
        Kind.MAILBOX_LOCKED,
    ),
    (
        re.compile(
            rb"temporar(?:y|ily) (?:\w+ ){0,2}(?:failure|error|problem|unavailable)|temporarily|"
            rb"internal (?:server )?error|(?:service|server) (?:is )?(?:not available|unavailable|busy)",
            re.IGNORECASE,
        ),
        Kind.AUTH_TEMPORARY,
    ),
)
_WORDS_LOOKED_AT = 1024
_REFERRAL = re.compile(
    rb"\[REFERRAL [a-z0-9]+://(?:[^\]/@]*@)?([a-z0-9.-]{1,253}|\[[0-9a-f:.]+\])(:[0-9]{1,5})?[/\]?]", re.IGNORECASE
)


def response_code(text: bytes) -> str | None:
    """The code at the beginning of a status text, upper case: `[AUTH] no such user` → `AUTH`."""
    found = _CODE.match(text)
    return found[1].decode("ascii").upper() if found is not None else None


def judge_refusal(text: bytes, otherwise: OutcomeKind) -> tuple[OutcomeKind, bool]:
    """The kind a refusal amounts to, and whether a code said so."""
    code = response_code(text)
    if code is not None and (kind := _kind_by_code(code)) is not None:
        return kind, True
    # A code unknown to us is still a code: the wordings speak only for servers that have none.
    if code is None or code == "ALERT":
        for wording, kind in _SOFTENING:
            if wording.search(text[:_WORDS_LOOKED_AT]):
                return kind, False
    return otherwise, False


def login_variant(text: bytes, kind: OutcomeKind) -> str | None:
    """Which special sentence fits a login refused with this text."""
    if kind is Kind.AUTH_UNSUPPORTED:
        return "tls_first"
    return "elsewhere" if referred_to(text) is not None else None


def referred_to(text: bytes) -> str | None:
    """The server a refusal names as the right one, with its port where it told one (RFC 2221, RFC 2193)."""
    found = _REFERRAL.search(text)
    return b"".join(part or b"" for part in found.groups()).decode("ascii") if found is not None else None


def _kind_by_code(code: str) -> OutcomeKind | None:
    # POP3's codes are a hierarchy (RFC 2449, section 8): who does not know SYS/TEMP/STORE reads it as SYS/TEMP.
    return _BY_CODE.get(code) or _BY_CODE.get("/".join(code.split("/", 2)[:2]))


def login_outcome(kind: OutcomeKind, *, by_code: bool) -> LoginOutcome:
    """What a refused login counts as.

    Only a machine's word that this was no judgement on the password keeps it from counting as a refusal: wordings
    also soften "too many failed logins, try again later", and who goes on after that locks the account.
    """
    if kind in REFUSALS or not by_code:
        return LoginOutcome.REFUSED
    return LoginOutcome.UNDECIDED
