"""An incident as a page of text."""

from typing import Any

from cli.incident_page import incident_lines


def check(at: str, status: str = "failure", message: str | None = "Refused.") -> dict[str, Any]:
    return {
        "checkedAt": at,
        "status": status,
        "errorMessage": message,
        "cause": "auth_rejected",
        "location": {"code": "fra"},
    }


def details(**incident: Any) -> dict[str, Any]:
    return {
        "incident": {
            "publicId": "7b0c8f1e-5f0a-4c8e-9d55-0a6a58f9f3aa",
            "status": "open",
            "imapPopMonitor": {"name": "Mail\x1b[2Jbox"},
            "protocol": "imap",
            "hostname": "mail.example.com",
            "phase": "auth",
            "errorMessage": "The server refused the password.",
            "user": "me@example.com",
            "serverWords": "NO [AUTHENTICATIONFAILED] no",
            "hint": None,
            "locationCodes": ["fra"],
            "outageStartedAt": "2026-11-22T10:00:00.000Z",
            "startedAt": "2026-11-22T10:05:00.000Z",
            "resolvedAt": None,
            "recoveredAt": None,
            "resolution": None,
            "acknowledgedAt": None,
            "acknowledgedBy": None,
            "snoozedUntil": None,
            "group": {"openMembers": 40, "host": "mail.example.com", "layer": "login"},
            **incident,
        },
        "timeline": {
            "failedChecks": [check(f"2026-11-22T10:0{minute}:00.000Z") for minute in range(7)],
            "failedChecksTotal": 12,
            "recoveryChecks": [],
            "recoveryChecksTotal": 0,
            "alertEvents": [
                {
                    "sentAt": None,
                    "createdAt": "2026-11-22T10:06:00.000Z",
                    "status": "failed",
                    "channelName": "Ops",
                    "event": "opened",
                    "errorMessage": "the receiver answered 500",
                }
            ],
            "events": [{"at": "2026-11-22T10:07:00.000Z", "kind": "note", "actor": "me", "text": "looking"}],
        },
        "evidenceCheck": None,
    }


def page(**incident: Any) -> str:
    return "\n".join(line.plain for line in incident_lines(details(**incident)))


def test_it_says_what_since_when_and_what_happened_in_order() -> None:
    text = page()
    for words in ("imap mail.example.com", "NO [AUTHENTICATIONFAILED] no", "40 mailboxes of mail.example.com (login)"):
        assert words in text
    happened = text.partition("\n\n")[2].splitlines()
    assert happened == sorted(happened)
    assert happened[0] == "2026-11-22T10:00:00.000Z  a check failed: Refused. (fra)"
    assert "2026-11-22T10:04:00.000Z  … and 7 more like it" in happened
    assert "2026-11-22T10:06:00.000Z  Ops could not be told (opened): the receiver answered 500" in happened
    assert happened[-1] == "2026-11-22T10:07:00.000Z  note by me: looking"


def test_an_end_is_told_with_its_length() -> None:
    text = page(
        status="resolved",
        resolvedAt="2026-11-22T11:01:00.000Z",
        recoveredAt="2026-11-22T11:00:30.000Z",
        resolution="recovered",
        acknowledgedAt="2026-11-22T10:10:00.000Z",
        acknowledgedBy="night shift",
    )
    assert "(recovered, it lasted 1 h)" in text
    assert "night shift at 2026-11-22T10:10:00.000Z" in text


def test_a_snooze_begins_and_ends_in_words() -> None:
    story = details()
    story["timeline"]["events"] = [
        {"at": "2026-11-22T10:08:00.000Z", "kind": "snoozed", "actor": "me", "text": "until 2026-11-22 11:00:00 UTC"},
        {"at": "2026-11-22T10:09:00.000Z", "kind": "snoozed", "actor": "me", "text": "ended"},
    ]
    text = "\n".join(line.plain for line in incident_lines(story))
    assert "snoozed by me: until 2026-11-22 11:00:00 UTC" in text
    assert "snooze ended by me" in text


def test_nothing_in_it_steers_a_terminal() -> None:
    assert "\x1b" not in page()
