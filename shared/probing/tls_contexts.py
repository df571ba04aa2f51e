"""One `SSLContext` per way of verifying, shared by all checks: making one costs 16 ms."""

import ssl


class TlsContexts:
    """TLS 1.2 and later. The unverified one is for owners who asked for it, and to look at a certificate refused.

    Raises OSError (of which `ssl.SSLError` is one) where the CA file can't be read: at the start, not at a check.
    """

    def __init__(self, *, ca_file: str | None = None) -> None:
        self._verifying = ssl.create_default_context()
        self._verifying.minimum_version = ssl.TLSVersion.TLSv1_2
        # The same verdicts under every Python: 3.13 began to refuse certificates for forms (a missing key identifier,
        # say) that no mail program minds, and to trust an intermediate certificate that the CA file names.
        self._verifying.verify_flags &= ~ssl.VERIFY_X509_STRICT
        self._verifying.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        if ca_file is not None:
            self._verifying.load_verify_locations(cafile=ca_file)
        self._unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._unverified.minimum_version = ssl.TLSVersion.TLSv1_2
        self._unverified.check_hostname = False
        self._unverified.verify_mode = ssl.CERT_NONE

    def get(self, *, verify: bool) -> ssl.SSLContext:
        return self._verifying if verify else self._unverified
