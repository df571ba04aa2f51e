"""Rows as the scheduler's claims and requests give them, and checks made of them, for tests that need no database."""

from typing import Any
from uuid import UUID

from services.scheduler.candidates import request_check, slot_check
from services.scheduler.known_targets import KnownTargets
from services.scheduler.plan import Check, Queue

HERE = Queue(location_id=3, location="here", protocol="imap")
MONITOR = UUID(int=7)
CREDENTIAL = UUID(int=9)
INTERVAL = 60_000
SLOT = 1_700_000_000_000 - 1_700_000_000_000 % INTERVAL

_OF_MONITOR = {
    "monitor_id": 5,
    "organization_id": 2,
    "monitor_public_id": MONITOR,
    "revision": 4,
    "interval_ms": INTERVAL,
    "hostname": "Mail.Example",
    "port": None,
    "timeout_seconds": 15,
    "config": {"protocol": "imap", "user": "anna", "tls": True},
    "sealed_password": "sealed",
    "credential_id": CREDENTIAL,
    "proven": True,
    "ever_accepted": True,
}


def claimed(**changes: Any) -> dict[str, Any]:
    """A row of the schedule just claimed."""
    return {**_OF_MONITOR, "location_id": 3, "slot": SLOT, "was": SLOT - INTERVAL, **changes}


def asked(**changes: Any) -> dict[str, Any]:
    """A row of check_requests."""
    return {
        **_OF_MONITOR,
        "check_id": UUID(int=11),
        "kind": "trigger",
        "location": "here",
        "location_id": 3,
        "protocol": "imap",
        "slot_at": SLOT,
        "start_at": SLOT + 1,
        "give_up_at": SLOT + 2,
        "stands": True,
        "target": None,
        "known_credential_id": UUID(int=10),
        "published_revision": 3,
        "waits_for": None,
        "reply_to": None,
        **changes,
    }


def check(**changes: Any) -> Check:
    """The check of a claimed row."""
    made = slot_check(claimed(**changes), HERE, KnownTargets())
    assert made is not None
    return made


def waited(**changes: Any) -> Check:
    """One that was asked for."""
    return request_check(asked(**changes))[0]
