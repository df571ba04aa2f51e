"""Uptime Kuma's backup and its database, carried over alike."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cli.configuration.desired import desired
from cli.configuration.normal import Kind
from cli.configuration.reading import read_configuration
from cli.configuration.yaml_reading import write_yaml
from cli.failing import Failed
from cli.importing.carried import Carried
from cli.importing.uptime_kuma import from_uptime_kuma

MARKER = "marker-55aa-secret"

NOTIFICATIONS: list[dict[str, Any]] = [
    {"id": 1, "name": "Mail to ops", "active": 1, "config": {"type": "smtp", "smtpTo": "a@example.com, b@example.com"}},
    {
        "id": 2,
        "name": "ntfy",
        "active": 0,
        "config": {
            "type": "ntfy",
            "ntfyserverurl": "https://ntfy.example.com",
            "ntfytopic": "mail",
            "ntfyAuthenticationMethod": "accessToken",
            "ntfyaccesstoken": MARKER,
            "ntfyusername": "old",
        },
    },
    {"id": 3, "name": "SMS", "active": 1, "config": {"type": "clicksendsms"}},
    {"id": 4, "name": "Unused", "active": 1, "config": {"type": "slack", "slackwebhookURL": MARKER}},
]
MONITORS: list[dict[str, Any]] = [
    {"id": 1, "name": "Mail", "type": "group", "interval": 60, "active": 1},
    {
        **{"id": 2, "name": "IMAPS", "type": "port", "hostname": "mail.example.com", "port": 993, "interval": 45},
        **{"active": 1, "parent": 1, "maxretries": 2, "timeout": 48},
    },
    {"id": 3, "name": "POP3", "type": "port", "hostname": "mail.example.com", "port": 110, "interval": 60, "active": 0},
    {"id": 4, "name": "SMTP", "type": "port", "hostname": "mail.example.com", "port": 25, "interval": 60, "active": 1},
    {"id": 5, "name": "Web", "type": "http", "url": "https://example.com", "interval": 60, "active": 1},
    {
        **{"id": 6, "name": "Closed", "type": "port", "hostname": "mail.example.com", "port": 143, "interval": 60},
        **{"active": 1, "upside_down": 1},
    },
]
USED = {2: [1, 2], 3: [1, 3]}


def backup(path: Path) -> Path:
    monitors = [
        {
            **{key: value for key, value in each.items() if key != "upside_down"},
            "upsideDown": bool(each.get("upside_down")),
            "notificationIDList": {str(number): True for number in USED.get(each["id"], ())},
            "tags": [{"tag_id": 1, "name": "production", "color": "#059669", "value": ""}] if each["id"] == 2 else [],
        }
        for each in MONITORS
    ]
    notifications = [{**each, "config": json.dumps(each["config"])} for each in NOTIFICATIONS]
    path.write_text(json.dumps({"version": "1.23.13", "notificationList": notifications, "monitorList": monitors}))
    return path


def database(path: Path) -> Path:
    with closing(sqlite3.connect(path)) as made, made:
        made.executescript(
            """CREATE TABLE monitor (id INTEGER PRIMARY KEY, name TEXT, type TEXT, hostname TEXT, port INTEGER,
                   url TEXT,
                   interval INTEGER, active BOOLEAN, parent INTEGER, upside_down BOOLEAN DEFAULT 0, maxretries INTEGER,
                   timeout DOUBLE, ignore_tls BOOLEAN DEFAULT 0);
               CREATE TABLE notification (id INTEGER PRIMARY KEY, name TEXT, active BOOLEAN, is_default BOOLEAN,
                   config TEXT);
               CREATE TABLE monitor_notification (id INTEGER PRIMARY KEY, monitor_id INTEGER, notification_id INTEGER);
               CREATE TABLE tag (id INTEGER PRIMARY KEY, name TEXT, color TEXT);
               CREATE TABLE monitor_tag (id INTEGER PRIMARY KEY, monitor_id INTEGER, tag_id INTEGER, value TEXT);
               CREATE TABLE maintenance (id INTEGER PRIMARY KEY, title TEXT, active BOOLEAN);
               INSERT INTO tag VALUES (1, 'production', '#059669');
               INSERT INTO monitor_tag VALUES (1, 2, 1, '');
               INSERT INTO maintenance VALUES (1, 'Patches', 1);"""
        )
        for each in MONITORS:
            columns = ", ".join(each)
            made.execute(f"INSERT INTO monitor ({columns}) VALUES ({', '.join('?' * len(each))})", [*each.values()])
        for each in NOTIFICATIONS:
            values = (each["id"], each["name"], each["active"], json.dumps(each["config"]))
            made.execute("INSERT INTO notification (id, name, active, config) VALUES (?, ?, ?, ?)", values)
        pairs = [(monitor, number) for monitor, numbers in USED.items() for number in numbers]
        made.executemany("INSERT INTO monitor_notification (monitor_id, notification_id) VALUES (?, ?)", pairs)
    return path


@pytest.fixture(params=["backup", "database"])
def carried(request: pytest.FixtureRequest, tmp_path: Path) -> Carried:
    made = backup(tmp_path / "backup.json") if request.param == "backup" else database(tmp_path / "kuma.db")
    return from_uptime_kuma(made)


def test_mail_ports_become_monitors_and_notifications_channels(carried: Carried, tmp_path: Path) -> None:
    assert carried.monitors == [
        {
            **{"key": "monitor-2", "name": "IMAPS", "hostname": "mail.example.com", "port": 993, "protocol": "imap"},
            **{"security": "tls", "checkInterval": 1, "timeoutSeconds": 48, "tags": ["production", "Mail"]},
        },
        {
            **{"key": "monitor-3", "name": "POP3", "hostname": "mail.example.com", "port": 110, "protocol": "pop3"},
            **{"security": "none", "checkInterval": 5, "status": "disabled"},
        },
    ]
    mail, ntfy = carried.channels
    assert mail["config"] == {"recipients": ["a@example.com", "b@example.com"]}
    token = {"env": "NTFY_NTFYACCESSTOKEN"}
    assert ntfy["config"] == {"url": "https://ntfy.example.com", "topic": "mail", "token": token}
    assert (ntfy["isActive"], carried.secrets) == (False, {"NTFY_NTFYACCESSTOKEN": MARKER})
    printed = tmp_path / "mail.yaml"
    printed.write_text(write_yaml(carried.document()))
    assert MARKER not in printed.read_text()
    assert len(desired(read_configuration([printed]))[Kind.MONITOR]) == 2


def test_what_is_left_behind_is_said(carried: Carried) -> None:
    notes = "\n".join(carried.all_notes())
    for words in (
        "POP3: checked every 5 minutes, less often than before",
        "Closed: left out, as it is upside down",
        "the notification SMS: left out, as there is no channel of type clicksendsms",
        "the notification Unused: left out, as no monitor that was carried over uses it",
        "the channel ntfy is told of everything; before, of 1 of 2 monitors",
        "port 25 (1)",
        "http (1)",
    ):
        assert words in notes, words


def test_windows_of_the_database_are_said_to_be_left_out(tmp_path: Path) -> None:
    assert "1 maintenance windows are left out" in "\n".join(from_uptime_kuma(database(tmp_path / "kuma.db")).notes)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"monitorList": [{}]}', b"[" * 100_000, b"SQLite format 3\x00nothing"]
)
def test_anything_else_is_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "something"
    path.write_bytes(content)
    with pytest.raises(Failed, match="Uptime Kuma"):
        from_uptime_kuma(path)
