"""Times and durations in the words documented for histories: en-US, whatever the process's locale. Pure."""

from services.api_gateway.field_types import moment_of_ms

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def time_text(epoch_ms: int) -> str:
    """`Feb 26, 2026, 12:10:00`, in UTC."""
    moment = moment_of_ms(epoch_ms)
    return f"{_MONTHS[moment.month - 1]} {moment.day}, {moment.year}, {moment:%H:%M:%S}"


def duration_text(duration_ms: int) -> str:
    """`2m 30s`, `1d 0h 5m 0s`: down to seconds, from the largest unit there is."""
    seconds = max(0, duration_ms) // 1000
    parts: list[str] = []
    for unit, length in _UNITS:
        count, seconds = divmod(seconds, length)
        if count or parts or unit == "s":
            parts.append(f"{count}{unit}")
    return " ".join(parts)
