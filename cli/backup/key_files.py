"""Where key rings are kept: four files of `mailprobe keys generate`, or two in a data directory; one shape in archives.

In an archive they are `keys/private.json` and `keys/channel-private.json`; the public halves follow from those.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cli.failing import Failed
from cli.keys import CHANNEL_PRIVATE, CHANNEL_PUBLIC, PRIVATE, PUBLIC
from cli.secret_files import write_once
from shared.sealing import KeyRingError, PrivateKeyRing

_PASSWORDS = f"keys/{PRIVATE}"
_CHANNELS = f"keys/{CHANNEL_PRIVATE}"
_FIRST_TOKEN = "first-token"


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """Files by their name in an archive."""

    needed: Mapping[str, Path]
    welcome: Mapping[str, Path]
    public: Mapping[str, Path]  # by the private one they follow from

    @classmethod
    def kept(cls, *, keys: Path | None, data: Path | None) -> "KeyFiles":
        """In a directory of keys, or in a data directory."""
        if keys is not None:
            return cls(
                {_PASSWORDS: keys / PRIVATE, _CHANNELS: keys / CHANNEL_PRIVATE},
                {},
                {_PASSWORDS: keys / PUBLIC, _CHANNELS: keys / CHANNEL_PUBLIC},
            )
        place = data or Path()
        return cls(
            {_PASSWORDS: place / "private-keys.json", _CHANNELS: place / "channel-private-keys.json"},
            {_FIRST_TOKEN: place / "first-token"},
            {},
        )

    def read(self) -> dict[str, bytes]:
        """What an archive is to hold; raises Failed where a ring is missing or no ring."""
        contents = {name: _content(path) for name, path in self.needed.items()}
        contents |= {name: _content(path) for name, path in self.welcome.items() if path.exists()}
        for name, path in self.needed.items():
            _ring(contents, name, str(path))
        return contents

    def require_room_for(self, contents: Mapping[str, bytes]) -> None:
        """Raises Failed where a file is there that is another, or a ring is missing from the archive."""
        for name, path in self.needed.items():
            _ring(contents, name, "the archive")
            if path.exists() and path.read_bytes() != contents[name]:
                raise Failed(f"{path} holds other keys; restore into another directory")

    def write(self, contents: Mapping[str, bytes]) -> None:
        """Write those that are not there, for their owner alone."""
        files = {path: contents[name] for name, path in {**self.needed, **self.welcome}.items() if name in contents}
        for name, path in self.public.items():
            files[path] = (_ring(contents, name, "the archive").public().to_json() + "\n").encode()
        for path in files:
            if not path.parent.exists():
                path.parent.mkdir(mode=0o700, parents=True)
        write_once({path: content.decode() for path, content in files.items() if not path.exists()})


def password_keys_of(contents: Mapping[str, bytes]) -> set[str]:
    """The names of the keys that mailbox passwords may be sealed with."""
    return set(_ring(contents, _PASSWORDS, "the ring").keys)


def channel_keys_of(contents: Mapping[str, bytes]) -> set[str]:
    """The names of the keys that channels' secrets may be sealed with."""
    return set(_ring(contents, _CHANNELS, "the ring").keys)


def _ring(contents: Mapping[str, bytes], name: str, where: str) -> PrivateKeyRing:
    try:
        return PrivateKeyRing.from_json(contents[name].decode())
    except (KeyError, UnicodeDecodeError):
        raise Failed(f"{where} lacks {name}") from None
    except KeyRingError as error:
        raise Failed(f"{where}: {error}") from None


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Failed(f"cannot read the keys in {path}: {error.strerror}; without them a backup opens nothing") from None
