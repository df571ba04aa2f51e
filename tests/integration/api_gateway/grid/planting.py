"""Rows of every tenant in every table that holds tenants' rows, each text of them saying whose it is.

Made from the catalogue, so that a table or column added later is planted as well; `VALUES` holds what may not be just
anything. What is neither a tenant's word nor named there ends the run.
"""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from tests.integration.api_gateway.grid.catalogue import Column
from tests.integration.api_gateway.grid.tenants import Tenant

NOW_MS = time.time_ns() // 1_000_000
_NOW = datetime.now(UTC)
_HOUR_MS = 3_600_000

# Of an organization, and of no customer of it.
SHARED_TABLES = frozenset({"organizations", "tags", "package_configs"})
# Of an organization where no customer is named, and then for all its customers to see.
SHARED_WITHOUT_CUSTOMER = frozenset({"maintenance_windows"})

# Columns that hold one of a few words, or what has to fit the rest of the row; by table and name, or by name alone.
VALUES: dict[str, Any] = {
    "protocol": "imap",
    "status": "active",
    "role": "user",
    "health": "down",
    "outcome": "auth_rejected",
    "phase": "auth",
    "layer": "login",
    "span": "hour",
    "time_zone": "UTC",
    "channel_type": "email",
    "color": "red",
    "allowed_check_country_codes": None,
    "recurrence_pattern": None,
    "alert_location_threshold": "majority",
    "state": "sent",
    "interval_ms": 60_000,
    "timeout_seconds": 30,
    "port": 993,
    "location_id": 0,
    "sent_at": NOW_MS,
    "ends_at": NOW_MS + _HOUR_MS,
    "check_requests.kind": "trigger",
    "check_requests.state": "published",
    "check_requests.waits_for": None,
    "results.kind": "scheduled",
    "missed.kind": "scheduled",
    "missed.reason": "no_worker",
    "missed.count": 1,
    "incidents.kind": "auth_rejected",
    "incidents.resolution": None,
    "incidents.locations": [0],
    "incident_events.kind": "note",
    "maintenance_targets.tag_id": None,
    "status_page_components.tag_id": None,
    "maintenance_windows.starts_at": _NOW,
    "maintenance_windows.ends_at": _NOW + timedelta(hours=1),
    "maintenance_windows.whole_customer": False,
    "notification_channels.type": "email",
    "notification_channels.conditions": {},
    "outbox.kind": "opened",
    "deliveries.event": "opened",
    "delivery_incidents.transition": "opened",
    "schedule_retired.reason": "outage",
    "users.global_role": None,
    "user_links.purpose": "reset",
    "events.kind": "monitor",
    "audit_log.actor_kind": "token",
    "audit_log.action": "changed",
    "audit_log.object_kind": "monitor",
    "kept_answers.status": 200,
}

# A row names others of its tenant by these, with or without a foreign key.
BY_NAME: Mapping[str, tuple[str, str]] = {
    "customer_id": ("customers", "id"),
    "monitor_id": ("monitors", "id"),
    "monitor_public_id": ("monitors", "public_id"),
    "incident_id": ("incidents", "id"),
    "group_id": ("incident_groups", "id"),
    "channel_id": ("notification_channels", "id"),
    "credential_id": ("monitors", "credential_id"),
    "first_check_id": ("results", "check_id"),
    "evidence_check_id": ("results", "check_id"),
    "user_id": ("users", "id"),
    "token_id": ("tokens", "id"),
}
# By which a row would lead to another one of its own table.
_LEFT_OUT = frozenset({"fallback_channel_id", "sent_with", "fallback_for"})


def _documents(word: str, tenant: Tenant) -> dict[str, Any]:
    """Values of a form of their own that hold the word all the same."""
    return {
        "monitors.config": {"protocol": "imap", "user": word, "mailbox": word, "note": word},
        "notification_channels.config": {"recipients": [f"{word}@example.com"]},
        "package_configs.kept": {"notes": word},
        "audit_log.changes": {"name": {"old": word, "new": word}},
        "users.customer_ids": [tenant.customer_id],
        "customers.package_type": f"{tenant.shared_word}-package_configs-package_type",
    }


def row_for(columns: list[Column], tenant: Tenant) -> dict[str, Any]:
    """A row of this table for this tenant: values by column, those the database fills left out."""
    table = columns[0].table
    word = tenant.word
    if table in SHARED_TABLES or (tenant.customer_id is None and table in SHARED_WITHOUT_CUSTOMER):
        word = tenant.shared_word
    documents = _documents(word, tenant)
    row: dict[str, Any] = {}
    for column in columns:
        if column.made or column.name in _LEFT_OUT:
            continue
        value = documents.get(f"{table}.{column.name}", _ABSENT)
        if value is _ABSENT:
            value = VALUES.get(f"{table}.{column.name}", VALUES.get(column.name, _ABSENT))
        if value is _ABSENT:
            value = _referred(column, tenant)
        if value is _ABSENT:
            value = _anything(column, word)
        if value is not _ABSENT:
            row[column.name] = value
    return row


_ABSENT: Any = object()


def _referred(column: Column, tenant: Tenant) -> Any:
    if column.name == "organization_id":
        return tenant.organization_id
    if column.name == "customer_id" and tenant.customer_id is not None:
        return tenant.customer_id
    target = column.refers_to
    if target is None or target[0] == column.table or target[0] not in tenant.rows:
        return _ABSENT
    return tenant.rows[target[0]][target[1]]


def _anything(column: Column, word: str) -> Any:
    text = f"{word}-{column.table}-{column.name}"
    make = _TEXTS.get(column.type)
    if make is not None:
        return make(text)
    if column.filled_by_itself or not column.required:
        return uuid4() if column.name == "credential_id" else _ABSENT
    return _OTHERS[column.type]()


_TEXTS: Mapping[str, Callable[[str], Any]] = {
    "text": lambda text: text,
    "text[]": lambda text: [text],
    "jsonb": lambda text: {"word": text},
    "bytea": lambda text: f"{text}-{uuid4()}".encode(),
}
_OTHERS: Mapping[str, Callable[[], Any]] = {
    "bigint": lambda: NOW_MS,
    "integer": lambda: 1,
    "smallint": lambda: 1,
    "real": lambda: 42.5,
    "double precision": lambda: 42.5,
    "boolean": lambda: False,
    "uuid": lambda: uuid4(),
    "timestamp with time zone": lambda: _NOW,
}


def unplanted(columns: list[Column], row: Mapping[str, Any], words: set[str]) -> list[str]:
    """Text columns of a planted row that hold neither a word of the tenant nor a value we know to be right."""
    return [
        f"{column.table}.{column.name}"
        for column in columns
        if column.holds_text
        and not column.made
        and f"{column.table}.{column.name}" not in VALUES
        and column.name not in VALUES
        and not any(word in str(row.get(column.name)) for word in words)
    ]
