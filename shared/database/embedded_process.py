"""What the embedded Postgres asks of the operating system: accounts, handles, signals, ports.

Provides single steps; their order is left to `shared.database.embedded`.
"""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from shared.database.embedded_binaries import Account

_STOP_SECONDS = {signal.SIGINT: 20.0, signal.SIGQUIT: 5.0, signal.SIGKILL: 5.0}


def handed_over(
    directory: Path, account: Account | None, open_files: contextlib.ExitStack
) -> tuple[str, tuple[int, ...]]:
    """How the server is to name its directory, and the handles it must inherit for that."""
    if account is None or not Path("/proc/self/fd").exists():
        return str(directory), ()
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    open_files.callback(os.close, handle)
    return f"/proc/self/fd/{handle}", (handle,)


def as_account(account: Account | None) -> dict[str, Any]:
    """Arguments of Popen: the account, a working directory it can be in, and nothing of our environment."""
    drop = {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}
    return {**drop, "cwd": "/", "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}}


def stop_with_parent() -> Callable[[], None] | None:
    """What the child runs before Postgres: on Linux, ask for a fast shutdown should we be killed."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    set_parent_death_signal = 1
    return lambda: prctl(set_parent_death_signal, signal.SIGINT)


def end_process(process: subprocess.Popen[bytes]) -> None:
    """Fast shutdown, then immediate, then none at all."""
    for how, seconds in _STOP_SECONDS.items():
        process.send_signal(how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            return


def serves_cluster(pid: int, cluster: Path) -> bool:
    """Whether this process is a postmaster on that cluster: its working directory is the cluster."""
    if Path("/proc/self/cwd").exists():
        try:
            return os.path.samestat(os.stat(f"/proc/{pid}/cwd"), cluster.stat())
        except OSError:
            return False
    answer = subprocess.run(  # noqa: S603
        ["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, timeout=10, check=False
    )
    return str(cluster) in answer.stdout


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
