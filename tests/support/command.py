"""The `mailprobe` command as a process of its own, with an environment of its own."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

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


async def run_command(*arguments: str, environment: Mapping[str, str], timeout_seconds: float = 120) -> Answered:
    """Run it to its end; nothing of the tests' own settings reaches it."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli.main", *arguments),
        cwd=REPOSITORY,
        env={**kept, **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
    )
    async with asyncio.timeout(timeout_seconds):
        out, said = await process.communicate()
    return Answered(process.returncode or 0, out.decode(), said.decode())
