"""Memory of a check under way: thousands at once, all logged in to a server that takes its time to say yes.

Each figure is taken in a fresh process, which has made some checks before it is looked at: the growth of its resident
memory from before the first of them was begun to when the last one waits.
"""

import resource
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.engine.certificates import CertificateFiles
from benchmarks.engine.programs import Told, limit, ours
from benchmarks.engine.stage import Cores

# Descriptors of a process beside its connections.
_SPARE_DESCRIPTORS = 200
_WARMING_UP = 200


@dataclass(frozen=True, slots=True)
class Held:
    """KiB a check, by check name and program."""

    kib: dict[str, dict[str, float]]
    checks: int
    wanted: int


def measure(certificates: CertificateFiles, cores: Cores, ports: Mapping[str, int], folder: Path, *, held: int) -> Held:
    """Ours and the limit; fewer where `ulimit -n` asks for it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(held, most - _SPARE_DESCRIPTORS)
    makers: dict[str, Callable[[], Told]] = {
        "ours": lambda: ours(certificates, cores),
        "limit": lambda: limit(certificates, cores, folder),
        "frugal_limit": lambda: limit(certificates, cores, folder, frugal=True),
    }
    kib: dict[str, dict[str, float]] = {}
    for protocol in ("imap", "pop3"):
        for mode in ("plain", "tls"):
            for program, make in makers.items():
                kib.setdefault(f"{protocol}.{mode}", {})[program] = _once(make(), ports, protocol, mode, count)
    return Held(kib=kib, checks=count, wanted=held)


def _once(program: Told, ports: Mapping[str, int], protocol: str, mode: str, count: int) -> float:
    try:
        program.process.told("run", protocol, mode, ports[f"{protocol}.{mode}"], _WARMING_UP, 16)
        return float(program.process.told("hold", protocol, mode, ports[f"{protocol}.{mode}.slow"], count))
    finally:
        program.close()
