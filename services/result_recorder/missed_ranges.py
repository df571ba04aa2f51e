"""Arithmetic of missed slots: ranges `first, first + interval, …` that are cut so that each slot is counted once.

Pure. A range spans at most a day, so that the one a late result falls in is found by looking a day back.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SPAN_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class SlotRange:
    """`count` slots from `first` on, `interval_ms` apart."""

    first: int
    count: int
    interval_ms: int

    @property
    def last(self) -> int:
        return self.first + (self.count - 1) * self.interval_ms

    def holds(self, slot: int) -> bool:
        return self.first <= slot <= self.last and (slot - self.first) % self.interval_ms == 0

    def part(self, begin: int, end: int) -> "SlotRange":
        """The slots number `begin` up to `end`."""
        return SlotRange(self.first + begin * self.interval_ms, end - begin, self.interval_ms)


def without_slots(slots: SlotRange, taken: Iterable[int]) -> list[SlotRange]:
    """The range without single slots."""
    places = sorted({(slot - slots.first) // slots.interval_ms for slot in taken if slots.holds(slot)})
    parts, begin = [], 0
    for place in places:
        if place > begin:
            parts.append(slots.part(begin, place))
        begin = place + 1
    if begin < slots.count:
        parts.append(slots.part(begin, slots.count))
    return parts


def without_range(slots: SlotRange, taken: SlotRange) -> list[SlotRange]:
    """The range without every slot another one holds."""
    if taken.last < slots.first or slots.last < taken.first:
        return [slots]
    if taken.interval_ms != slots.interval_ms:
        # After a change of interval: few slots are the same, so they are looked up one by one.
        few, many = sorted((slots, taken), key=lambda each: each.count)
        return without_slots(slots, (few.first + k * few.interval_ms for k in range(few.count) if _at(few, k, many)))
    if (taken.first - slots.first) % slots.interval_ms:
        return [slots]
    begin = max(0, (taken.first - slots.first) // slots.interval_ms)
    end = min(slots.count, (taken.last - slots.first) // slots.interval_ms + 1)
    parts = [slots.part(0, begin), slots.part(end, slots.count)]
    return [part for part in parts if part.count > 0]


def unaccounted(wanted: SlotRange, *, ranges: Sequence[SlotRange], slots: Iterable[int]) -> list[SlotRange]:
    """What is left of a range once these ranges and slots are taken out, in pieces that span at most a day."""
    left = [wanted]
    for taken in ranges:
        left = [part for piece in left for part in without_range(piece, taken)]
    single = sorted(set(slots))
    left = [part for piece in left for part in without_slots(piece, single)]
    return [part for piece in left for part in _short(piece)]


def _at(few: SlotRange, k: int, many: SlotRange) -> bool:
    return many.holds(few.first + k * few.interval_ms)


def _short(slots: SlotRange) -> list[SlotRange]:
    longest = SPAN_MS // slots.interval_ms + 1
    return [slots.part(begin, min(begin + longest, slots.count)) for begin in range(0, slots.count, longest)]
