"""Mailbox passwords: sealed with a public key by the gateway, opened with a private one only in a worker.

HPKE (RFC 9180: X25519, HKDF-SHA256, AES-256-GCM) by `cryptography`. What a seal is bound to is the caller's
`context`; this room knows no monitors.
"""

from shared.sealing.keys import KeyRingError, PrivateKeyRing, PublicKeyRing, generate_key_rings
from shared.sealing.opened import OpenedSeals
from shared.sealing.seal import SealBroken

__all__ = ["KeyRingError", "OpenedSeals", "PrivateKeyRing", "PublicKeyRing", "SealBroken", "generate_key_rings"]
