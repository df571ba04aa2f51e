"""How long each phase of one check took, by a clock that never goes back."""

import time
from collections.abc import Callable

from shared.checks.vocabulary import Phase


class Timeline:
    """Begins in `Phase.DNS`; entering a phase completes the one before. A phase entered again adds to its time."""

    __slots__ = ("_entered_at", "_on_phase", "phase", "phases_ms", "started_at")

    def __init__(self, on_phase: Callable[[Phase, float], None] | None = None) -> None:
        self.started_at = self._entered_at = time.monotonic()
        self._on_phase = on_phase
        self.phase = Phase.DNS
        self.phases_ms: dict[Phase, float] = {}

    def leave_out(self, seconds: float) -> None:
        """This much of the current phase was our own waiting, and belongs to no reported time."""
        self.started_at += seconds
        self._entered_at += seconds

    def enter(self, phase: Phase) -> float:
        """The phase before this one is over; the moment it ended."""
        now = self.close()
        self.phase = phase
        return now

    def close(self) -> float:
        """The current phase is over; returns the moment."""
        now = time.monotonic()
        phase = self.phase
        spent = (now - self._entered_at) * 1000.0
        if phase in self.phases_ms:
            spent += self.phases_ms[phase]
        self.phases_ms[phase] = spent
        self._entered_at = now
        if self._on_phase is not None:
            self._on_phase(phase, spent)
        return now
