"""What a server's certificate says, read once per certificate and remembered, so that it costs a check nothing."""

import ssl
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from shared.checks.outcome import CertificateFacts
from shared.probing.server_words import escaped

_DAY_MS = 86_400_000
_REMEMBERED = 2048
_MOST_NAMES = 100
_MOST_CHAIN = 10
# What cryptography says of a certificate it can't read, or of a part of one; OpenSSL may well have read it.
_UNREADABLE = (ValueError, TypeError, OverflowError, x509.InvalidVersion, x509.UnsupportedGeneralNameType)


class HandshakeResult(NamedTuple):
    """What one completed handshake showed."""

    chain: tuple[bytes, ...]  # DER, leaf first, as the server sent it
    tls_version: str
    cipher: str
    verified: bool


def handshake_result(tls: ssl.SSLObject, *, verified: bool) -> HandshakeResult:
    """The peer's chain and the connection's parameters, from a completed handshake."""
    cipher = tls.cipher()
    return HandshakeResult(
        chain=_peer_chain(tls),
        tls_version=tls.version() or "",
        cipher=cipher[0] if cipher else "",
        verified=verified,
    )


class CertificateReader:
    """Facts by chain. Remembers as many certificates as a large fleet of servers has, then starts over."""

    def __init__(self) -> None:
        self._facts: dict[HandshakeResult, CertificateFacts] = {}

    def read(self, shown: HandshakeResult, *, now_ms: int, verify_error: str | None = None) -> CertificateFacts | None:
        """None where the server showed no certificate or one that is no X.509."""
        facts = self._facts.get(shown)
        if facts is None:
            facts = _read(shown)
            if facts is None:
                return None
            if len(self._facts) >= _REMEMBERED:
                self._facts.clear()
            self._facts[shown] = facts
        days_left = (facts.not_after_ms - now_ms) // _DAY_MS
        if facts.days_left != days_left:
            facts = self._facts[shown] = facts.model_copy(update={"days_left": days_left})
        return facts if verify_error is None else facts.model_copy(update={"verify_error": verify_error})


def _read(shown: HandshakeResult) -> CertificateFacts | None:
    if not shown.chain:
        return None
    try:
        leaf = x509.load_der_x509_certificate(shown.chain[0])
        return CertificateFacts(
            subject=_name(leaf.subject),
            subject_alternative_names=_alternative_names(leaf),
            issuer=_name(leaf.issuer),
            serial_number=f"{leaf.serial_number:x}",
            fingerprint_sha256=leaf.fingerprint(hashes.SHA256()).hex(),  # DER of the leaf
            not_before_ms=_ms(leaf.not_valid_before_utc),
            not_after_ms=_ms(leaf.not_valid_after_utc),
            days_left=0,
            chain=tuple(_subject(der) for der in shown.chain),
            tls_version=shown.tls_version,
            cipher=shown.cipher,
            verified=shown.verified,
        )
    except _UNREADABLE:
        # What OpenSSL reads and cryptography does not is still a certificate, and no reason to fail a check.
        return None


def _peer_chain(tls: ssl.SSLObject) -> tuple[bytes, ...]:
    # Public from 3.13 on; before, only on the C object underneath. The leaf alone where neither is there.
    public: Any = getattr(tls, "get_unverified_chain", None)
    if public is not None:
        return tuple(public()[:_MOST_CHAIN])
    private: Any = getattr(getattr(tls, "_sslobj", None), "get_unverified_chain", None)
    if private is not None:
        certificates = private() or ()
        return tuple(
            ssl.PEM_cert_to_DER_cert(c) if isinstance(c, str) else c.public_bytes(_DER)
            for c in certificates[:_MOST_CHAIN]
        )
    leaf = tls.getpeercert(True)
    return (leaf,) if leaf else ()


_DER = 2  # _ssl.ENCODING_DER


def _subject(der: bytes) -> str:
    try:
        return _name(x509.load_der_x509_certificate(der).subject)
    except _UNREADABLE:
        return "(unreadable)"


def _name(name: x509.Name) -> str:
    return escaped(name.rfc4514_string().encode())


def _alternative_names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        names: Sequence[x509.GeneralName] = list(
            certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        )
    except (x509.ExtensionNotFound, x509.DuplicateExtension, *_UNREADABLE):
        return ()
    kept = [str(n.value) for n in names if isinstance(n, x509.DNSName | x509.IPAddress)]
    return tuple(escaped(text.encode()) for text in kept[:_MOST_NAMES])


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
