"""One TLS session over memory buffers: bytes in, bytes out, no socket."""

import ssl
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from shared.checks.vocabulary import Security
from shared.probing.certificates import HandshakeResult, handshake_result
from shared.probing.steps import CheckFailed
from shared.probing.tls_failures import tls_failure

_RECORD_BYTES = 16 * 1024
_FIRST_BYTES = 512


class TlsPlan(NamedTuple):
    """How a connection is to be protected.

    Args:
        server_name: for SNI and the host name check, A-labels. look_only: end once the handshake is done, having
            said nothing. hold_back: do not even begin it, to see whether the server waits for us to.
    """

    security: Security
    context: ssl.SSLContext | None = None
    server_name: str = ""
    look_only: bool = False
    hold_back: bool = False


class TlsSession:
    """Feed it what arrives, send what it has to say. Raises `CheckFailed` with a tls_ kind."""

    __slots__ = ("_first_bytes", "_in", "_tls", "_verified", "ended", "handshaking", "to_say")

    def __init__(self, plan: TlsPlan) -> None:
        context = plan.context
        if context is None:
            raise ValueError("a TLS session needs a context")
        self._in, self.to_say = ssl.MemoryBIO(), ssl.MemoryBIO()
        # As bytes: a str would go through the idna codec every time, and is A-labels already.
        name: bytes = plan.server_name.removesuffix(".").encode("ascii")
        self._tls = context.wrap_bio(self._in, self.to_say, server_side=False, server_hostname=name)
        self._verified = _verifies(context)
        self._first_bytes = b""
        self.handshaking = True
        self.ended = False  # the server said that nothing more will come (close_notify)

    def handshake(self, data: bytes) -> bool:
        """Take what arrived and go on; True once the handshake is complete."""
        if len(self._first_bytes) < _FIRST_BYTES:
            self._first_bytes += data[: _FIRST_BYTES - len(self._first_bytes)]
        if data:
            self._in.write(data)
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError as error:
            raise tls_failure(error, first_bytes=self._first_bytes) from None
        self.handshaking = False
        return True

    def receive(self, data: bytes, read: Callable[[bytes], None]) -> None:
        """Take what arrived and hand on what was in it. Raises `CheckFailed` where the server broke off by an alert."""
        if data:
            self._in.write(data)
        # A read takes one record, the whole of it, so that an empty input buffer means: nothing more for now.
        while self._in.pending:
            try:
                piece = self._tls.read(_RECORD_BYTES)
            except ssl.SSLWantReadError:
                return
            except ssl.SSLError as error:
                raise self._after_handshake(error) from None
            if not piece:
                self.ended = True
                return
            read(piece)

    def encrypt(self, data: bytes) -> bytes:
        try:
            self._tls.write(data)
        except ssl.SSLError as error:
            raise self._after_handshake(error) from None
        return self.to_say.read()

    def outgoing(self) -> bytes:
        """What TLS itself has to say next: a flight of the handshake, the answer to a new key."""
        return self.to_say.read() if self.to_say.pending else b""

    def result(self) -> HandshakeResult:
        return handshake_result(self._tls, verified=self._verified)

    def _after_handshake(self, error: ssl.SSLError) -> CheckFailed:
        failure = tls_failure(error, first_bytes=b"\x17\x03")
        if failure.variant is None:
            return CheckFailed(failure.kind, failure.words, variant="broken_off")
        return failure


@lru_cache(maxsize=8)
def _verifies(context: ssl.SSLContext) -> bool:
    # Asked of the context and not of who chose it; once, as the answer is an enum made anew each time.
    return context.verify_mode is ssl.CERT_REQUIRED
