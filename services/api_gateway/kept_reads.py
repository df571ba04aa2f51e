"""What takes a look at every row of a large table, looked at no more often than its size allows.

Some answers have no index: which slots are late, how many monitors are well. One on what each claim or check changes
would cost each of them more than itself. Of tens of thousands of rows such a look is nothing; of a million it is a good
part of a second of the database's, so its answer is kept for some seconds.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Found = TypeVar("Found")

# So many rows are read each time somebody asks; and for each so many more, an answer is kept for a second.
ALWAYS_READ = 50_000
ROWS_PER_SECOND_KEPT = 100_000
MOST_SECONDS_KEPT = 15.0
MOST_KEPT = 16


class _Kept(Generic[Found]):
    """What was found last, for those who wait for the same."""

    def __init__(self) -> None:
        self.looking = asyncio.Lock()  # who asks meanwhile is told the same
        self.asking = 0
        self.good_until = 0.0
        self.found: Found | None = None


class KeptReads(Generic[Found]):
    """Answers of one kind, each under what it was asked with.

    Args:
        rows_of: how many rows it took to find this.
        clock: monotonic seconds.
    """

    def __init__(self, rows_of: Callable[[Found], int], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._rows_of = rows_of
        self._clock = clock
        self._kept: dict[Hashable, _Kept[Found]] = {}

    async def look(self, key: Hashable, read: Callable[[], Awaitable[Found]]) -> Found:
        """The newest, or one of a moment ago where there is much to read.

        Args:
            key: all that decides who may see what is found: nobody is told what was found under another.
        """
        kept = self._kept.setdefault(key, _Kept())
        kept.asking += 1
        try:
            async with kept.looking:
                if kept.found is None or self._clock() >= kept.good_until:
                    kept.found = None  # two of them need not be held at once
                    kept.found = await read()
                    self._keep(kept, kept_seconds(self._rows_of(kept.found)))
                return kept.found
        finally:
            kept.asking -= 1
            self._forget()

    def _keep(self, kept: _Kept[Found], seconds: float) -> None:
        kept.good_until = self._clock() + (seconds if len(self._kept) <= MOST_KEPT else 0)
        # Nobody may ask again for long, and some answers are large.
        asyncio.get_running_loop().call_later(seconds, self._forget)

    def _forget(self) -> None:
        now = self._clock()
        for key in [key for key, kept in self._kept.items() if not kept.asking and now >= kept.good_until]:
            del self._kept[key]


def kept_seconds(rows: int) -> float:
    """How long an answer is kept that took a look at so many rows."""
    return min(max(0, rows - ALWAYS_READ) / ROWS_PER_SECOND_KEPT, MOST_SECONDS_KEPT)
