"""CPU by process, so that whoever else is at work on this machine is not counted.

Of Postgres each connection has a process of its own, told apart by what the connection calls itself; of RabbitMQ one
process does everything.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.engine.stage import cpu_seconds
from shared.database.pool import Connection

# What our own looking costs is nobody's.
OURSELVES = "mailprobe bench"

_BACKENDS = "SELECT pid, application_name FROM pg_stat_activity WHERE backend_type = 'client backend'"

_TICKS = os.sysconf("SC_CLK_TCK")


def live_cpu(pid: int) -> float:
    """CPU seconds of a process; 0 once it is gone."""
    try:
        return cpu_seconds(pid)
    except OSError:
        return 0.0


def reaped_cpu(pid: int) -> float:
    """CPU seconds of the children it has seen to their end."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / _TICKS


def children(pid: int) -> list[int]:
    """The processes it started that still run."""
    found: list[int] = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        found += map(int, (thread / "children").read_text().split())
    return found


class PostgresCpu:
    """CPU seconds of one Postgres, by whom it worked for: the first word of a connection's name; `own` is the rest."""

    def __init__(self, postmaster: int) -> None:
        self._postmaster = postmaster
        self._names: dict[int, str] = {}
        self._of_backends: dict[int, float] = {}

    async def read(self, connection: Connection, services: Iterable[str]) -> dict[str, float]:
        """Totals since it started. A connection that was made and closed between two readings counts as `own`."""
        for row in await connection.fetch(_BACKENDS):
            self._names[row["pid"]] = row["application_name"]
        total = live_cpu(self._postmaster) + reaped_cpu(self._postmaster)
        alive = children(self._postmaster)
        for pid in alive:
            seconds = live_cpu(pid)
            total += seconds
            self._of_backends[pid] = max(seconds, self._of_backends.get(pid, 0.0))
        found = dict.fromkeys(services, 0.0)
        named = 0.0
        for pid, seconds in self._of_backends.items():
            name = self._names.get(pid, "")
            service = next((each for each in found if each in name), None)
            if service is not None or name == OURSELVES:
                named += seconds
            if service is not None:
                found[service] += seconds
        found["own"] = max(0.0, total - named)
        return found


def spent(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """What was used between two readings."""
    return {name: after[name] - before.get(name, 0.0) for name in after}
