"""Certificates for practice mail servers, from a private authority made on the spot.

Provides the authority and the kinds of leaf a check must tell apart; serving them is left to the servers.
"""

import datetime
from dataclasses import dataclass
from pathlib import Path

import trustme

HOST_NAME = "localhost"


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """PEM files: a chain and its private key, and the authority a client has to trust for it."""

    chain: Path
    key: Path
    authority: Path


class Authority:
    """One private certificate authority, its certificate in `directory/authority.pem`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._authority = trustme.CA()
        self.file = directory / "authority.pem"
        self._authority.cert_pem.write_to_path(str(self.file))

    def issue(
        self,
        *names: str,
        not_before: datetime.datetime | None = None,
        not_after: datetime.datetime | None = None,
    ) -> CertificateFiles:
        """A leaf for these host names or addresses (default: localhost and the loopback addresses)."""
        leaf = self._authority.issue_cert(
            *(names or (HOST_NAME, "127.0.0.1", "::1")),
            not_before=not_before,
            not_after=not_after,
        )
        serial = len(list(self._directory.glob("leaf-*.pem")))
        chain = self._directory / f"leaf-{serial}.pem"
        key = self._directory / f"leaf-{serial}.key"
        chain.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        leaf.private_key_pem.write_to_path(str(key))
        key.chmod(0o600)
        return CertificateFiles(chain=chain, key=key, authority=self.file)

    def expired(self, *names: str, days_ago: int = 3) -> CertificateFiles:
        """A leaf that ran out."""
        now = datetime.datetime.now(datetime.UTC)
        return self.issue(
            *names,
            not_before=now - datetime.timedelta(days=90 + days_ago),
            not_after=now - datetime.timedelta(days=days_ago),
        )

    def not_yet_valid(self, *names: str, in_days: int = 3) -> CertificateFiles:
        """A leaf that begins later."""
        now = datetime.datetime.now(datetime.UTC)
        return self.issue(
            *names,
            not_before=now + datetime.timedelta(days=in_days),
            not_after=now + datetime.timedelta(days=in_days + 90),
        )
