"""The data directory: database, keys and first token of a standalone mailprobe, readable by its owner alone."""

import os
import shlex
from pathlib import Path

from shared.runtime.lifecycle import StartError
from shared.sealing import KeyRingError, PrivateKeyRing, generate_key_rings


class DataDirectory:
    """`postgres/`, `private-keys.json`, `channel-private-keys.json` and `first-token` below one directory.

    Raises:
        StartError: where the directory cannot be made or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.expanduser().absolute()
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StartError(
                f"cannot use the data directory {self._path}: {error.strerror}; name another one with DATA=…"
            ) from None
        if not os.access(self._path, os.R_OK | os.W_OK | os.X_OK):
            raise StartError(
                f"cannot write in the data directory {self._path}; name another one with DATA=…, "
                f"or give it to this user with: sudo chown -R {os.getuid()} {shlex.quote(str(self._path))}"
            )

    @property
    def postgres(self) -> Path:
        return self._path / "postgres"

    @property
    def first_token(self) -> Path:
        return self._path / "first-token"

    def private_keys(self) -> PrivateKeyRing:
        """The key ring of mailbox passwords."""
        return self._key_ring("private-keys.json")

    def channel_private_keys(self) -> PrivateKeyRing:
        """The key ring of notification channels."""
        return self._key_ring("channel-private-keys.json")

    def _key_ring(self, name: str) -> PrivateKeyRing:
        """A key ring kept here; made when first asked for.

        A ring is never replaced: without the old one every stored password would be lost.
        """
        path = self._path / name
        try:
            return PrivateKeyRing.from_json(path.read_text())
        except FileNotFoundError:
            _, private = generate_key_rings()
            self.write_secret(path, private.to_json() + "\n")
            return private
        except KeyRingError as error:
            raise StartError(f"{path}: {error}") from None
        except OSError as error:
            raise StartError(f"cannot read {path}: {error.strerror}") from None

    def write_secret(self, path: Path, text: str) -> None:
        """Write a file of mode 600, whole or not at all."""
        fresh = path.with_name(path.name + ".new")
        try:
            fresh.unlink(missing_ok=True)
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            fresh.rename(path)
        except OSError as error:
            raise StartError(f"cannot write {path}: {error.strerror}") from None
