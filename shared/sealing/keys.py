"""Key rings: the public one a gateway seals with, the private one a worker opens with.

A ring is a small JSON document, so that it fits a secret or a file:
`{"version": 1, "kind": "public", "current": "k3f9c2", "keys": {"k3f9c2": "<base64 of 32 bytes>"}}`.
The two look alike but for their kind, and a password sealed to a private key taken for a public one never opens.
The public ring seals with its `current` key; the private ring opens with whichever key a seal names, so that old
seals stay readable while keys are rotated.
"""

import base64
import binascii
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from shared.sealing.seal import SealBroken, key_id_of, open_with, seal_to


class KeyRingError(Exception):
    """The key ring cannot be used; the message says what is wrong with it, never what is in it."""


@dataclass(frozen=True, slots=True, repr=False)
class PublicKeyRing:
    """What the gateway holds: it can seal and not open."""

    current: str
    keys: Mapping[str, X25519PublicKey]

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a public ring; raises KeyRingError."""
        current, raw = _parse(text, what="public")
        return cls(current, {key_id: X25519PublicKey.from_public_bytes(data) for key_id, data in raw.items()})

    def seal(self, plaintext: bytes, context: bytes) -> str:
        """Seal a secret to the current key, bound to this context."""
        return seal_to(self.current, self.keys[self.current], plaintext, context)

    def to_json(self) -> str:
        return _render("public", self.current, {key_id: key.public_bytes_raw() for key_id, key in self.keys.items()})


@dataclass(frozen=True, slots=True, repr=False)
class PrivateKeyRing:
    """What a worker holds. It has no repr, so that it cannot slip into a log."""

    current: str
    keys: Mapping[str, X25519PrivateKey]

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a private ring; raises KeyRingError."""
        current, raw = _parse(text, what="private")
        return cls(current, {key_id: X25519PrivateKey.from_private_bytes(data) for key_id, data in raw.items()})

    def to_json(self) -> str:
        return _render("private", self.current, {key_id: key.private_bytes_raw() for key_id, key in self.keys.items()})

    def open(self, sealed: str, context: bytes) -> bytes:
        """Open a secret sealed to one of these keys in this context; raises SealBroken."""
        key_id = key_id_of(sealed)
        if key_id not in self.keys:
            raise SealBroken(f"The key {key_id} that the stored secret was sealed with is not in this key ring.")
        return open_with(self.keys[key_id], sealed, context)

    def public(self) -> PublicKeyRing:
        """The public half of this ring."""
        return PublicKeyRing(self.current, {key_id: key.public_key() for key_id, key in self.keys.items()})

    def with_new_key(self) -> Self:
        """This ring with one more key, made current; the older ones still open."""
        key_id = _new_key_id()
        return type(self)(key_id, {**self.keys, key_id: X25519PrivateKey.generate()})


def generate_key_rings() -> tuple[PublicKeyRing, PrivateKeyRing]:
    """A fresh pair of rings with one key."""
    key_id = _new_key_id()
    private = PrivateKeyRing(key_id, {key_id: X25519PrivateKey.generate()})
    return private.public(), private


def _new_key_id() -> str:
    return "k" + secrets.token_hex(4)


def _render(kind: str, current: str, raw: Mapping[str, bytes]) -> str:
    keys = {key_id: base64.b64encode(data).decode() for key_id, data in raw.items()}
    return json.dumps({"version": 1, "kind": kind, "current": current, "keys": keys})


def _parse(text: str, *, what: str) -> tuple[str, dict[str, bytes]]:
    try:
        document: Any = json.loads(text)
        current, kind = document["current"], document.get("kind", what)
        raw = {str(key_id): base64.b64decode(data, validate=True) for key_id, data in document["keys"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        raise KeyRingError(
            f"The {what} key ring is not readable; make a new pair with `mailprobe keys generate`."
        ) from None
    if kind != what:
        raise KeyRingError(f"The {what} key ring is wanted here, and this is the other one of the pair.")
    if current not in raw or any(len(data) != 32 for data in raw.values()):
        raise KeyRingError(f"The {what} key ring lacks its current key, or holds one of a wrong length.")
    return current, raw
