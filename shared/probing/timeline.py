"""How long each phase of one check took, by a clock that never goes back."""

import time
from collections.abc import Callable

from shared.checks.vocabulary import Phase


class Timeline:
    """Begins in `Phase.DNS`; entering a phase completes the one before. A phase entered again adds to its time."""

    __slots__ = ("_entered_at", "_on_phase", "_spent", "phase", "started_at")

    def __init__(self, on_phase: Callable[[Phase, float], None] | None = None) -> None:
        self.started_at = self._entered_at = time.monotonic()
        self._on_phase = on_phase
        self.phase = Phase.DNS
        self._spent: list[tuple[Phase, float]] = []  # seconds; added up only when somebody asks

    def leave_out(self, seconds: float) -> None:
        """This much of the current phase was our own waiting, and belongs to no reported time."""
        self.started_at += seconds
        self._entered_at += seconds

    def enter(self, phase: Phase) -> float:
        """The phase before this one is over; the moment it ended."""
        now = time.monotonic()
        before = self.phase
        self._spent.append((before, now - self._entered_at))
        self._entered_at = now
        self.phase = phase
        if self._on_phase is not None:
            self._on_phase(before, self.phases_ms()[before])
        return now

    def close(self) -> float:
        """The current phase is over; returns the moment."""
        return self.enter(self.phase)

    def phases_ms(self) -> dict[Phase, float]:
        """What each phase that is over took, in the order they were entered first; whole microseconds."""
        seconds: dict[Phase, float] = {}
        for phase, spent in self._spent:
            seconds[phase] = seconds[phase] + spent if phase in seconds else spent
        # Not by round(), which goes by way of decimal digits and costs a check as much as its login.
        return {phase: int(spent * 1_000_000.0 + 0.5) / 1000.0 for phase, spent in seconds.items()}
