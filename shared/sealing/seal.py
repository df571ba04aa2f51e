"""Sealing and opening one secret.

A seal is text: `mp1.<key id>.<base64url of HPKE's enc ‖ ciphertext>`. The context is HPKE's `info`
(cryptography's one-shot `Suite` takes no separate associated data): a seal moved to another context does not open.
"""

import base64
import binascii

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

_PREFIX = "mp1"
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class SealBroken(Exception):
    """The secret could not be opened: its key is missing, or it was altered or moved to another context."""


def seal_to(key_id: str, key: X25519PublicKey, plaintext: bytes, context: bytes) -> str:
    """Seal a secret to one key."""
    blob = _SUITE.encrypt(plaintext, key, _info(key_id, context))
    return f"{_PREFIX}.{key_id}.{base64.urlsafe_b64encode(blob).decode().rstrip('=')}"


def key_id_of(sealed: str) -> str:
    """Which key a seal was made with; raises SealBroken."""
    parts = sealed.split(".")
    if len(parts) != 3 or parts[0] != _PREFIX:
        raise SealBroken("The stored secret is not in a form this version knows.")
    return parts[1]


def open_with(key: X25519PrivateKey, sealed: str, context: bytes) -> bytes:
    """Open a secret with one key; raises SealBroken, whose text never holds any of it."""
    key_id = key_id_of(sealed)
    encoded = sealed.rsplit(".", 1)[1]
    try:
        blob = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
        return _SUITE.decrypt(blob, key, _info(key_id, context))
    except (InvalidTag, ValueError, binascii.Error):
        raise SealBroken("The stored secret does not belong to this target: the row or message was altered.") from None


def _info(key_id: str, context: bytes) -> bytes:
    return b"mailprobe.seal.v1\x00" + key_id.encode() + b"\x00" + context
