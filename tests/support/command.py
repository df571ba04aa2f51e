"""The `mailprobe` command as a process of its own, forked from one that has imported it, in its own environment."""

import asyncio
import functools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from tests.support.servers.warm_python import WarmPython, warm_python

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Answered:
    """What it said, and its exit code."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        return self.stdout + self.stderr


async def run_command(
    *arguments: str, environment: Mapping[str, str], stdin: bytes = b"", timeout_seconds: float = 120
) -> Answered:
    """Run it to its end; nothing of the tests' own settings reaches it."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL") if name in os.environ}
    return await asyncio.to_thread(_run, arguments, {**kept, **environment}, stdin, timeout_seconds)


@functools.cache
def _with_every_verb() -> WarmPython:
    python = warm_python()
    python.import_all(["tests.support.every_verb"])
    return python


def _run(arguments: Sequence[str], environment: Mapping[str, str], stdin: bytes, timeout_seconds: float) -> Answered:
    python = _with_every_verb()
    with TemporaryFile() as typed, TemporaryFile() as out, TemporaryFile() as said:
        typed.write(stdin)
        typed.seek(0)
        streams = (typed.fileno(), out.fileno(), said.fileno())
        process = python.start("cli.main", arguments, env=environment, cwd=REPOSITORY, streams=streams)
        try:
            exit_code = process.wait(timeout_seconds)
        finally:
            process.kill()
        out.seek(0)
        said.seek(0)
        return Answered(exit_code, out.read().decode(), said.read().decode())
