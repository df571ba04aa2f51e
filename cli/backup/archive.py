"""The archive: a tar with a manifest, a dump of the database and the key rings; read by its owner alone.

Whoever has it has every stored password: it is as secret as the key rings.
"""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cli.failing import Failed

MANIFEST = "manifest.json"
DUMP = "database.dump"
FORMAT = 1
_MOST_SMALL_BYTES = 1 << 20
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is in an archive, and what it takes to restore it."""

    made_at: str
    mailprobe: str
    postgres: str  # the server it was dumped from
    owner: str  # of the tables; policies name it
    migration: int
    sha256: Mapping[str, str]  # of each member
    format: int = FORMAT
    roles: tuple[str, ...] = field(default=())


def write_archive(path: Path, *, dump: Path, small: Mapping[str, bytes], manifest: Manifest) -> None:
    """Write it whole or not at all, mode 600; ends with Failed where it is there already or cannot be written.

    Args:
        small: members beside the dump, by name. manifest: its `sha256` is filled in here.
    """
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in small.items()}
    sums[DUMP] = _sum_of(dump)
    facts = json.dumps({**asdict(manifest), "sha256": sums}, indent=2).encode()
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                for name, content in {MANIFEST: facts, **small}.items():
                    _add(tar, name, content)
                tar.add(dump, arcname=DUMP, filter=_plain)
            file.flush()
            os.fsync(file.fileno())
        os.link(fresh, path)  # unlike a rename, it replaces nothing
    except FileExistsError:
        raise Failed(f"{path} is there already") from None
    except OSError as error:
        raise Failed(f"cannot write {path}: {error.strerror}") from None
    finally:
        fresh.unlink(missing_ok=True)


def read_archive(path: Path, into: Path) -> tuple[Manifest, dict[str, bytes]]:
    """The manifest and the small members; the dump is written to `into`. Raises Failed for what is damaged."""
    small: dict[str, bytes] = {}
    sums: dict[str, str] = {}
    try:
        with tarfile.open(path, mode="r:") as tar:
            for member in tar:
                content = tar.extractfile(member)
                if content is None or not member.isfile():
                    continue
                if member.name == DUMP:
                    with into.open("wb") as file:
                        while chunk := content.read(_CHUNK):
                            file.write(chunk)
                    sums[DUMP] = _sum_of(into)
                elif member.size <= _MOST_SMALL_BYTES:
                    small[member.name] = content.read()
                    sums[member.name] = hashlib.sha256(small[member.name]).hexdigest()
        facts = json.loads(small.pop(MANIFEST))
        manifest = Manifest(**{**facts, "roles": tuple(facts["roles"])})
    except OSError as error:
        raise Failed(f"cannot read {path}: {error.strerror or error}") from None
    except (tarfile.TarError, KeyError, ValueError, TypeError):
        raise Failed(f"{path} is no archive of `mailprobe backup`, or only the beginning of one") from None
    if manifest.format != FORMAT:
        raise Failed(f"{path} was made by mailprobe {manifest.mailprobe}; restore it with that release or a newer one")
    damaged = [name for name, wanted in manifest.sha256.items() if sums.get(name) != wanted]
    if damaged:
        raise Failed(f"{path} is damaged: {', '.join(sorted(damaged))} is not what was saved")
    return manifest, {name: content for name, content in small.items() if name in manifest.sha256}


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o600
    tar.addfile(member, io.BytesIO(content))


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o600
    return member


def _sum_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
