"""One monitor as people read it."""

from typing import Any

from cli.monitor_page import monitor_lines

MONITOR: dict[str, Any] = {
    "name": "Mailbox Access",
    "publicId": "7b0c8f1e-5f0a-4c8e-9d55-0a6a58f9f3aa",
    "hostname": "mail.example.com",
    "port": None,
    "checkInterval": 30,
    "status": "active",
    "health": "up",
    "healthSince": None,
    "lastCheckedAt": None,
    "config": {"protocol": "imap", "tls": True, "user": "anna"},
}


def test_phases_are_shown_as_they_happened() -> None:
    check: dict[str, Any] = {
        "status": "success",
        "checkedAt": "2026-11-22T12:00:00.000Z",
        "timingImapPop": 10.0,
        "locationCode": "default",
        "errorMessage": None,
        "warningMessage": None,
        "diagnostics": {"phasesMs": {"dns": 1, "tls": 3, "auth": 5, "later": 9, "connect": 2}},
    }
    text = "\n".join(line.plain for line in monitor_lines(MONITOR, [check]))
    assert "dns 1.0  connect 2.0  tls 3.0  auth 5.0  later 9.0  (ms)" in text
