"""Secrets that were opened lately, so that the same seal need not be opened by HPKE minute after minute.

They lie here in no clear: each is sealed again with a key that this process made up and that is forgotten with it,
which takes a fiftieth of the time to open. Whoever can read this memory can read the private ring beside it, so the
memory gives nothing away that was not there; what is in clear is so no longer than the caller needs it.
"""

import os
import time
from collections.abc import Callable
from hashlib import blake2b

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.sealing.keys import PrivateKeyRing

# More than one worker checks within half an hour's interval; a quarter of a KiB each.
KEPT = 50_000
# What is not asked for is forgotten after this long, at twice this long at the latest.
FORGOTTEN_AFTER_SECONDS = 1_800.0

_NONCE_BYTES = 12


class OpenedSeals:
    """Remembers up to `kept` secrets, those asked for last."""

    def __init__(
        self,
        *,
        kept: int = KEPT,
        forgotten_after_seconds: float = FORGOTTEN_AFTER_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = max(kept // 2, 1)
        self._seconds = forgotten_after_seconds
        self._clock = clock
        self._newer, self._older = _Generation(clock()), _Generation(clock())

    def open(self, ring: PrivateKeyRing, sealed: str, context: bytes) -> bytes:
        """As `ring.open` does: what was altered or moved is no seal that was opened before. Raises SealBroken."""
        name = blake2b(b"%d:%b%b" % (len(sealed), sealed.encode(), context), digest_size=32).digest()
        if self._clock() - self._newer.began >= self._seconds:
            self._age()
        secret = self._newer.get(name)
        if secret is None:
            secret = self._older.get(name)
            if secret is None:
                secret = ring.open(sealed, context)
            if len(self._newer) >= self._most:
                self._age()
            self._newer.keep(name, secret)
        return secret

    def __len__(self) -> int:
        return len(self._newer) + len(self._older)

    def _age(self) -> None:
        self._newer, self._older = _Generation(self._clock()), self._newer


class _Generation:
    """Secrets sealed with one key; both are forgotten together."""

    __slots__ = ("_key", "_sealed", "began")

    def __init__(self, began: float) -> None:
        self.began = began
        self._key = AESGCM(AESGCM.generate_key(bit_length=256))
        self._sealed: dict[bytes, bytes] = {}

    def keep(self, name: bytes, secret: bytes) -> None:
        nonce = os.urandom(_NONCE_BYTES)
        self._sealed[name] = nonce + self._key.encrypt(nonce, secret, name)

    def get(self, name: bytes) -> bytes | None:
        kept = self._sealed.get(name)
        return None if kept is None else self._key.decrypt(kept[:_NONCE_BYTES], kept[_NONCE_BYTES:], name)

    def __len__(self) -> int:
        return len(self._sealed)
