"""OpenSSL's reasons, translated into our kinds by a table."""

import re
import ssl

from shared.checks.vocabulary import OutcomeKind
from shared.probing.steps import CheckFailed

# X509_V_ERR_*, openssl/x509_vfy.h
_BY_VERIFY_CODE = {
    9: OutcomeKind.TLS_NOT_YET_VALID,
    10: OutcomeKind.TLS_EXPIRED,
    62: OutcomeKind.TLS_HOSTNAME,
    63: OutcomeKind.TLS_HOSTNAME,
    64: OutcomeKind.TLS_HOSTNAME,
}
_UNTRUSTED_BECAUSE = {
    18: "self_signed",
    19: "private_authority",
    26: "purpose",
    **dict.fromkeys((22, 25, 34, 41, 47, 48, 79), "rules"),  # lengths, extensions, permitted names, no authority at all
    **dict.fromkeys((66, 67, 68), "weak"),  # the leaf's key, an authority's key, an authority's hash
}
_CERTIFICATE_KINDS = frozenset({*_BY_VERIFY_CODE.values(), OutcomeKind.TLS_UNTRUSTED})

# What Python puts around the words of an error OpenSSL has no name for.
_WRAPPING = re.compile(r"\A\[SSL\] | \(_ssl\.c:\d+\)\Z")

# Substrings of OpenSSL's reason, upper case, and which special sentence fits.
_VARIANTS = (
    ("CERTIFICATE_REQUIRED", "client_certificate"),
    ("ALERT_BAD_CERTIFICATE", "client_certificate"),
    ("WRONG_VERSION_NUMBER", "plain_text"),
    ("PACKET_LENGTH_TOO_LONG", "plain_text"),
    ("RECORD_LAYER_FAILURE", "plain_text"),
    ("UNSUPPORTED_PROTOCOL", "old_version"),
    ("PROTOCOL_VERSION", "old_version"),
    ("NO_PROTOCOLS_AVAILABLE", "old_version"),
    ("DH_KEY_TOO_SMALL", "weak"),
    ("UNRECOGNIZED_NAME", "name"),
    ("NO_APPLICATION_PROTOCOL", "alpn"),
    ("UNSAFE_LEGACY_RENEGOTIATION", "renegotiation"),
    ("ALERT_INTERNAL_ERROR", "their_trouble"),
)


def is_certificate_failure(kind: OutcomeKind) -> bool:
    """Whether the server's certificate was refused, so that there is one to look at."""
    return kind in _CERTIFICATE_KINDS


def tls_failure(error: ssl.SSLError, *, first_bytes: bytes) -> CheckFailed:
    """The verdict for a handshake (or a record after it) that OpenSSL refused.

    `first_bytes` is what the server sent first in place of a handshake: its words, where it spoke plain text.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        kind = _BY_VERIFY_CODE.get(error.verify_code, OutcomeKind.TLS_UNTRUSTED)
        variant = _UNTRUSTED_BECAUSE.get(error.verify_code)
        return CheckFailed(kind, str(error.verify_message).encode(), variant=variant)
    if isinstance(error, ssl.SSLZeroReturnError):
        return CheckFailed(OutcomeKind.TLS_PROTOCOL, variant="hung_up")
    reason = (error.reason or _WRAPPING.sub("", str(error))).upper().replace(" ", "_")
    variant = next((name for part, name in _VARIANTS if part in reason), None)
    if variant == "plain_text" and not looks_like_tls(first_bytes):
        # A greeting of mail, or something that knows nothing of mail whatever the security is set to.
        variant = "plain_text" if first_bytes[:1] in (b"*", b"+", b"-") else "other_service"
        return CheckFailed(OutcomeKind.TLS_PROTOCOL, first_bytes.rstrip(), variant=variant)
    if variant == "plain_text":
        variant = None
    return CheckFailed(OutcomeKind.TLS_PROTOCOL, reason.lower().replace("_", " ").encode(), variant=variant)


def looks_like_tls(data: bytes) -> bool:
    """Whether these first bytes are a TLS record (an alert or a handshake), not text."""
    return len(data) >= 2 and data[0] in (20, 21, 22, 23) and data[1] == 3
