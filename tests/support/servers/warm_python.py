"""A Python that has imported our services and our command once, and forks whenever one of them is to run.

Most of what a short process of ours costs is its imports, and tests start hundreds. `warm_python()` is the one of this
test run: it runs what `python -m MODULE` runs, as a process of its own with its own environment, directory and
standard streams, and tells how it ended. Run as a module, this is that Python. Where it matters that a process
begins with nothing, start one: deploy/ and `make run` are tested so.
"""

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import random
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

_REPOSITORY = Path(__file__).parents[3]
_LONGEST_REQUEST = 128 * 1024


class WarmProcess:
    """One process that was forked; the part of `subprocess.Popen` that is used of it."""

    def __init__(self, told: int) -> None:
        self._told = os.fdopen(told, "rb", buffering=0)
        self.pid = int(self._told.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code, where it has ended; -9 and the like for a signal."""
        return self._look(0.0)

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code; raises `subprocess.TimeoutExpired`."""
        found = self._look(timeout)
        if found is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
        return found

    def kill(self) -> None:
        """SIGKILL, unless it is known to have ended."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    def _look(self, seconds: float | None) -> int | None:
        if self.returncode is None and select.select([self._told], [], [], seconds)[0]:
            # Nobody tells any more where the Python it was forked from is gone, and everything with it.
            self.returncode = int(self._told.readline() or -signal.SIGKILL)
            self._told.close()
        return self.returncode


class WarmPython:
    """The process to fork from; it ends with this one."""

    def __init__(self) -> None:
        self._asked, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL") if name in os.environ}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                cwd=_REPOSITORY,
                env=kept,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        atexit.register(self._close)

    def import_all(self, modules: Sequence[str]) -> None:
        """Returns once these are imported; takes seconds."""
        with socket.socket(fileno=self._ask({"import": list(modules)}, [])) as told:
            told.recv(1)

    def start(
        self,
        module: str,
        arguments: Sequence[str] = (),
        *,
        env: Mapping[str, str],
        cwd: Path,
        streams: tuple[int, int, int],
        leashed_for: float | None = None,
    ) -> WarmProcess:
        """Run a module. `leashed_for`: on a leash (see leash.py), with so many seconds for its orderly end."""
        asked = {
            "run": module,
            "arguments": [module, *arguments],
            "env": dict(env),
            "cwd": str(cwd),
            "leashed_for": leashed_for,
        }
        return WarmProcess(self._ask(asked, list(streams)))

    def _ask(self, what: dict[str, Any], descriptors: list[int]) -> int:
        """Send a request; answers with where it is told what became of it."""
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._asked, [json.dumps(what).encode()], [*descriptors, theirs.fileno()])
        return ours.detach()

    def _close(self) -> None:
        self._asked.close()
        self._process.wait()


@functools.cache
def warm_python() -> WarmPython:
    """The one of this process, started when first asked for."""
    return WarmPython()


def is_ours(command: Sequence[str | Path]) -> bool:
    """Whether this is a service or the command, run by the Python that runs the tests."""
    return list(command[:2]) == [sys.executable, "-m"] and str(command[2]).split(".")[0] in ("services", "cli")


def _serve(asked: socket.socket) -> NoReturn:
    """Until nobody can ask any more."""
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(ended, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    told: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([asked, ended], [], [])
        if ended in ready:
            os.read(ended, 4096)
            _tell_who_ended(told)
        if asked in ready:
            message, descriptors, _, _ = socket.recv_fds(asked, _LONGEST_REQUEST, 4)
            if not message:
                os._exit(0)
            request, teller = json.loads(message), descriptors[-1]
            if "import" in request:
                for module in request["import"]:
                    _import(module)
                os.write(teller, b".")
            else:
                _import(request["run"])
                child = os.fork()
                if child == 0:
                    for each in (ended, wake, *told.values(), teller):
                        os.close(each)
                    asked.close()
                    _begin(request, descriptors[:3])
                os.write(teller, b"%d\n" % child)
                told[child] = teller
            for each in descriptors:
                if each not in told.values():
                    os.close(each)


def _tell_who_ended(told: dict[int, int]) -> None:
    while told:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        teller = told.pop(pid)
        with contextlib.suppress(OSError):  # nobody may want to know
            os.write(teller, b"%d\n" % os.waitstatus_to_exitcode(status))
        os.close(teller)


def _import(module: str) -> None:
    """Everything a module needs; itself it is run anew each time, and says then why it can't be imported."""
    with contextlib.suppress(Exception):
        name = f"{module}.__main__" if hasattr(importlib.import_module(module), "__path__") else module
        importlib.import_module(name)
        sys.modules.pop(name)
    gc.freeze()


def _begin(request: dict[str, Any], streams: list[int]) -> NoReturn:
    """In the new process: what was asked for, to its end."""
    from tests.support.servers import leash

    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    code = 1
    try:
        if request["leashed_for"] is None:
            code = _exit_code_of(lambda: _run(request))
        else:
            code = leash.hold(request["leashed_for"], lambda: _run_and_exit(request))
    finally:
        os._exit(code)


def _run_and_exit(request: dict[str, Any]) -> NoReturn:
    os._exit(_exit_code_of(lambda: _run(request)))


def _run(request: dict[str, Any]) -> None:
    """As `python -m` would."""
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    time.tzset()
    random.seed()
    sys.argv = request["arguments"]
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)
    for wanted in filter(None, request["env"].get("PYTHONWARNINGS", "").split(",")):
        warnings._setoption(wanted)  # type: ignore[attr-defined]
    runpy.run_module(request["run"], run_name="__main__", alter_sys=True)


def _exit_code_of(run: Callable[[], None]) -> int:
    """And everything that is due at the end of a process."""
    code: object = 0
    try:
        run()
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    if not isinstance(code, int | None):
        print(code, file=sys.stderr)
        code = 1
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # whoever listened may be gone, or it was closed
            stream.flush()
    return int(code or 0) % 256


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
