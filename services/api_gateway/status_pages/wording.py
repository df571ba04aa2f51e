"""What a page says of states and times, for people. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from services.api_gateway.status_pages.models import Indicator
from services.api_gateway.status_pages.standing import Component, Incident, Standing, State

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MOST_NAMES = 5

STATES: Mapping[State, str] = {
    State.MAJOR: "Outage",
    State.PARTIAL: "Partial outage",
    State.DEGRADED: "Degraded",
    State.UNKNOWN: "No recent data",
    State.MAINTENANCE: "Under maintenance",
    State.OPERATIONAL: "Operational",
}
# Not by colour alone.
GLYPHS: Mapping[State, str] = {
    State.MAJOR: "✕",
    State.PARTIAL: "✕",
    State.DEGRADED: "▲",
    State.UNKNOWN: "?",
    State.MAINTENANCE: "◆",
    State.OPERATIONAL: "✓",
}
INDICATORS: Mapping[State, Indicator] = {
    State.MAJOR: "critical",
    State.PARTIAL: "major",
    State.DEGRADED: "minor",
    State.UNKNOWN: "minor",
    State.MAINTENANCE: "maintenance",
    State.OPERATIONAL: "none",
}
# Those of Statuspage, where it has one: programs look for them.
_DESCRIPTIONS: Mapping[State, str] = {
    State.MAJOR: "Major System Outage",
    State.PARTIAL: "Partial System Outage",
    State.DEGRADED: "Partially Degraded Service",
    State.UNKNOWN: "No Recent Data",
    State.MAINTENANCE: "Service Under Maintenance",
    State.OPERATIONAL: "All Systems Operational",
}


def description(shown: Standing) -> str:
    """All of it in words."""
    return _DESCRIPTIONS[shown.state] if shown.components else "Nothing Is Shown Yet"


def names_of(components: Sequence[Component]) -> str:
    """Some names, and how many more there are."""
    names = list(dict.fromkeys(each.name for each in components))
    if len(names) <= _MOST_NAMES:
        return ", ".join(names)
    return f"{', '.join(names[: _MOST_NAMES - 1])} and {len(names) - _MOST_NAMES + 1} more"


def percent(hundredths: int) -> str:
    """`99.95 %`; without digits where there is nothing to say by them."""
    whole, rest = divmod(hundredths, 100)
    return f"{whole} %" if rest == 0 else f"{whole}.{rest:02} %"


def date_text(moment: datetime) -> str:
    """`26 Feb 2026`, in UTC."""
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def time_text(moment: datetime) -> str:
    """`26 Feb 2026, 12:10 UTC`."""
    return f"{date_text(moment)}, {moment:%H:%M} UTC"


def length_text(length: timedelta) -> str:
    """`2 h 5 min`: the two largest units, a minute at least."""
    minutes = max(1, round(length.total_seconds() / 60))
    days, minutes = divmod(minutes, 1440)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{count} {unit}" for count, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if count]
    return " ".join(parts[:2])


def updates_of(incident: Incident) -> list[tuple[str, datetime, str]]:
    """What became of an incident, the newest first: Statuspage's word, when, and a sentence."""
    found = [("investigating", incident.opened_at, f"{incident.title}: {names_of(incident.components)}.")]
    if incident.acknowledged_at is not None:
        found.append(("identified", incident.acknowledged_at, "Somebody is looking after it."))
    if incident.resolved_at is not None:
        lasted = length_text(incident.resolved_at - incident.started_at)
        found.append(("resolved", incident.resolved_at, f"It is over. It lasted {lasted}."))
    return found[::-1]
