"""Whether the times a check reports are the server's, however busy we are: alone, at 70 % load, and in a burst.

Paced as in a worker, by `HandshakeGate` and `Pace`. The pace the fleet keeps towards one host is the scheduler's,
spreads jobs over seconds and is left out here, as if its limit had been raised: this is the harder case.
"""

import random
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.engine.certificates import CertificateFiles
from benchmarks.engine.programs import ours
from benchmarks.engine.stage import Cores

LOAD = 0.7
BURST = 1000
ROUNDS = 9
_ALONE = 150
_SATURATING = 400
_LOADED_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class Fidelity:
    """Reported p50 in ms, alone, and how many times that it is under load and in a burst."""

    alone_ms: float
    loaded: float
    burst: float
    checks_a_second: float


def measure(certificates: CertificateFiles, cores: Cores, ports: Mapping[str, int]) -> dict[str, Fidelity]:
    """By check name; medians over rounds."""
    probes = ours(certificates, cores)
    chance = random.Random(3)
    try:
        found: dict[str, list[Fidelity]] = {}
        for _ in range(ROUNDS):
            names = [(protocol, mode) for protocol in ("imap", "pop3") for mode in ("plain", "tls")]
            chance.shuffle(names)
            for protocol, mode in names:
                where = (protocol, mode, ports[f"{protocol}.{mode}"])

                def p50(verb: str, *numbers: object, where: tuple[object, ...] = where) -> float:
                    return float(probes.process.told(verb, *where, *numbers).split()[0])

                began = time.perf_counter()
                probes.process.told("run", *where, _SATURATING, 16)
                seconds_each = (time.perf_counter() - began) / _SATURATING
                every_us = seconds_each / LOAD * 1e6
                alone = p50("alone", _ALONE)
                loaded = p50("load", int(_LOADED_SECONDS * 1e6 / every_us), every_us)
                burst = p50("burst", BURST)
                found.setdefault(f"{protocol}.{mode}", []).append(
                    Fidelity(alone, loaded / alone, burst / alone, 1 / seconds_each)
                )
        return {name: _median(rounds) for name, rounds in found.items()}
    finally:
        probes.close()


def _median(rounds: list[Fidelity]) -> Fidelity:
    return Fidelity(
        alone_ms=statistics.median(each.alone_ms for each in rounds),
        loaded=statistics.median(each.loaded for each in rounds),
        burst=statistics.median(each.burst for each in rounds),
        checks_a_second=statistics.median(each.checks_a_second for each in rounds),
    )
