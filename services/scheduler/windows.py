"""When slots fall due: windows of time as ranges of phases, and how late slots are spread. Pure arithmetic.

What a slot is stands in shared/checks/slots; what is done about one that is due, in claiming.
"""

from collections.abc import Iterable
from typing import NamedTuple

LOOK_AHEAD_MS = 2_000

# What has waited is looked at each second, and published no earlier than that needs: a job that lies in a queue
# takes up one of its host's places.
REQUEST_AHEAD_MS = 1_250

# A slot claimed later than this was missed by somebody, and is caught up with rather than made at once.
LATE_MS = 5_000

SPREAD_CAP_MS = 5 * 60_000


class PhaseRange(NamedTuple):
    """The phases from `lowest` to `highest`, both included, of one interval."""

    interval_ms: int
    lowest: int
    highest: int


def phase_ranges(after: int, until: int, interval_ms: int) -> list[PhaseRange]:
    """The phases that have a slot within (after, until]: two ranges where the window wraps around the interval."""
    if until <= after:
        return []
    if until - after >= interval_ms:
        return [PhaseRange(interval_ms, 0, interval_ms - 1)]
    lowest, highest = (after + 1) % interval_ms, until % interval_ms
    if lowest <= highest:
        return [PhaseRange(interval_ms, lowest, highest)]
    return [PhaseRange(interval_ms, lowest, interval_ms - 1), PhaseRange(interval_ms, 0, highest)]


def due_ranges(after: int | None, until: int, intervals: Iterable[int]) -> list[PhaseRange]:
    """The phase ranges of every interval for one window; without a beginning, all phases (a full sweep)."""
    if after is None:
        return [PhaseRange(interval, 0, interval - 1) for interval in intervals]
    return [found for interval in intervals for found in phase_ranges(after, until, interval)]


def catch_up_starts(now_ms: int, intervals_ms: list[int]) -> list[int]:
    """When late checks begin, one for each interval given, spread evenly over min(interval ÷ 2, 5 minutes)."""
    count = len(intervals_ms)
    return [
        now_ms + position * min(interval // 2, SPREAD_CAP_MS) // count for position, interval in enumerate(intervals_ms)
    ]


def runs_of_slots(slots: Iterable[int], interval_ms: int) -> list[tuple[int, int, int]]:
    """Ascending slots as runs without a gap: (first, last, count)."""
    runs: list[tuple[int, int, int]] = []
    for slot in slots:
        if runs and slot == runs[-1][1] + interval_ms:
            first, _, count = runs[-1]
            runs[-1] = (first, slot, count + 1)
        else:
            runs.append((slot, slot, 1))
    return runs
