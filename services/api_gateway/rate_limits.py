"""How often one address or token may ask: a bucket each, refilled evenly. Per process, and bounded in memory."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

MINUTE_SECONDS = 60.0
MOST_BUCKETS = 50_000


class RateLimit:
    """So many requests a minute for each key; a full bucket may be spent at once.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, per_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._capacity = float(per_minute)
        self._per_second = per_minute / MINUTE_SECONDS
        self._clock = clock
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()  # (left, as of), longest unused first

    def knows(self, key: Hashable) -> bool:
        """Whether this key has asked lately."""
        return key in self._buckets

    def take(self, key: Hashable) -> bool:
        """Spend one request; False where none is left."""
        left = self._left(key)
        allowed = left >= 1.0
        self._buckets[key] = (left - 1.0 if allowed else left, self._clock())
        self._buckets.move_to_end(key)
        if len(self._buckets) > MOST_BUCKETS:
            self._buckets.popitem(last=False)
        return allowed

    def forget(self, key: Hashable) -> None:
        """Drop a key that turned out to be nobody's."""
        self._buckets.pop(key, None)

    def exhausted(self, key: Hashable) -> bool:
        """Whether nothing is left, without spending."""
        return self._left(key) < 1.0

    def remaining(self, key: Hashable) -> int:
        """Whole requests left now."""
        return int(self._left(key))

    def retry_after_seconds(self, key: Hashable) -> int:
        """Until there is one again; at least 1."""
        return max(1, math.ceil((1.0 - self._left(key)) / self._per_second))

    def _left(self, key: Hashable) -> float:
        left, as_of = self._buckets.get(key, (self._capacity, 0.0))
        return min(self._capacity, left + (self._clock() - as_of) * self._per_second)
