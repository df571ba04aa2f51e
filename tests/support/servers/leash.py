"""Runs one command, and ends it and everything it ever started as soon as nobody holds the other end.

`python leash.py GRACE_SECONDS COMMAND...`: prints the command's process id, then listens. A word on its standard
input asks for an orderly end; when that closes without one, as it does when the test run is killed, the end is
immediate. Daemons that the command set loose (epmd, for one) come back to this process because it is their
"subreaper". Imports only the standard library: it runs isolated.
"""

import contextlib
import ctypes
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def main() -> int:
    """Start a command, hold it, end it."""
    command = sys.argv[2:]

    def begin() -> NoReturn:
        try:
            os.execvp(command[0], command)
        except BaseException as error:
            os.write(2, f"{command[0]}: {error}\n".encode())
            os._exit(127)

    return hold(float(sys.argv[1]), begin)


def hold(grace_seconds: float, begin: Callable[[], NoReturn]) -> int:
    """Hold what begins in a process of its own; its exit code."""
    linux = sys.platform == "linux"
    if linux:
        prctl = ctypes.CDLL(None).prctl
        prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            if linux:
                prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            nothing = os.open(os.devnull, os.O_RDONLY)
            os.dup2(nothing, 0)
            os.dup2(2, 1)
            begin()
        finally:
            os._exit(127)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: os.dup2(os.open(os.devnull, os.O_RDONLY), 0))
    os.write(1, f"{child}\n".encode())
    status, orderly = _hold(child)
    if orderly:
        _signal(child, signal.SIGTERM)
        deadline = time.monotonic() + grace_seconds
        while status is None and time.monotonic() < deadline:
            time.sleep(0.02)
            status = _reap(child)
    _end_everything(child)
    return 0 if status is None else min(os.waitstatus_to_exitcode(status) % 256, 255)


def _hold(child: int) -> tuple[int | None, bool]:
    """Wait for one of three: the command ended (its status), an orderly end was asked for, nobody is there any more."""
    while True:
        status = _reap(child)
        if status is not None:
            return status, False
        readable, _, _ = select.select([0], [], [], 0.1)
        if readable:
            return None, bool(os.read(0, 4096))


def _reap(child: int) -> int | None:
    """Collect whoever ended; the command's own status if it was among them."""
    found = None
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            if pid == child:
                found = status
    return found


def _end_everything(child: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        _signal(-child, signal.SIGKILL)
        for pid in _descendants():
            _signal(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.02)


def _descendants() -> list[int]:
    parents = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            parents[int(entry.parent.name)] = int(entry.read_text().rpartition(")")[2].split()[1])
    found = {os.getpid()}
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        found |= more
        grown = bool(more)
    return sorted(found - {os.getpid()})


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


if __name__ == "__main__":
    sys.exit(main())
