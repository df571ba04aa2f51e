"""pg_dump and pg_restore: found, and run without a password anybody could see in a list of processes."""

import asyncio
import contextlib
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from cli.failing import Failed
from shared.database.embedded_binaries import EmbeddedPostgresError, find_programs

_VERSION_SECONDS = 30
_MOST_HOURS = 12


async def find_program(name: str, *, server_major: int) -> Path:
    """A pg_dump or pg_restore that knows this server: on PATH, or of our own wheel. Raises Failed."""
    candidates = []
    on_path = shutil.which(name)
    if on_path:
        candidates.append(Path(on_path))
    with contextlib.suppress(EmbeddedPostgresError):
        candidates.append(find_programs(None) / name)  # last: it speaks no TLS
    for candidate in candidates:
        if await _major(candidate) >= server_major:
            return candidate
    raise Failed(
        f"no {name} of Postgres {server_major} or later is here; install postgresql-client-{server_major}, "
        "or mailprobe with its own: mailprobe[standalone]"
    )


async def run_program(program: Path, *arguments: str, dsn: str) -> None:
    """Run it on this database to its end. Raises Failed with its own words."""
    parts = urlsplit(dsn)
    host = parts.netloc.rpartition("@")[2]
    user = f"{parts.username}@" if parts.username else ""
    open_address = urlunsplit(parts._replace(netloc=f"{user}{host}"))
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "PGAPPNAME": f"mailprobe {program.name}"}
    if parts.password:
        environment["PGPASSWORD"] = unquote(parts.password)
    process = await asyncio.create_subprocess_exec(
        program, *arguments, f"--dbname={open_address}", env=environment, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE
    )
    try:
        async with asyncio.timeout(_MOST_HOURS * 3600):
            _, said = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        raise Failed(f"{program.name} failed: {' '.join(said.decode(errors='replace').split())[-600:]}")


async def _major(program: Path) -> int:
    try:
        process = await asyncio.create_subprocess_exec(program, "--version", stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL)
        async with asyncio.timeout(_VERSION_SECONDS):
            said, _ = await process.communicate()
        return int(said.split()[2].split(b".")[0])
    except (OSError, TimeoutError, ValueError, IndexError):
        return 0
