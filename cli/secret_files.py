"""Files that hold secrets, one each, named for whose it is: `amqp-url.scheduler`, `database-url.api_gateway`."""

import os
from collections.abc import Mapping
from pathlib import Path

from cli.failing import fail

_MOST_BYTES = 4096


def addresses_by_role(folder: Path, prefix: str) -> dict[str, str]:
    """What the files of a directory that begin so hold, by the rest of their names; ends the command where none is."""
    try:
        # Kubernetes lays hidden directories beside the files of a mounted Secret.
        paths = sorted(path for path in folder.iterdir() if path.name.startswith(prefix) and path.is_file())
        found = {path.name.removeprefix(prefix): path.read_text()[:_MOST_BYTES].strip() for path in paths}
    except (OSError, UnicodeDecodeError) as error:
        fail(f"cannot read the addresses in {folder}: {getattr(error, 'strerror', None) or error}")
    if not found:
        fail(f"{folder} has no file {prefix}…; `mailprobe secrets make` writes them")
    return found


def write_once(contents: Mapping[Path, str], *, mode: int = 0o600) -> None:
    """Write files that are not there yet; ends the command where one is, or cannot be written."""
    try:
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(descriptor, "w") as file:
                file.write(content)
    except OSError as error:
        fail(f"cannot write {error.filename}: {error.strerror}")
