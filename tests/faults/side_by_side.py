"""Parts of a chaos run side by side: each a pytest of its own, with servers of its own, for they mostly wait.

Provides `parts` (which there are, the slowest first) and `run`. What a part does is in the tests; rows go to the file
they share. Ctrl-C ends every part in order, and the rows of those that came to their end are kept.
"""

import asyncio
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

# What takes longest begins first, so that nothing long is left for the end.
_SLOWEST = ("[full]", "[processes]", "[scheduler.", "[broker]", "[notifier.", "[database]", "[imap_worker.", "[edges]")
# What measures how processes share two processors is no measurement beside anything else.
_ALONE = re.compile(r"test_flooded_api")
_MARKED = "mark.chaos"
_PYTEST = (sys.executable, "-m", "pytest", "-m", "chaos")
_LONGEST_LINE = 2**24


def parts(repository: Path, arguments: Sequence[str]) -> list[str]:
    """The tests a run is made of, those that want to be alone last. `arguments` are for pytest, such as `-k broker`."""
    named = any(each.startswith("tests/") for each in arguments)
    files = [] if named else [path for path in (repository / "tests").rglob("test_*.py") if _MARKED in path.read_text()]
    command = [*_PYTEST, "--collect-only", "-q", *arguments, *map(str, sorted(files))]
    said = subprocess.run(command, cwd=repository, check=False, capture_output=True, text=True).stdout
    return in_order([line for line in said.splitlines() if "::" in line and not line.startswith(("ERROR", "FAILED"))])


def in_order(found: Sequence[str]) -> list[str]:
    """The slowest first, those alone last."""

    def place(part: str) -> tuple[bool, int]:
        slow = [number for number, words in enumerate(_SLOWEST) if words in part]
        return bool(_ALONE.search(part)), slow[0] if slow else len(_SLOWEST)

    return sorted(found, key=place)


def run(
    repository: Path, found: Sequence[str], arguments: Sequence[str], *, at_once: int, command: Sequence[str] = _PYTEST
) -> list[str]:
    """Run them, `at_once` at a time, and show what they say; those that failed or were not begun, by name."""
    return asyncio.run(_Run(repository, arguments, command, at_once).all_of(found))


class _Run:
    """Parts that run, and what became of those that have ended."""

    def __init__(self, repository: Path, arguments: Sequence[str], command: Sequence[str], at_once: int) -> None:
        self._repository = repository
        self._arguments = [each for each in arguments if not each.startswith("tests/")]
        self._command = command
        self._free = asyncio.Semaphore(at_once)
        self._running: set[asyncio.subprocess.Process] = set()
        self._stopped = False
        self._failed: list[str] = []

    async def all_of(self, found: Sequence[str]) -> list[str]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop)
        together = [part for part in found if not _ALONE.search(part)]
        await asyncio.gather(*(self._one(part) for part in together))
        for part in found:
            if part not in together:
                await self._one(part)
        return self._failed

    def _stop(self) -> None:
        """Each part takes down what it has built; no other begins."""
        if not self._stopped:
            self._stopped = True
            for process in self._running:
                process.send_signal(signal.SIGINT)

    async def _one(self, part: str) -> None:
        async with self._free:
            if self._stopped:
                self._failed.append(part)
                return
            began, name = time.monotonic(), _short(part)
            process = await asyncio.create_subprocess_exec(
                *self._command,
                *("-q", "--no-header", "--timeout=3600"),
                *self._arguments,
                part,
                cwd=self._repository,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                limit=_LONGEST_LINE,
                start_new_session=True,  # Ctrl-C is for us, who pass it on once
            )
            self._running.add(process)
            if self._stopped:  # while it was started
                process.send_signal(signal.SIGINT)
            assert process.stdout is not None
            async for line in process.stdout:
                print(f"{name:<22} | {line.decode(errors='replace').rstrip()}", flush=True)
            code = await process.wait()
            self._running.discard(process)
            if code:
                self._failed.append(part)
            minutes = (time.monotonic() - began) / 60
            print(f"{name:<22} = {'failed' if code else 'passed'} after {minutes:.1f} minutes", flush=True)


def _short(part: str) -> str:
    """What tells this part from the others."""
    function, _, variant = part.rpartition("::")[2].partition("[")
    return variant.rstrip("]") or function.removeprefix("test_")
