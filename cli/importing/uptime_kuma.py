"""Uptime Kuma's TCP monitors of mail ports, as monitors; its notifications, as channels.

Read from a backup (JSON, which versions 1 wrote) or its database (`kuma.db`, SQLite, of versions 1 and 2). It has no
IMAP or POP3 itself, so only whether a port answers was checked: here the greeting and the certificate are, too.
"""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from cli.failing import Failed
from cli.importing.carried import Carried, interval_minutes

_MOST_BYTES = 256 * 1024 * 1024
_SQLITE = b"SQLite format 3\x00"
_PORTS: Mapping[int, tuple[str, str]] = {
    143: ("imap", "none"),
    993: ("imap", "tls"),
    110: ("pop3", "none"),
    995: ("pop3", "tls"),
}

# By its type of notification: our type, and which of its fields become which of ours; a star marks a secret.
_CHANNELS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "slack": ("slack", {"slackwebhookURL": "*secret"}),
    "discord": ("discord", {"discordWebhookUrl": "*secret"}),
    "teams": ("teams", {"webhookUrl": "*secret"}),
    "webhook": ("webhook", {"webhookURL": "url"}),
    "telegram": ("telegram", {"telegramBotToken": "*botToken", "telegramChatID": "chatId"}),
    "ntfy": (
        "ntfy",
        {
            "ntfyserverurl": "url",
            "ntfytopic": "topic",
            "ntfyaccesstoken": "*token",
            "ntfyusername": "username",
            "ntfypassword": "*password",
        },
    ),
    "gotify": ("gotify", {"gotifyserverurl": "url", "gotifyapplicationToken": "*appToken"}),
    "pushover": ("pushover", {"pushoverapptoken": "*apiToken", "pushoveruserkey": "*userKey"}),
    "PagerDuty": ("pagerduty", {"pagerdutyIntegrationKey": "*routingKey"}),
    "Opsgenie": ("opsgenie", {"opsgenieApiKey": "*apiKey", "opsgenieRegion": "region"}),
    "matrix": ("matrix", {"homeserverUrl": "url", "internalRoomId": "roomId", "accessToken": "*accessToken"}),
}


def from_uptime_kuma(path: Path) -> Carried:
    """Everything that can be carried over; raises Failed."""
    try:
        with path.open("rb") as opened:
            content = opened.read(_MOST_BYTES)
    except OSError as error:
        raise Failed(f"{path} cannot be read: {error.strerror}") from None
    carried = Carried(manager="uptime-kuma")
    monitors, notifications = _of_database(path, carried) if content.startswith(_SQLITE) else _of_backup(content, path)
    names = {each["id"]: str(each["name"]) for each in monitors if each.get("type") == "group"}
    used: dict[int, int] = {}
    for monitor in monitors:
        if monitor.get("type") == "group" or not _carry(carried, monitor, names):
            continue
        for number in monitor["notifications"]:
            used[number] = used.get(number, 0) + 1
    for each in notifications:
        _carry_notification(carried, each, used.get(each["id"], 0))
    return carried


def _of_backup(content: bytes, path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    try:
        backup = json.loads(content)
        monitors = [
            {
                **each,
                "id": int(each["id"]),
                "notifications": [int(number) for number, on in (each.get("notificationIDList") or {}).items() if on],
                "tags": [tag["name"] for tag in each.get("tags") or ()],
            }
            for each in backup["monitorList"]
        ]
        notifications = [
            {**each, "config": json.loads(each["config"]) if isinstance(each.get("config"), str) else each}
            for each in backup.get("notificationList") or ()
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Failed(f"{path} is neither a backup of Uptime Kuma nor its database kuma.db") from None
    return monitors, notifications


def _of_database(path: Path, carried: Carried) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            database.row_factory = sqlite3.Row
            monitors = [dict(row) for row in database.execute("SELECT * FROM monitor ORDER BY id")]
            told = database.execute(
                "SELECT monitor_id, notification_id FROM monitor_notification ORDER BY id"
            ).fetchall()
            tags = database.execute(
                "SELECT t.monitor_id, g.name FROM monitor_tag t JOIN tag g ON g.id = t.tag_id ORDER BY t.id"
            ).fetchall()
            notifications = [dict(row) for row in database.execute("SELECT * FROM notification ORDER BY id")]
            windows = database.execute("SELECT count(*) FROM maintenance WHERE active").fetchone()[0]
        for each in notifications:
            each["config"] = json.loads(each["config"] or "{}")
    except (sqlite3.Error, ValueError) as error:
        raise Failed(f"{path} cannot be read as the database of Uptime Kuma: {error}") from None
    for monitor in monitors:
        monitor["notifications"] = [row["notification_id"] for row in told if row["monitor_id"] == monitor["id"]]
        monitor["tags"] = [row["name"] for row in tags if row["monitor_id"] == monitor["id"]]
    if windows:
        carried.notes.append(f"{windows} maintenance windows are left out; plan them by `mailprobe maintenance add`")
    return monitors, notifications


def _carry(carried: Carried, monitor: Mapping[str, Any], groups: Mapping[int, str]) -> bool:
    name, port = str(monitor.get("name") or "?"), int(monitor.get("port") or 0)
    if monitor.get("type") != "port" or port not in _PORTS or not monitor.get("hostname"):
        what = f"{monitor.get('type')} {port}" if monitor.get("type") == "port" else str(monitor.get("type"))
        carried.passed_over[what] += 1
        return False
    upside_down = _either(monitor, "upsideDown", "upside_down")
    if upside_down:
        carried.notes.append(f"{name}: left out, as it is upside down, well while nothing answers")
        return False
    protocol, security = _PORTS[port]
    seconds = float(monitor.get("interval") or 60)
    minutes = interval_minutes(seconds, pop3=protocol == "pop3")
    if minutes * 60 > seconds:
        carried.notes.append(f"{name}: checked every {minutes:g} minutes, less often than before")
    carried.notes.append("no user is known, so checks end after the greeting and capabilities; add user and password")
    told: dict[str, Any] = {
        "key": f"monitor-{monitor['id']}",
        "name": name[:255],
        "hostname": str(monitor["hostname"]).strip(),
        "port": port,
        "protocol": protocol,
        "security": security,
        "checkInterval": minutes,
    }
    if not monitor.get("active", True):
        told["status"] = "disabled"
    if _either(monitor, "ignoreTls", "ignore_tls"):
        told["verifyCertificate"] = False
    timeout = monitor.get("timeout")
    if timeout:
        told["timeoutSeconds"] = int(min(max(float(timeout), 1), 60, minutes * 60))
    parent = int(monitor.get("parent") or 0)
    tags = [*monitor["tags"], *([groups[parent]] if parent in groups else [])]
    if tags:
        told["tags"] = [str(tag)[:50] for tag in dict.fromkeys(tags)]
    if monitor.get("maxretries"):
        carried.notes.append("retries are not carried over: packages say how many failures make an incident")
    carried.monitors.append(told)
    return True


def _either(monitor: Mapping[str, Any], of_backup: str, of_database: str) -> bool:
    return bool(monitor.get(of_backup) or monitor.get(of_database))


def _carry_notification(carried: Carried, notification: Mapping[str, Any], used: int) -> None:
    config = notification["config"]
    kind, name = str(config.get("type")), str(notification.get("name") or config.get("name") or "?")
    if not used:
        carried.notes.append(f"the notification {name}: left out, as no monitor that was carried over uses it")
        return
    channel: dict[str, Any] = {"key": f"notification-{notification['id']}", "name": name[:255]}
    if kind == "smtp":
        mailboxes = [part for field in ("smtpTo", "smtpCC", "smtpBCC") for part in _addresses(config.get(field))]
        if not mailboxes:
            carried.notes.append(f"the notification {name}: left out, as it has no recipient")
            return
        channel |= {"type": "email", "config": {"recipients": list(dict.fromkeys(mailboxes))}}
        carried.notes.append("the mail server to send by is set as MAILPROBE_SMTP_URL, not by channel")
    elif kind in _CHANNELS:
        our_type, fields = _CHANNELS[kind]
        told = {}
        for theirs, ours in fields.items():
            value = config.get(theirs)
            if value not in (None, ""):
                secret = ours.startswith("*")
                told[ours.removeprefix("*")] = carried.secret(f"{name}_{theirs}", str(value)) if secret else value
        channel |= {"type": our_type, "config": told}
        _of_type(carried, name, kind, config, told)
    else:
        carried.notes.append(f"the notification {name}: left out, as there is no channel of type {kind}")
        return
    if not notification.get("active", True):
        channel["isActive"] = False
    carried.channels.append(channel)
    if used < len(carried.monitors):
        said = f"the channel {name} is told of everything; before, of {used} of {len(carried.monitors)} monitors"
        carried.notes.append(said)


def _of_type(carried: Carried, name: str, kind: str, config: Mapping[str, Any], told: dict[str, Any]) -> None:
    """What is particular to one type."""
    if kind == "webhook":
        carried.notes.append(f"the channel {name}: what it sends is our own JSON, not Uptime Kuma's")
        try:
            headers = json.loads(config.get("webhookAdditionalHeaders") or "{}")
            if headers:
                told["headers"] = {str(key): carried.secret(f"{name}_{key}", str(headers[key])) for key in headers}
        except (ValueError, TypeError):
            carried.notes.append(f"the channel {name}: its additional headers cannot be read")
    if kind == "PagerDuty" and ".eu." in str(config.get("pagerdutyIntegrationUrl")):
        told["region"] = "eu"
    if kind == "ntfy":
        method = config.get("ntfyAuthenticationMethod")
        for field, needed in (
            ("token", "accessToken"),
            ("username", "usernamePassword"),
            ("password", "usernamePassword"),
        ):
            if method is not None and method != needed:
                told.pop(field, None)
    if kind == "telegram":
        told["chatId"] = str(told.get("chatId", ""))


def _addresses(text: Any) -> list[str]:
    return [part.strip() for part in str(text or "").replace(";", ",").split(",") if part.strip()]
