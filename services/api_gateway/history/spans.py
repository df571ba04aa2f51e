"""Which time a question is about, and from which pieces it is answered. Pure.

Days and hours that are over are kept added up; what is left at the end is added up when it is asked for.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

HOUR_MS = 3_600_000
DAY_MS = 86_400_000
RANGES_MS = {"day": DAY_MS, "week": 7 * DAY_MS, "month": 30 * DAY_MS, "quarter": 90 * DAY_MS, "year": 365 * DAY_MS}
LONGEST_MS = 400 * DAY_MS
# Beyond so long a time, a point stands for a day.
_HOURS_UP_TO_MS = 14 * DAY_MS
_MOST_HOURS_MS = 62 * DAY_MS
_DAY_ALONE = re.compile(r"\d{4}-\d{2}-\d{2}")
_YEARS = range(2000, 2101)


class Granularity(StrEnum):
    """What a point of a chart stands for: a check, an hour or a day."""

    RAW = "raw"
    HOUR = "hour"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Span:
    """From a moment until before another, in milliseconds."""

    from_ms: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class Pieces:
    """What adds up to a span: days, hours before and after them, and what has to be added up now at both ends."""

    days: Span
    hours_before: Span
    hours_after: Span
    live: Span
    live_before: Span


class WrongSpan(ValueError):
    """The dates of a question do not make a time; the message says why, and `field` which date."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def read_date(text: str) -> datetime:
    """A date or moment as a query carries it, without an offset in UTC; raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.year not in _YEARS:
        raise ValueError("too far away")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def wanted_span(range_name: str, *, date: str | None, start: str | None, end: str | None, now_ms: int) -> Span:
    """The time a question is about.

    Its end is `end`, else `date`, else now; a date without a time of day means the end of that day. Its beginning is
    `start`, else lies a range before. What lies ahead is left out.

    Raises:
        WrongSpan: it ends before it begins, or is too long.
    """
    last = end or date
    until_ms = now_ms if last is None else _ms(last, whole_day=True)
    from_ms = until_ms - RANGES_MS[range_name] if start is None else _ms(start, whole_day=False)
    if from_ms >= until_ms:
        raise WrongSpan("endDate" if end else "startDate", "startDate must be before the end")
    if until_ms - from_ms > LONGEST_MS:
        raise WrongSpan("startDate", f"the time asked for must have at most {LONGEST_MS // DAY_MS} days")
    return Span(min(from_ms, now_ms), min(until_ms, now_ms))


def granularity_of(asked: str | None, span: Span) -> Granularity:
    """What a point stands for. Anything but `raw` is added up; hours only while they are not too many."""
    length = span.until_ms - span.from_ms
    if asked == Granularity.RAW:
        return Granularity.RAW
    if asked == Granularity.DAY or length > _MOST_HOURS_MS:
        return Granularity.DAY
    if asked == Granularity.HOUR or length <= _HOURS_UP_TO_MS:
        return Granularity.HOUR
    return Granularity.DAY


def since(now_ms: int, length_ms: int) -> Span:
    """The time that ends now and has this length, begun at a full hour, or at a full day where it has several."""
    unit = HOUR_MS if length_ms <= DAY_MS else DAY_MS
    return Span((now_ms - length_ms) // unit * unit, now_ms)


def pieces_of(span: Span, *, hours_until: int, by_hours: bool = False) -> Pieces:
    """What adds up to a span.

    Args:
        hours_until: until when hours are kept added up.
        by_hours: of hours alone, no days.
    """
    first_hour = -(-span.from_ms // HOUR_MS) * HOUR_MS
    kept_until = min(hours_until, span.until_ms // HOUR_MS * HOUR_MS)
    nothing = Span(span.from_ms, span.from_ms)
    if first_hour >= kept_until:  # no full hour of it is kept
        edge = min(first_hour, span.until_ms)
        return Pieces(nothing, nothing, nothing, live=Span(edge, span.until_ms), live_before=Span(span.from_ms, edge))
    first_day = -(-span.from_ms // DAY_MS) * DAY_MS
    last_day = kept_until // DAY_MS * DAY_MS
    live_before, live = Span(span.from_ms, first_hour), Span(kept_until, span.until_ms)
    if by_hours or first_day >= last_day:
        return Pieces(nothing, Span(first_hour, kept_until), nothing, live=live, live_before=live_before)
    return Pieces(
        days=Span(first_day, last_day),
        hours_before=Span(first_hour, first_day),
        hours_after=Span(last_day, kept_until),
        live=live,
        live_before=live_before,
    )


def answerable(span: Span, *, results_since: int, hours_since: int) -> Span:
    """The span, with full hours or days at those ends of which no checks, or no hours, are left."""
    from_ms, until_ms = span.from_ms, span.until_ms
    for since_ms, unit in ((results_since, HOUR_MS), (hours_since, DAY_MS)):
        if from_ms < since_ms:
            from_ms = from_ms // unit * unit
        if until_ms < since_ms:
            until_ms = -(-until_ms // unit) * unit
    return Span(from_ms, until_ms)


def _ms(text: str, *, whole_day: bool) -> int:
    at_ms = round(read_date(text).timestamp() * 1000)
    return at_ms + DAY_MS if whole_day and _DAY_ALONE.fullmatch(text) else at_ms
