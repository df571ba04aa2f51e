"""When maintenance windows are open, worked out from the rules people gave them. Pure; whom they are for is not its
matter.

A recurring window keeps its local time of day: it recurs on the wall clock of its zone, and each occurrence lasts as
long as the first, whatever the clocks do meanwhile. A time the clock skips is taken by the offset before the leap (so
02:30 becomes 03:30), one it shows twice is the first of the two: as RFC 5545 §3.3.5 has it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import DAILY, MO, MONTHLY, WEEKLY, rrule, weekday

DAY_MS = 86_400_000
# How far ahead occurrences are kept, and how old that may grow before they are worked out again.
KEPT_AHEAD_MS = 35 * DAY_MS
# A recurring window that lasted longer would be open for good, or nearly.
LONGEST_RECURRING_MS = 31 * DAY_MS

SUNDAY = 0
_SHORTEST_MONTH = 28
_NO_PLACE = frozenset({"Factory"})


class Frequency(StrEnum):
    """What a window recurs by."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True, slots=True)
class Recurrence:
    """How a window recurs: every `interval` days, weeks (from Monday) or months.

    Args:
        days_of_week: of a weekly one, 0 is Sunday; none: the day it first begins.
        day_of_month: of a monthly one; None: the day it first begins. In a shorter month its last day stands for it.
        last_day: no occurrence begins after it, by the window's own clock.
    """

    frequency: Frequency
    interval: int = 1
    days_of_week: tuple[int, ...] = ()
    day_of_month: int | None = None
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """When a window first begins and ends, and how it goes on; without `recurrence` that was all."""

    starts_ms: int
    ends_ms: int
    time_zone: str = "UTC"
    recurrence: Recurrence | None = None


def occurrences(window: Window, *, from_ms: int, until_ms: int) -> list[tuple[int, int]]:
    """When it is open between these times: (begin, end) of each occurrence that overlaps them, in order."""
    lasts_ms = window.ends_ms - window.starts_ms
    if window.recurrence is None:
        starts = [window.starts_ms]
    else:
        starts = _recurring_starts(window, window.recurrence, from_ms=from_ms - lasts_ms, until_ms=until_ms)
    return [(start, start + lasts_ms) for start in starts if start < until_ms and start + lasts_ms > from_ms]


def window_from_pattern(*, starts_ms: int, ends_ms: int, time_zone: str, pattern: Mapping[str, Any] | None) -> Window:
    """A window as the database keeps it: `pattern` is the API's `recurrencePattern`, sound."""
    recurrence = None
    if pattern is not None:
        last = pattern.get("endRecurrenceDate")
        recurrence = Recurrence(
            frequency=Frequency(pattern["frequency"]),
            interval=pattern.get("interval") or 1,
            days_of_week=tuple(sorted({day % 7 for day in pattern.get("daysOfWeek") or ()})),
            day_of_month=pattern.get("dayOfMonth"),
            last_day=None if last is None else last_day(last, time_zone),
        )
    return Window(starts_ms=starts_ms, ends_ms=ends_ms, time_zone=time_zone, recurrence=recurrence)


def last_day(text: str, time_zone: str) -> date:
    """The day an `endRecurrenceDate` means: a date, or a moment by the window's clock. Raises ValueError."""
    if len(text) == len("2026-12-31"):
        return date.fromisoformat(text)
    moment = datetime.fromisoformat(text)
    try:
        return (moment if moment.tzinfo is None else moment.astimezone(ZoneInfo(time_zone))).date()
    except OverflowError:
        raise ValueError("beyond the calendar") from None


def longest_pause_ms(recurrence: Recurrence) -> int:
    """The longest time from one beginning to the next, leaps of clocks apart: what lasts as long never ends."""
    match recurrence.frequency:
        case Frequency.DAILY:
            days = recurrence.interval
        case Frequency.WEEKLY:
            begins = sorted((day - 1) % 7 for day in recurrence.days_of_week) or [0]
            over_the_weekend = 7 * recurrence.interval - (begins[-1] - begins[0])
            days = max(over_the_weekend, *(later - day for day, later in pairwise(begins)), 0)
        case Frequency.MONTHLY:
            days = 31 * recurrence.interval
    return days * DAY_MS


@cache
def known_zones() -> frozenset[str]:
    """The names of IANA's time zones, as the package that brings them along lists them."""
    return frozenset(resources.files("tzdata").joinpath("zones").read_text().split()) - _NO_PLACE


def _recurring_starts(window: Window, recurrence: Recurrence, *, from_ms: int, until_ms: int) -> list[int]:
    """When occurrences begin, some of them outside these times: clocks differ from UTC by up to a day."""
    zone = ZoneInfo(window.time_zone)
    first = _local(window.starts_ms, zone)
    # The library counts in whole seconds.
    rest_ms = window.starts_ms % 1000
    after = max(first.replace(tzinfo=None), _local(max(from_ms, window.starts_ms), zone) - timedelta(days=1))
    before = _local(until_ms, zone) + timedelta(days=1)
    if recurrence.last_day is not None:
        before = min(before, datetime.combine(recurrence.last_day, time.max))
    found: dict[int, None] = {}
    for naive in _rule(recurrence, first, after=after).between(after, before, inc=True):
        if naive == first:
            # Its own beginning is a moment, which may be the second of two that clocks call the same.
            found[window.starts_ms] = None
        else:
            found[round(naive.replace(tzinfo=zone).timestamp()) * 1000 + rest_ms] = None
    return list(found)  # where a zone skipped a whole day, that day's beginning is the next one's


def _rule(recurrence: Recurrence, first: datetime, *, after: datetime) -> rrule:
    """The rule on the wall clock. It begins with the period that `first` lies in, or a later one shortly before
    `after`: no year of the past is gone through day by day.
    """
    every = recurrence.interval
    match recurrence.frequency:
        case Frequency.DAILY:
            skipped = (after - first).days // every * every
            return rrule(DAILY, interval=every, dtstart=first + timedelta(days=skipped))
        case Frequency.WEEKLY:
            monday = first - timedelta(days=first.weekday())
            skipped = (after - monday).days // (7 * every) * every
            days = [_weekday(day) for day in recurrence.days_of_week] or [weekday(first.weekday())]
            return rrule(WEEKLY, interval=every, dtstart=monday + timedelta(weeks=skipped), wkst=MO, byweekday=days)
        case Frequency.MONTHLY:
            months = (after.year - first.year) * 12 + after.month - first.month
            skipped = months // every * every + first.month - 1
            begin = first.replace(year=first.year + skipped // 12, month=skipped % 12 + 1, day=1)
            wanted = recurrence.day_of_month or first.day
            days_of_month = range(min(wanted, _SHORTEST_MONTH), wanted + 1)
            return rrule(MONTHLY, interval=every, dtstart=begin, bymonthday=tuple(days_of_month), bysetpos=-1)


def _weekday(day: int) -> weekday:
    return weekday((day - 1) % 7)  # theirs begin with Monday


def _local(epoch_ms: int, zone: ZoneInfo) -> datetime:
    """What the zone's clock shows, in whole seconds."""
    return datetime.fromtimestamp(epoch_ms // 1000, UTC).astimezone(zone).replace(tzinfo=None, fold=0)
