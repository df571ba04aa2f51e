"""`mailprobe keys rotate|public|reseal|drop`: new keys under load, no check failing for it.

The order is what matters: whoever opens gets the new private key before whoever seals gets the public one; what is
stored is sealed anew; and the old key goes last, once nothing needs it. Each verb says the next step.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from cli.failing import EXIT_USAGE, Failed, fail, finish
from cli.keys import CHANNEL_PRIVATE, CHANNEL_PUBLIC, PRIVATE, PUBLIC
from cli.keys import keys as keys
from cli.reseal_store import ResealCount, keys_in_use, reseal_channels, reseal_passwords
from cli.showing import print_lines
from shared.database.embedded_running import running_dsn
from shared.runtime.settings import DatabaseSettings
from shared.sealing import KeyRingError, PrivateKeyRing

Keys = Annotated[
    Path | None, typer.Option("--keys", help="The directory of the four files of keys.", show_default=False)
]
Data = Annotated[Path | None, typer.Option(help="Instead: the data directory of `mailprobe run`.", show_default=False)]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(help="The database, as its owner [MAILPROBE_DATABASE_URL].", metavar="URL", show_default=False),
]


@dataclass(frozen=True, slots=True)
class Rings:
    """The two private rings and where they are kept; `public` is empty in a data directory, where it follows."""

    passwords: PrivateKeyRing
    channels: PrivateKeyRing
    passwords_file: Path
    channels_file: Path
    public_files: Mapping[Path, PrivateKeyRing]


@keys.command("rotate")
def rotate(keys_folder: Keys = None, data: Data = None) -> None:
    """Step 1: add a new key to both private rings. The old ones go on opening; nobody seals with the new one yet."""
    rings = _rings(keys_folder, data)
    _replace(rings.passwords_file, rings.passwords.with_new_key().to_json())
    _replace(rings.channels_file, rings.channels.with_new_key().to_json())
    if data is not None:
        print_lines("Now start `mailprobe run` anew, then: mailprobe keys reseal")
    else:
        print_lines(
            f"Now give {rings.passwords_file} to every worker and {rings.channels_file} to every notifier, and restart "
            "them (`mailprobe secrets make` puts them in place).",
            "Only when all of them run with it: mailprobe keys public",
        )


@keys.command("public")
def public(keys_folder: Keys = None) -> None:
    """Step 2: write the public rings anew from the private ones; the gateway then seals with the new keys."""
    rings = _rings(keys_folder, None)
    for path, ring in rings.public_files.items():
        _replace(path, ring.public().to_json())
    print_lines(
        f"Now give {', '.join(str(path) for path in rings.public_files)} to every gateway and restart them, then: "
        "mailprobe keys reseal"
    )


@keys.command("reseal")
def reseal(
    keys_folder: Keys = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Step 3: seal every stored secret with the new keys, while everything runs. May be repeated at any time."""
    rings = _rings(keys_folder, data)

    async def resealed() -> tuple[ResealCount, ResealCount]:
        dsn = _dsn(data, database_url)
        return await reseal_passwords(dsn, rings.passwords), await reseal_channels(dsn, rings.channels)

    passwords, channels = finish(resealed())
    print_lines(
        f"{passwords.sealed} passwords and {channels.sealed} channels are sealed with the new keys.",
    )
    if broken := passwords.broken + channels.broken:
        for name in broken[:20]:
            print_lines(f"{name} does not open with these rings and stays as it is.")
        raise typer.Exit(1)
    print_lines("Now wait ten minutes, for checks already asked for carry old seals; then: mailprobe keys drop")


@keys.command("drop")
def drop(
    keys_folder: Keys = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Step 4: drop all keys but the current ones; refused while anything stored needs another."""
    rings = _rings(keys_folder, data)

    async def in_use() -> tuple[dict[str, int], dict[str, int]]:
        return await keys_in_use(_dsn(data, database_url))

    passwords, channels = finish(in_use())
    for ring, used in ((rings.passwords, passwords), (rings.channels, channels)):
        if old := {key: count for key, count in used.items() if key != ring.current}:
            key, count = next(iter(old.items()))
            fail(f"{count} stored secrets are still sealed with {key}; run `mailprobe keys reseal` first")
    for path, ring in ((rings.passwords_file, rings.passwords), (rings.channels_file, rings.channels)):
        _replace(path, PrivateKeyRing(ring.current, {ring.current: ring.keys[ring.current]}).to_json())
    for path, ring in rings.public_files.items():
        _replace(path, PrivateKeyRing(ring.current, {ring.current: ring.keys[ring.current]}).public().to_json())
    print_lines("Only the current keys are left. Give them to their services as before, and make a new backup.")


def _rings(keys_folder: Path | None, data: Path | None) -> Rings:
    if (keys_folder is None) == (data is None):
        fail(
            "name the directory of keys with --keys, or the data directory of `mailprobe run` with --data",
            code=EXIT_USAGE,
        )
    if data is not None:
        passwords, channels = data / "private-keys.json", data / "channel-private-keys.json"
        return Rings(_ring(passwords), _ring(channels), passwords, channels, {})
    folder = keys_folder or Path()
    passwords, channels = folder / PRIVATE, folder / CHANNEL_PRIVATE
    opening, telling = _ring(passwords), _ring(channels)
    return Rings(opening, telling, passwords, channels, {folder / PUBLIC: opening, folder / CHANNEL_PUBLIC: telling})


def _ring(path: Path) -> PrivateKeyRing:
    try:
        return PrivateKeyRing.from_json(path.read_text())
    except OSError as error:
        fail(f"cannot read {path}: {error.strerror}")
    except KeyRingError as error:
        fail(f"{path}: {error}")


def _replace(path: Path, text: str) -> None:
    """Whole or not at all: half a ring would open nothing."""
    fresh = path.with_name(f"{path.name}.new")
    try:
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
    except OSError as error:
        fail(f"cannot write {path}: {error.strerror}")


def _dsn(data: Path | None, database_url: str | None) -> str:
    if data is None:
        settings = DatabaseSettings.load(**({"database_url": database_url} if database_url else {}))
        return settings.database_url.get_secret_value()
    running = running_dsn(data / "postgres")
    if running is None:
        raise Failed(f"nobody runs the database in {data}; start `mailprobe run` first")
    return running
