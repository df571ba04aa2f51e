"""The schedule as a whole, looked at no more often than its size allows.

Whether every slot was asked for is known only by a look at every row: what is late has no index, for one on what each
claim changes would cost each claim more than the claim. Of tens of thousands of rows that is nothing; of a million it
is a good part of a second of the database's, so the answer is kept for some seconds, with the moment it is of.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

# So many rows are read each time somebody asks; and for each so many more, an answer is kept for a second.
ALWAYS_READ = 50_000
ROWS_PER_SECOND_KEPT = 100_000
MOST_SECONDS_KEPT = 15.0


class ScheduleWatch:
    """One for each gateway.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looking = asyncio.Lock()  # who asks meanwhile is told the same
        self._row: Mapping[str, Any] | None = None
        self._good_until = 0.0

    async def look(self, read: Callable[[], Awaitable[Mapping[str, Any]]]) -> Mapping[str, Any]:
        """The standing of the schedule: the newest, or one of a moment ago where there is much to read."""
        async with self._looking:
            if self._row is None or self._clock() >= self._good_until:
                self._row = await read()
                self._good_until = self._clock() + kept_seconds(self._row["scheduled"])
            return self._row


def kept_seconds(rows: int) -> float:
    """How long an answer is kept that took a look at so many rows."""
    return min(max(0, rows - ALWAYS_READ) / ROWS_PER_SECOND_KEPT, MOST_SECONDS_KEPT)
