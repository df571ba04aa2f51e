"""Bad bodies and questions about everything else: customers, packages, tags, windows, channels, incidents, people."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.support.bad_input.case import HALF, NAN, TOO_MANY_DIGITS, Bad, fields
from tests.support.bad_input.monitors import CONTROL, NO_NUMBER, NO_TEXT

NAMES = ("", " ", "x" * 256, *NO_TEXT, *CONTROL)
EMAILS = ("x", "@", "a@", "@b", "a b@c", "a" * 250 + "@b.cd", *NO_TEXT)
NO_FLAG = ("yes", "true", 1, 0, [], {})
IDENTIFIERS = (0, -1, 1.5, True, "x", "", [], {}, TOO_MANY_DIGITS)
MOMENTS = ("x", "", "2026-07-10", "2026-07-10T22:00:00", "2026-13-01T00:00:00Z", 5, None, True, [], "1999-12-31T23:59Z")

WINDOW = {
    "name": "w",
    "startTime": "2026-07-10T22:00:00.000Z",
    "endTime": "2026-07-11T01:00:00.000Z",
    "customerId": 10,
}
RECURRING = {**WINDOW, "isRecurring": True, "recurrencePattern": {"frequency": "weekly"}}
MONTHLY = {**WINDOW, "isRecurring": True, "recurrencePattern": {"frequency": "monthly"}}
CHANNEL = {"type": "webhook", "name": "c", "config": {"url": "https://example.com/"}}


def bad_customers() -> Iterator[Bad]:
    wrong: Mapping[str, Any] = {
        "name": NAMES,
        "email": EMAILS,
        "packageType": ("", "x" * 101, 5, [], True),
        "customFields": (5, "x", [], True, {"a": "x" * 16_384}),
        "colour": (1,),
    }
    yield from fields("POST", "/api/customers", {"name": "n"}, {**wrong, "name": (None, *NAMES)})
    inner = {"customFields.a": ("a\x00b", NAN, TOO_MANY_DIGITS)}
    yield from fields("POST", "/api/customers", {"name": "n"}, inner)
    more: Mapping[str, Any] = {
        "alertLocationThresholdCount": (0, 101, 1.5, *NO_NUMBER),
        "allowedCheckCountryCodes": ("DE", 5, {}),
        "packageType": ("nobody made this",),
    }
    yield from fields("PATCH", "/api/customers/11111111-1111-4111-8111-111111111111", {}, {**wrong, **more})


def bad_packages() -> Iterator[Bad]:
    whole = (1.5, *NO_NUMBER)
    wrong: Mapping[str, Any] = {
        "displayName": ("", *NO_TEXT),
        "alertConsecutiveChecks": (0, 101, None, *whole),
        "alertLocationThreshold": ("most", "", None, 5),
        "alertLocationThresholdCount": (0, 101, *whole),
        "retryIntervalSeconds": (9, 3601, *whole),
        "notificationDelayMinutes": (-1, 1441, *whole),
        "reminderDelayMinutes": (0, 10_081, *whole),
        "alertReminderInterval": (-1, 10_081, *whole),
        "checkIntervalMinutes": (0.7, 0, 1441, *NO_NUMBER),
        "dataRetentionMonths": (0, -1, *whole),
        "enableEmailAlerts": (None, *NO_FLAG),
        "maxUrls": (-1, *whole),
        "notes": ("x" * 10_001, 5, []),
        "colour": (1,),
    }
    yield from fields("PATCH", "/api/package-configs/pro", {}, wrong)


def bad_tags() -> Iterator[Bad]:
    wrong = {"name": ("", " ", None, "x" * 51, *NO_TEXT, *CONTROL), "color": ("pinkish", "RED", "", 5, []), "x": (1,)}
    yield from fields("POST", "/api/tags", {"name": "t"}, wrong)
    put = {"monitorType": "imap_pop", "monitorId": 1, "tagId": 1}
    on: Mapping[str, Any] = {
        "monitorType": ("imap", "", None, 5),
        "monitorId": (None, *IDENTIFIERS),
        "tagId": IDENTIFIERS,
    }
    for method in ("POST", "DELETE"):
        yield from fields(method, "/api/monitor-tags", put, on)


def bad_windows() -> Iterator[Bad]:
    path = "/api/maintenance-windows"
    wrong: Mapping[str, Any] = {
        "name": NAMES,
        "description": (*NO_TEXT, "x" * 2001),
        "startTime": (*MOMENTS, "2101-01-01T00:00:00Z"),
        "endTime": (*MOMENTS, "2026-07-10T22:00:00Z"),
        "timeZone": ("Mars/Olympus", "", "+02:00", 5, "../etc/passwd", None),
        "isRecurring": (None, *NO_FLAG),
        "recurrencePattern": (5, "weekly", [], True),
        "isActive": (None, *NO_FLAG),
        "imapPopMonitorId": IDENTIFIERS,
        "targets": ("x", 5, {}),
        "tagIds": ("x", 5, {}),
        "customerId": IDENTIFIERS,
        "websiteId": (1,),
    }
    yield from fields("POST", path, WINDOW, wrong)
    each = {"targets": ([5], ["x"], [None]), "tagIds": ([0], ["x"], [True])}
    yield from fields("POST", path, WINDOW, each, {name: f"/{name}/0" for name in each})
    target = {"targets": ([{"type": "smtp", "id": 1}], [{"type": 5, "id": 1}])}
    yield from fields("POST", path, WINDOW, target, {"targets": "/targets/0/type"})
    nameless = {"targets": ([{"type": "imap_pop"}], [{"type": "imap_pop", "id": "x"}])}
    yield from fields("POST", path, WINDOW, nameless, {"targets": "/targets/0/id"})
    pattern = {
        "recurrencePattern.frequency": ("hourly", "", 5, None),
        "recurrencePattern.interval": (0, 367, 1.5, "1", True),
        "recurrencePattern.daysOfWeek": ("mo", 5, [0] * 9),
        "recurrencePattern.endRecurrenceDate": ("31.12.2026", "", 5, "2026-02-30"),
        "recurrencePattern.x": (1,),
    }
    yield from fields("POST", path, RECURRING, pattern)
    yield from fields("POST", path, MONTHLY, {"recurrencePattern.dayOfMonth": (0, 32, "1", 1.5, True)})
    days = {"recurrencePattern.daysOfWeek": ([8], ["mo"], [None])}
    yield from fields("POST", path, RECURRING, days, dict.fromkeys(days, "/recurrencePattern/daysOfWeek/0"))


def bad_channels() -> Iterator[Bad]:
    path = "/api/notification-channels"
    wrong: Mapping[str, Any] = {
        "type": ("pigeon", "WEBHOOK", "", None, 5, []),
        "name": NAMES,
        "config": (5, "x", "[]", "{", None, []),
        "config.url": ("", "x", "ftp://example.com/", "http://", "https://[::1]:99999/", 5, "https://exa mple/"),
        "config.colour": (1,),
        "customerId": IDENTIFIERS,
        "priority": (-1, 1001, 1.5, *NO_NUMBER),
        "delaySeconds": (-1, 86_401, 1.5, *NO_NUMBER),
        "conditions": (5, "x", [], True),
        "conditions.minIncidentDuration": (-1, 86_401, "1", 1.5),
        "conditions.colour": (1,),
        "isActive": (None, *NO_FLAG),
        "fallbackChannelId": (4711, *IDENTIFIERS),
        "websiteId": (1,),
    }
    yield from fields("POST", path, CHANNEL, wrong)
    yield from fields("POST", f"{path}/test", {}, {"type": (None, "x"), "name": ("",), "dryRun": NO_FLAG})


def bad_notes(incident: str) -> Iterator[Bad]:
    yield from fields(
        "POST", f"{incident}/notes", {}, {"text": ("", " ", None, "x" * 2001, *NO_TEXT, "a\x00b"), "x": (1,)}
    )
    yield from fields("POST", f"{incident}/snooze", {}, {"minutes": (-1, 43_201, 1.5, None, *NO_NUMBER), "x": (1,)})


def bad_people() -> Iterator[Bad]:
    """What anybody may send."""
    passwords = ("", None, 5, True, [], "x" * 5000, "short", "a\x00" + "b" * 20, HALF + "b" * 20)
    signing_in = {"email": (None, *EMAILS), "password": ("", None, 5, [], "x" * 5000, HALF), "colour": (1,)}
    yield from fields("POST", "/api/session", {"email": "a@b.cd", "password": "x"}, signing_in)
    person = {"token": "x", "email": "a@b.cd", "name": "Somebody", "password": "a few words make a good one"}
    linked = {"token": ("", None, 5, "x" * 201), "name": NAMES, "password": passwords, "colour": (1,)}
    yield from fields("POST", "/api/set-up", person, {**linked, "email": (None, *EMAILS)})
    accepted = {name: value for name, value in person.items() if name != "email"}
    yield from fields("POST", "/api/invitations/accept", accepted, linked)
    addresses = {"address": ("", "x", "@", "a@", "@b.cd", "a@b@c", "a@0x7f.1", "a@[127.0.0.1]", "a@ⓛocalhost", None, 5)}
    yield from fields("POST", "/api/discovery", {}, addresses)


QUESTIONS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "/api/imap-pop-monitors": {
        "page": ("0", "-1", "x", "", "1.5", "9" * 5000, "٣", "%00", "1&page=2"),
        "perPage": ("0", "201", "x", "1e2"),
        "status": ("off", "", "%00"),
        "health": ("fine", "UP"),
        "sort": ("password", "-", "id;drop", "--id", "%ED%A0%80"),
        "customerId": ("x", "0", "%00", "9" * 5000),
        "organizationId": ("true", "0", "x"),
        "search": ("%00", "x" * 256),
        "tag": ("%00", "x" * 51),
    },
    "/api/incidents": {
        "limit": ("0", "501", "x", "9" * 5000),
        "offset": ("-1", "1000001", "x"),
        "status": ("closed", "active"),
        "includeTotal": ("yes", "2"),
        "cursor": ("x", "%00", "A" * 201, "ⓛ"),
        "customerId": ("x",),
    },
    "/api/maintenance-windows": {"customerId": ("x", "%00")},
    "/api/notification-channels": {"customerId": ("x", "%00")},
}
