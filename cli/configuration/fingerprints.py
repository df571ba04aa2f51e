"""What was sent last, so that only secrets that changed are sent again: salted hashes in a file beside the others.

The server never gives a secret back, and keeps nothing by which one could be guessed at. So whoever applies remembers:
scrypt of each secret with a salt of its own. Without the file a secret that is set counts as unchanged.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
from pathlib import Path
from typing import Any

from cli.failing import Failed

_MOST_BYTES = 16 * 1024 * 1024
_COST = {"n": 2**12, "r": 8, "p": 1}  # about 10 ms and 4 MiB each, for some hundred of them


class Fingerprints:
    """Of the secrets one mailprobe was sent, by thing and name."""

    def __init__(self, path: Path | None, known: dict[str, dict[str, str]]) -> None:
        self._path = path
        self._known = known
        self._changed = False

    @classmethod
    def load(cls, path: Path | None) -> "Fingerprints":
        """From the file, where there is one; raises Failed."""
        if path is None or not path.exists():
            return cls(path, {})
        try:
            with path.open("rb") as opened:
                content = json.loads(opened.read(_MOST_BYTES))
            known = {
                str(thing): {str(name): str(hashed) for name, hashed in hashes.items()}
                for thing, hashes in content["secrets"].items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise Failed(
                f"{path} cannot be read as the record of secrets that were sent; remove it and say --resend-secrets"
            ) from None
        return cls(path, known)

    def knows(self, thing: str, name: str, secret: Any) -> bool | None:
        """Whether it was this one that was sent last; None where that is not known."""
        kept = self._known.get(thing, {}).get(name)
        if kept is None or secret is None:
            return None
        salt, _, hashed = kept.partition("$")
        return hmac.compare_digest(_hash(secret, base64.b64decode(salt)), hashed)

    def remember(self, thing: str, sent: dict[str, Any]) -> None:
        """What was sent now; None was taken away."""
        for name, secret in sent.items():
            self._changed = True
            if secret is None:
                self._known.get(thing, {}).pop(name, None)
                continue
            salt = secrets.token_bytes(16)
            kept = f"{base64.b64encode(salt).decode()}${_hash(secret, salt)}"
            self._known.setdefault(thing, {})[name] = kept

    def forget(self, thing: str) -> None:
        """It is gone."""
        self._changed |= self._known.pop(thing, None) is not None

    def save(self) -> None:
        """Write the file, for its owner alone; raises Failed."""
        if self._path is None or not self._changed:
            return
        fresh = self._path.with_name(f"{self._path.name}.new")
        try:
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                json.dump({"version": 1, "secrets": self._known}, file, indent=1, sort_keys=True)
            fresh.replace(self._path)
        except OSError as error:
            raise Failed(f"what was sent cannot be remembered in {self._path}: {error.strerror}") from None


def _hash(secret: Any, salt: bytes) -> str:
    text = secret if isinstance(secret, str) else json.dumps(secret, sort_keys=True)
    return base64.b64encode(hashlib.scrypt(text.encode(), salt=salt, dklen=32, **_COST)).decode()
