"""Slots: when a monitor is due at a location, and what each due moment is called.

A slot is `phase + k · interval` in milliseconds since the epoch. Pure arithmetic; the clock is an argument.
"""

import hashlib
from uuid import NAMESPACE_URL, UUID, uuid5

_NAMESPACE = uuid5(NAMESPACE_URL, "urn:mailprobe:check")
_HASHED = hashlib.sha1(_NAMESPACE.bytes, usedforsecurity=False)

NOT_AFTER_CAP_MS = 60_000


def check_id(monitor_public_id: UUID, location: str, slot_at: int) -> UUID:
    """The identity of a scheduled check; the same job published twice has the same one."""
    # As `uuid5` does it, which hashes the namespace anew for each.
    hashed = _HASHED.copy()
    hashed.update(f"{monitor_public_id}/{location}/{slot_at}".encode())
    return UUID(bytes=hashed.digest()[:16], version=5)


def phase_ms(monitor_public_id: UUID, location_number: int, interval_ms: int) -> int:
    """Where in its interval a monitor is due at a location.

    A hash of the monitor spreads load evenly; the bit-reversed fraction of the location's permanent number (0, ½,
    ¼, ¾ …) makes locations take turns, and one that comes or goes moves nobody else.
    """
    digest = hashlib.blake2b(monitor_public_id.bytes, digest_size=8).digest()
    offset = int.from_bytes(digest, "big") % interval_ms
    return (offset + int(_bit_reversed_fraction(location_number) * interval_ms)) % interval_ms


def newest_slot(now_ms: int, phase: int, interval_ms: int) -> int:
    """The latest slot at or before now."""
    return now_ms - (now_ms - phase) % interval_ms


def not_after(start_at: int, interval_ms: int) -> int:
    """When a job that has not begun is stale."""
    return start_at + min(interval_ms, NOT_AFTER_CAP_MS)


def _bit_reversed_fraction(number: int) -> float:
    fraction, weight = 0.0, 0.5
    while number:
        fraction += weight * (number & 1)
        number >>= 1
        weight /= 2
    return fraction
