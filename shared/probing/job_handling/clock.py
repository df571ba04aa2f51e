"""The database's clock, as a worker without a database knows it: from when its jobs were published.

Every job says when it was published (`published_at`, on the database's clock). It arrives later than that, so each
is a lower bound for the time it is now, and the newest of all bounds, carried on by the monotonic clock, is the best
estimate: short of the truth by the fastest delivery lately seen. The wall clock of this machine has a say only at
first: what is delivered again may be long on its way, and so may be what waited in the queue for a worker to come.
Checked as if their time were now, jobs of minutes would be as many failures in a row within one second.
"""

import time
from collections.abc import Callable

# The estimate gives way by this much a second that no job confirms it, for the two clocks may drift apart.
_DECAY = 0.001
# What had waited for a worker is delivered and found stale within this long of the first job that came but once.
_SETTLING_MS = 10_000.0
# And within this long most of it has arrived, whose newest says how old the oldest is.
_HEARING_SECONDS = 0.25
# All jobs of this long being behind by more than a queue could explain, by the same amount: their clock was set back.
_STEP_BACK_MS = 120_000.0
_STEP_WATCH_MS = 30_000.0
_STEP_SPREAD_MS = 2_000.0


class FleetClock:
    """Milliseconds since the epoch on the database's clock; `monotonic` in seconds, `wall` likewise."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time) -> None:
        self._monotonic = monotonic
        self._wall = wall
        self._offset: float | None = None  # fleet time minus monotonic time, ms
        self._confirmed = 0.0  # monotonic ms
        self._trusted_from: float | None = None  # monotonic ms
        self._heard_from: float | None = None  # monotonic seconds
        self._behind: _Behind | None = None

    def now_ms(self) -> int:
        """The time it is at least."""
        now = self._monotonic() * 1000
        settled = self._trusted_from is not None and now >= self._trusted_from
        wall_ms = 0 if settled else int(self._wall() * 1000)
        if self._offset is None:
            return wall_ms
        return max(wall_ms, int(now + self._offset))

    def hears_for_seconds(self) -> float:
        """How long the first jobs wait for what is delivered with them: judged alone, they would seem to be new."""
        now = self._monotonic()
        if self._heard_from is None:
            self._heard_from = now + _HEARING_SECONDS
        return max(0.0, self._heard_from - now)

    def observe(self, published_at: int, *, fresh: bool = True) -> None:
        """Learn from a job that just arrived; `fresh` unless it is known to have been with somebody before."""
        now = self._monotonic() * 1000
        if fresh and self._trusted_from is None:
            self._trusted_from = now + _SETTLING_MS
        bound = published_at - now
        if self._offset is None or bound >= self._offset - _DECAY * (now - self._confirmed):
            self._offset, self._confirmed, self._behind = bound, now, None
            return
        if self._offset - bound < _STEP_BACK_MS:
            self._behind = None
        elif self._behind is None or not self._behind.agrees(bound):
            # A queue being worked off is behind too, but less and less.
            self._behind = _Behind(since=now, bound=bound)
        elif now - self._behind.since >= _STEP_WATCH_MS:
            self._offset, self._confirmed, self._behind = bound, now, None


class _Behind:
    """Jobs that are all behind the estimate by about the same."""

    def __init__(self, *, since: float, bound: float) -> None:
        self.since = since
        self._bound = bound

    def agrees(self, bound: float) -> bool:
        return abs(bound - self._bound) <= _STEP_SPREAD_MS
