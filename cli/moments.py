"""Times and lengths of time as people type them. Pure."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_LENGTH = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?:in)?)?", re.ASCII)


class NoMoment(ValueError):
    """What was typed is no time; the message says what would be."""


def read_moment(text: str, zone: str, *, now: datetime) -> datetime:
    """`now`, or a date and time such as 2026-12-31 22:00; without an offset it is the zone's clock. Raises NoMoment."""
    if text == "now":
        return now
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise NoMoment(f"{text} is no time such as 2026-12-31T22:00, and not `now`") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=ZoneInfo(zone))


def read_length(text: str) -> timedelta:
    """A length such as 90m, 2h, 1h30m or 1d. Raises NoMoment."""
    found = _LENGTH.fullmatch(text.replace(" ", ""))
    days, hours, minutes = (int(part or 0) for part in found.groups()) if found and len(text) < 20 else (0, 0, 0)
    if not (days or hours or minutes) or days > 36_500:
        raise NoMoment(f"{text} is no length of time such as 90m, 2h or 1d")
    return timedelta(days=days, hours=hours, minutes=minutes)


def iso(moment: datetime) -> str:
    """As the API takes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
