"""Certificates for servers in tests: good ones of an authority of our own, and every kind of bad one."""

import datetime
import ssl
import warnings
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class CertificateHouse:
    """An authority of our own, and certificates good and bad from it and beside it."""

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.stranger = trustme.CA()
        self.ca_file = folder / "ca.pem"
        self.authority.cert_pem.write_to_path(str(self.ca_file))
        self._contexts: dict[str, ssl.SSLContext] = {}

    def context(self, name: str) -> ssl.SSLContext:
        """A server context: good, expired, not_yet, wrong_host, unknown, self_signed, tls10, client_certificate."""
        if name not in self._contexts:
            self._contexts[name] = self._make(name)
        return self._contexts[name]

    def _make(self, name: str) -> ssl.SSLContext:
        now = datetime.datetime.now(datetime.UTC)
        day = datetime.timedelta(days=1)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issue = self.authority.issue_cert
        match name:
            case "expired":
                leaf = issue("localhost", "127.0.0.1", not_before=now - 30 * day, not_after=now - 3 * day)
            case "not_yet":
                leaf = issue("localhost", "127.0.0.1", not_before=now + 3 * day, not_after=now + 30 * day)
            case "wrong_host":
                leaf = issue("mail.example.org")
            case "unknown":
                leaf = self.stranger.issue_cert("localhost", "127.0.0.1")
            case "expiring":
                leaf = issue("localhost", "127.0.0.1", not_before=now - day, not_after=now + 5 * day + day / 2)
            case "self_signed":
                self._self_signed(context)
                return context
            case _:
                leaf = issue("localhost", "127.0.0.1", not_before=now - day, not_after=now + 90 * day)
        leaf.configure_cert(context)
        if name == "tls10":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = ssl.TLSVersion.TLSv1
                context.maximum_version = ssl.TLSVersion.TLSv1
            context.set_ciphers("ALL:@SECLEVEL=0")
        if name == "tls12":
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        if name.startswith("client_certificate"):
            self.authority.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
            if name.endswith("12"):
                context.maximum_version = ssl.TLSVersion.TLSv1_2
        return context

    def _self_signed(self, context: ssl.SSLContext) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=60))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .sign(key, hashes.SHA256())
        )
        pem = self.ca_file.with_name("self_signed.pem")
        pem.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        context.load_cert_chain(pem)
