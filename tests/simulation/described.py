"""What the gateway would have written: monitors with their customer's rules, a channel; and how people change them."""

import uuid
from collections.abc import Callable
from typing import Any

from tests.simulation.memory_database import Database
from tests.simulation.story import Mailbox, Story
from tests.simulation.watch import CONFIRM_AFTER

ORGANIZATION = 1


def describe(database: Database, story: Story) -> None:
    """All there is before anything begins."""
    tables = database.tables
    tables["shard_leases"][0] = {"epoch": 0, "holder": None, "audited_until": database.clock_ms() - 60_000}
    for number, code in enumerate(story.locations):
        tables["locations"][number] = {"id": number, "code": code}
    tables["package_configs"][1] = {
        "alert_consecutive_checks": CONFIRM_AFTER,
        "alert_location_threshold_count": 1,
        "retry_interval_seconds": 15,
        "notification_delay_minutes": 0,
        "reminder_delay_minutes": 60,
        "alert_reminder_interval": 0,
        "enable_email_alerts": False,
    }
    tables["notification_channels"][1] = {
        "id": 1,
        "public_id": uuid.uuid4(),
        "organization_id": ORGANIZATION,
        "customer_id": None,
        "name": "all",
        "type": "webhook",
        "config": {"url": "https://receiver.example/"},
        "sealed_secrets": None,
        "delay_seconds": 0,
        "conditions": {},
        "failures": 0,
        "resting_until": None,
    }
    for box in story.mailboxes:
        tables["monitors"][box.number] = _monitor(story, box)


def _monitor(story: Story, box: Mailbox) -> dict[str, Any]:
    return {
        "id": box.number,
        "public_id": uuid.uuid4(),
        "organization_id": ORGANIZATION,
        "customer_id": 1,
        "name": f"mailbox {box.number}",
        "status": "active",
        "protocol": story.protocol,
        "interval_ms": box.interval_ms,
        "revision": 1,
        "hostname": box.host,
        "port": None,
        "timeout_seconds": 15,
        "config": {"protocol": story.protocol, "user": box.user, "tls": True},
        "sealed_password": "sealed",
        "credential_id": uuid.uuid4(),
    }


def change(database: Database, number: int, what: str, *, soon: Callable[..., Any]) -> None:
    """Edit, pause or delete a monitor or enter another password, and tell of it."""
    monitors = database.tables["monitors"]
    monitor = monitors.get(number)
    if monitor is None:
        return
    match what:
        case "delete":
            del monitors[number]
            for table in ("monitor_health", "incident_states"):
                database.tables[table].pop(number, None)
            health = database.tables["location_health"]
            for key in [key for key in health if key[0] == number]:
                del health[key]
        case "password":
            monitors[number] = {**monitor, "credential_id": uuid.uuid4(), "revision": monitor["revision"] + 1}
        case "pause":
            monitors[number] = {**monitor, "status": "disabled", "revision": monitor["revision"] + 1}
        case _:
            interval = 90_000 - monitor["interval_ms"] if monitor["interval_ms"] != 90_000 else 30_000
            monitors[number] = {**monitor, "interval_ms": interval, "revision": monitor["revision"] + 1}
    for session, callback in database.listeners["mailprobe_monitors"]:
        if not session.lost:
            soon(callback, session, 0, "mailprobe_monitors", str(number))
