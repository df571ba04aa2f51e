"""The interleaved run: every round gives each program its turn at the same checks, in an order shuffled anew.

A figure is the median over rounds, and a ratio the median of the rounds' own ratios: the machine's good and bad
moments fall on both sides of it.
"""

import random
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.engine.programs import Program
from benchmarks.engine.stage import Round


@dataclass(slots=True)
class Figures:
    """µs of CPU per check: by check name, program, and round."""

    microseconds: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def note(self, check: str, program: str, cpu_us: float) -> None:
        self.microseconds.setdefault(check, {}).setdefault(program, []).append(cpu_us)

    def median(self, check: str, program: str) -> float:
        return statistics.median(self.microseconds[check][program])

    def ratio(self, check: str, program: str, other: str) -> float:
        rounds = self.microseconds[check]
        return statistics.median(a / b for a, b in zip(rounds[program], rounds[other], strict=True))


def run_side_by_side(
    programs: Mapping[str, Program], ports: Mapping[str, int], *, rounds: int, checks: int, at_once: int
) -> Figures:
    """Measure all programs at IMAP and POP3, plain and TLS; one round before the first warms up and is not counted."""
    chance = random.Random(3)
    figures = Figures()
    for number in range(-1, rounds):
        for protocol in ("imap", "pop3"):
            for mode in ("plain", "tls"):
                # In clear a check is short: more of them make a turn as long.
                count = checks if mode == "tls" else checks * 3
                turn = Round(protocol, mode, ports[f"{protocol}.{mode}"], count, at_once)
                order = list(programs)
                chance.shuffle(order)
                for name in order:
                    cpu_us = programs[name].make(turn)
                    if number >= 0:
                        figures.note(turn.name, name, cpu_us)
    return figures
