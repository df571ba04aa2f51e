"""A server process of ours that cannot outlive us: started on a leash, ended with everything below it.

Provides `LeashedProcess`, free ports and waiting; what runs and how is left to the server modules.
"""

import asyncio
import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from tests.support.servers.warm_python import WarmProcess, is_ours, warm_python

_LEASH = Path(__file__).with_name("leash.py")

# Below what Linux and macOS choose from by themselves.
_SERVERS_PORTS = range(20_000, 30_000)
_MOST_TAKEN = 100


class ServerFailed(Exception):
    """A server needed by the tests did not start, or ended by itself; its last words are in the text."""


class LeashedProcess:
    """One command on a leash, its output in `log_path`."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        cwd: Path,
        log_path: Path,
        grace_seconds: float = 15.0,
    ) -> None:
        self._log_path = log_path
        self._grace_seconds = grace_seconds
        (heard, word), (said, told) = os.pipe(), os.pipe()
        self._word, self._said = os.fdopen(word, "wb", buffering=0), os.fdopen(said, "rb")
        try:
            with log_path.open("ab") as log:
                streams = (heard, told, log.fileno())
                self._leash = self._leashed([str(word) for word in command], env, cwd, streams)
        finally:
            os.close(heard)
            os.close(told)
        self.pid = int(self._said.readline() or 0)

    def _leashed(
        self, command: list[str], env: Mapping[str, str], cwd: Path, streams: tuple[int, int, int]
    ) -> "subprocess.Popen[bytes] | WarmProcess":
        """In a session of its own: Ctrl-C is for the test run, which then ends it in order."""
        if is_ours(command):
            _, _, module, *arguments = command
            return warm_python().start(
                module, arguments, env=env, cwd=cwd, streams=streams, leashed_for=self._grace_seconds
            )
        stdin, stdout, stderr = streams
        return subprocess.Popen(
            [sys.executable, "-I", "-S", _LEASH, str(self._grace_seconds), *command],
            env=dict(env),
            cwd=cwd,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )

    @property
    def alive(self) -> bool:
        """Whether the command still runs."""
        return self._leash.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send the command (not those below it) a signal."""
        os.kill(self.pid, number)

    def freeze(self) -> None:
        """SIGSTOP; returns once it stands still: on a busy machine it goes on until it is next given a processor."""
        self.send(signal.SIGSTOP)
        while self.alive and not self._stands_still():
            time.sleep(0.002)

    def thaw(self) -> None:
        """SIGCONT."""
        self.send(signal.SIGCONT)

    def _stands_still(self) -> bool:
        stat = Path(f"/proc/{self.pid}/stat")
        if stat.exists():  # not every Linux has `ps`
            return stat.read_text().rpartition(")")[2].split()[0] == "T"
        asked = subprocess.run(["ps", "-o", "state=", "-p", str(self.pid)], capture_output=True, check=False)
        return asked.stdout.strip().startswith(b"T")

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the command and those of its children that stayed in its group."""
        os.killpg(self.pid, number)

    async def stop(self) -> None:
        """SIGTERM, after the grace time SIGKILL; returns when everything is gone."""
        await asyncio.to_thread(self._let_go, orderly=True)

    async def kill(self) -> None:
        """SIGKILL at once, as a power cut would; returns when everything is gone."""
        await asyncio.to_thread(self._let_go, orderly=False)

    def last_words(self, size: int = 1500) -> str:
        """The end of what it wrote."""
        return self._log_path.read_bytes()[-size:].decode(errors="replace")

    async def until_ready(
        self, what: str, ready: Callable[[], Awaitable[bool]], *, timeout_seconds: float = 200.0
    ) -> None:
        """Ask `ready` until it says yes; raise `ServerFailed` when the process ends or time is up."""
        deadline = time.monotonic() + timeout_seconds
        while not await ready():
            if not self.alive:
                raise ServerFailed(f"{what} ended at its start: {self.last_words()}")
            if time.monotonic() > deadline:
                raise ServerFailed(f"{what} was not ready after {timeout_seconds:.0f} s: {self.last_words()}")
            await asyncio.sleep(0.05)

    def _let_go(self, *, orderly: bool) -> None:
        if not self._word.closed:
            with contextlib.suppress(BrokenPipeError):
                if orderly:
                    self._word.write(b"stop\n")
            self._word.close()
        self._said.close()
        try:
            self._leash.wait(self._grace_seconds + 15)
        except subprocess.TimeoutExpired:
            self._leash.kill()
            self._leash.wait(10)


def free_ports(count: int) -> list[int]:
    """Distinct ports nobody listens on now; all are held together while choosing.

    Below those the system gives to connections: one of these would now and then be taken by somebody's connection
    before the server that it was chosen for is up.
    """
    chance, ports = random.SystemRandom(), dict[int, None]()
    with contextlib.ExitStack() as held:
        for _ in range(count + _MOST_TAKEN):
            each = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                each.bind(("127.0.0.1", chance.choice(_SERVERS_PORTS)))
                ports[int(each.getsockname()[1])] = None
            if len(ports) == count:
                return list(ports)
    raise ServerFailed(f"hardly a port is free from {_SERVERS_PORTS.start} to {_SERVERS_PORTS.stop - 1}")


async def listens(port: int, host: str = "127.0.0.1") -> bool:
    """Whether something accepts connections there."""
    try:
        async with asyncio.timeout(2):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
