"""How late the event loop runs what is due: measured by sleeping, shown as a metric, stamped on results.

A check timed by a loop that was held up shows our own slowness as the server's; with the lag beside it one can tell.
"""

import asyncio
import time
from collections import deque

from shared.runtime import metrics

SAMPLE_SECONDS = 0.1
KEPT_SAMPLES = 1200  # two minutes: longer than any check


class LoopLag:
    """Samples of the loop's lag, newest last; `run` takes them until it is cancelled."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque(maxlen=KEPT_SAMPLES)  # (woken at, late by), seconds
        self._due: float | None = None

    async def run(self, stop: asyncio.Event | None = None) -> None:
        """Sample until stopped, or for ever."""
        while stop is None or not stop.is_set():
            self._due = time.monotonic() + SAMPLE_SECONDS
            await asyncio.sleep(SAMPLE_SECONDS)
            self._take(time.monotonic())

    def worst_ms_since(self, started: float) -> float:
        """The worst lag seen since a moment of the monotonic clock, one that still lasts included."""
        now = time.monotonic()
        worst = now - self._due if self._due is not None else 0.0
        for woken, late in reversed(self._samples):
            if woken < started:
                break
            worst = max(worst, late)
        return max(0.0, worst) * 1000

    def _take(self, now: float) -> None:
        late = max(0.0, now - self._due) if self._due is not None else 0.0
        self._samples.append((now, late))
        metrics.EVENT_LOOP_LAG.set(late)
