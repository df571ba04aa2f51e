"""One incident as a page of text: what, since when, and what happened in order. Pure."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from rich.text import Text

from cli.showing import ago, plain

_CHECKS_SHOWN = 5


def incident_lines(details: dict[str, Any]) -> list[Text]:
    """The page's lines."""
    incident, timeline = details["incident"], details["timeline"]
    state = incident["status"]
    lines = [
        Text.assemble(
            plain(incident["imapPopMonitor"]["name"]), "  ", (state, "bold red" if state == "open" else "green")
        ),
        _field("public id", incident["publicId"]),
        _field("server", f"{incident['protocol']} {incident['hostname']}"),
        _field("failed in", incident["phase"]),
        _field("what", incident["errorMessage"]),
    ]
    optional = (
        ("user", incident["user"]),
        ("said", incident["serverWords"]),
        ("hint", incident["hint"]),
        ("seen from", ", ".join(incident["locationCodes"])),
    )
    lines += [_field(label, value) for label, value in optional if value]
    began = incident["outageStartedAt"]
    lines.append(_field("began", f"{began} ({ago(began)})"))
    lines.append(_field("confirmed", incident["startedAt"]))
    if incident["resolvedAt"]:
        lasted = duration(began, incident["recoveredAt"] or incident["resolvedAt"])
        lines.append(_field("resolved", f"{incident['resolvedAt']} ({incident['resolution']}, it lasted {lasted})"))
    if incident["acknowledgedAt"]:
        lines.append(_field("taken by", f"{incident['acknowledgedBy']} at {incident['acknowledgedAt']}"))
    if incident["snoozedUntil"]:
        lines.append(_field("snoozed", f"until {incident['snoozedUntil']}"))
    group = incident["group"]
    if group is not None and group["openMembers"] > 1:
        lines.append(_field("with it", f"{group['openMembers']} mailboxes of {group['host']} ({group['layer']})"))
    lines.append(Text(""))
    return lines + [plain(f"{at}  {what}") for at, what in sorted(_happened(timeline))]


def duration(start: str, end: str | None, *, now: datetime | None = None) -> str:
    """How long it was, or is until now, in its two largest units."""
    until = (now or datetime.now(UTC)) if end is None else _moment(end)
    seconds = max(0, int((until - _moment(start)).total_seconds()))
    parts: list[str] = []
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        if seconds >= length or (unit == "s" and not parts):
            parts.append(f"{seconds // length} {unit}")
            seconds %= length
        elif parts:
            break
    return " ".join(parts[:2])


def _happened(timeline: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, total in (("failedChecks", "failedChecksTotal"), ("recoveryChecks", "recoveryChecksTotal")):
        checks = timeline[name]
        for check in checks[:_CHECKS_SHOWN]:
            passed = check["status"] == "success"
            said = "a check passed" if passed else f"a check failed: {check['errorMessage'] or check['cause']}"
            yield check["checkedAt"], f"{said} ({check['location']['code']})"
        shown = checks[:_CHECKS_SHOWN]
        if shown and timeline[total] > len(shown):
            yield shown[-1]["checkedAt"], f"… and {timeline[total] - len(shown)} more like it"
    for alert in timeline["alertEvents"]:
        outcome = {"sent": "was told", "failed": "could not be told", "pending": "is to be told"}[alert["status"]]
        why = f": {alert['errorMessage']}" if alert["errorMessage"] else ""
        yield alert["sentAt"] or alert["createdAt"], f"{alert['channelName']} {outcome} ({alert['event']}){why}"
    for event in timeline["events"]:
        by = f" by {event['actor']}" if event["actor"] else ""
        if (event["kind"], event["text"]) == ("snoozed", "ended"):
            yield event["at"], f"snooze ended{by}"
            continue
        text = f": {event['text']}" if event["text"] else ""
        yield event["at"], f"{event['kind'].replace('_', ' ')}{by}{text}"


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _field(label: str, value: str) -> Text:
    return Text.assemble((f"  {label:<10}", "dim"), plain(value))
