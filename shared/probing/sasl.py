"""How a password is shown to a server: PLAIN, LOGIN, CRAM-MD5 and SCRAM-SHA-256, and which of them to choose.

Pure: challenges in, responses out, before any base64. IMAP and POP3 each bring their own way of carrying them.
"""

import hashlib
import hmac
from collections.abc import Generator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Final

from shared.checks.vocabulary import AuthMethod, OutcomeKind
from shared.probing.steps import CheckFailed, Compute


class Mechanism(StrEnum):
    """The SASL names of what we speak, strongest first, and the protocols' own plain login last."""

    SCRAM_SHA_256 = "SCRAM-SHA-256"
    CRAM_MD5 = "CRAM-MD5"
    PLAIN = "PLAIN"
    LOGIN = "LOGIN"
    NATIVE = "native"  # IMAP's LOGIN command, POP3's USER and PASS


# The password itself crosses the wire, however it is spelled.
REVEALING: Final = frozenset({Mechanism.PLAIN, Mechanism.LOGIN, Mechanism.NATIVE})

# What a chosen `auth` may use, in order of preference.
_CANDIDATES: Final[dict[AuthMethod, tuple[Mechanism, ...]]] = {
    AuthMethod.AUTO: (Mechanism.SCRAM_SHA_256, Mechanism.CRAM_MD5, Mechanism.PLAIN, Mechanism.NATIVE, Mechanism.LOGIN),
    AuthMethod.PLAIN: (Mechanism.PLAIN,),
    AuthMethod.LOGIN: (Mechanism.NATIVE, Mechanism.LOGIN),
    AuthMethod.CRAM_MD5: (Mechanism.CRAM_MD5,),
    AuthMethod.SCRAM_SHA_256: (Mechanism.SCRAM_SHA_256,),
    AuthMethod.NONE: (),
}
_AUTO_NATIVE_FIRST: Final = (
    Mechanism.SCRAM_SHA_256,
    Mechanism.CRAM_MD5,
    Mechanism.NATIVE,
    Mechanism.PLAIN,
    Mechanism.LOGIN,
)
_OAUTH: Final = frozenset({"XOAUTH2", "OAUTHBEARER"})
# These alone can say "log in as this one, on behalf of that one".
_CARRIES_AUTHORIZATION_ID: Final = frozenset({Mechanism.PLAIN, Mechanism.SCRAM_SHA_256})


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who logs in. The password is bytes, sent as they are; `authorization_id` is whose mailbox is meant."""

    user: bytes
    password: bytes = field(repr=False)
    authorization_id: bytes = b""


@lru_cache(maxsize=256)  # many servers are the same software, and offer the same
def choose_mechanism(
    auth: AuthMethod,
    *,
    offered: frozenset[str],
    native_allowed: bool,
    with_authorization_id: bool,
    short_plain: bool,
) -> Mechanism | None:
    """The strongest mechanism offered that the wish allows; None where there is none.

    Args:
        offered: SASL names in upper case. native_allowed: the server takes LOGIN, or USER and PASS, on this connection.
        short_plain: PLAIN needs one round trip; where it needs two, the native login is as strong and no slower.
    """
    candidates = _CANDIDATES[auth]
    if auth is AuthMethod.AUTO and not short_plain:
        candidates = _AUTO_NATIVE_FIRST
    for mechanism in candidates:
        if with_authorization_id and mechanism not in _CARRIES_AUTHORIZATION_ID:
            continue
        if native_allowed if mechanism is Mechanism.NATIVE else mechanism in offered:
            return mechanism
    return None


def unsupported_variant(offered: frozenset[str], *, native_allowed: bool, protected: bool) -> str | None:
    """Which special sentence fits where no mechanism could be chosen."""
    if native_allowed:
        return None
    if not protected:
        return "tls_first"
    return "oauth" if offered & _OAUTH and offered.isdisjoint(Mechanism) else None


# Sent a challenge, yields a response (or work to be done elsewhere); the first value yielded is the initial response,
# None where the server speaks first. Returns once the server has nothing left to prove.
Exchange = Generator[bytes | Compute | None, bytes, None]


def plain(credentials: Credentials) -> Exchange:
    """One message, and done."""
    # RFC 4616: [authzid] NUL authcid NUL passwd
    yield b"\0".join((credentials.authorization_id, credentials.user, credentials.password))


def login(credentials: Credentials) -> Exchange:
    """User, then password, when asked."""
    # "Username:" and "Password:" by convention only; servers differ in the words and not in the order.
    yield None
    yield credentials.user
    yield credentials.password


def cram_md5(credentials: Credentials) -> Exchange:
    """RFC 2195: a digest keyed with the password, of a challenge that must be new each time."""
    challenge = yield None
    if not challenge:
        raise CheckFailed(OutcomeKind.PROTOCOL_ERROR, variant="challenge")
    digest = hmac.new(credentials.password, challenge, hashlib.md5).hexdigest()
    yield credentials.user + b" " + digest.encode()
