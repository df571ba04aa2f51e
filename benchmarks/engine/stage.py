"""Where the programs meet: cores, the practice server, and processes that are told what to do line by line."""

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from benchmarks.engine.certificates import CertificateFiles

USER, PASSWORD = "ada@example.org", "correct horse"

# Told beside every figure that needs them; a login is answered this long after the newest one was sent.
HOLD_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Round:
    """One program's turn: this many checks of this kind."""

    protocol: str  # imap, pop3
    mode: str  # plain, tls
    port: int
    checks: int
    at_once: int

    @property
    def name(self) -> str:
        return f"{self.protocol}.{self.mode}"


@dataclass(frozen=True, slots=True)
class Cores:
    """Clients on one core, servers on another, where there are two."""

    clients: frozenset[int]
    servers: frozenset[int]

    @classmethod
    def here(cls) -> Self:
        cores = sorted(os.sched_getaffinity(0))
        return cls(frozenset(cores[:1]), frozenset(cores[1:] or cores))

    @property
    def apart(self) -> bool:
        return self.clients.isdisjoint(self.servers)


class ToldProcess:
    """A process that answers each line on its standard input with one on its standard output."""

    def __init__(self, command: Sequence[str | Path], *, cores: frozenset[int], folder: Path | None = None) -> None:
        self._process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder
        )
        os.sched_setaffinity(self._process.pid, cores)

    @property
    def pid(self) -> int:
        return self._process.pid

    def heard(self) -> str:
        """Its next line. Raises RuntimeError where it ended instead."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended with {self._process.wait(timeout=10)}")
        return line.strip()

    def told(self, *words: object) -> str:
        """Tell it these words; its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(map(str, words)) + "\n")
        self._process.stdin.flush()
        return self.heard()

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class PracticeServer(ToldProcess):
    """The mail server all are measured against; `ports` by `<protocol>.<mode>[.slow]`.

    Args:
        awake_seconds: it keeps its core busy for as long after it last heard something, so that no client pays for
            waking it.
    """

    def __init__(
        self, program: Path, certificates: CertificateFiles, *, cores: frozenset[int], awake_seconds: float = 0.0
    ) -> None:
        seconds = (str(HOLD_SECONDS), str(awake_seconds))
        super().__init__([program, certificates.certificate, certificates.key, *seconds], cores=cores)
        self.ports = {name: int(port) for name, port in (pair.split("=") for pair in self.heard().split())}


def cpu_seconds(pid: int) -> float:
    """CPU a live process has used so far, all its threads, to the nanosecond (clock_getcpuclockid(3))."""
    return time.clock_gettime((~pid << 3) | 2)
