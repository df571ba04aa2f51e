"""The table `maintenance_occurrences` as time goes on. The windows themselves are the gateway's to describe."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.database.pool import Connection

# The gateway takes it shared with every change of a window: what is worked out here is not of a window that a
# change, not yet to be seen, does away with.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('mailprobe.maintenance'))"

_WINDOWS = """
SELECT id, organization_id, (extract(epoch FROM starts_at) * 1000)::bigint AS starts_ms,
    (extract(epoch FROM ends_at) * 1000)::bigint AS ends_ms, time_zone, recurrence_pattern
FROM maintenance_windows
WHERE id > $1 AND deleted_at IS NULL AND is_active
  AND (recurrence_pattern IS NOT NULL OR ends_at > to_timestamp($2::bigint / 1000.0))
ORDER BY id LIMIT $3"""

# One that is open already is known, though maybe under another beginning: that of when it was planned.
_INSERT = """
INSERT INTO maintenance_occurrences (organization_id, window_id, starts_at, ends_at)
SELECT u.organization_id, u.window_id, u.starts_at, u.ends_at
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS u(organization_id, window_id, starts_at, ends_at)
WHERE u.starts_at > $5
   OR NOT EXISTS (SELECT FROM maintenance_occurrences o
                  WHERE o.window_id = u.window_id AND o.starts_at <= $5 AND o.ends_at > $5)
ON CONFLICT (window_id, starts_at) DO NOTHING
RETURNING window_id"""


@dataclass(frozen=True, slots=True)
class PlannedWindow:
    """A window that has not been called off, as it is stored."""

    id: int
    organization_id: int
    starts_ms: int
    ends_ms: int
    time_zone: str
    recurrence_pattern: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Opening:
    """One time that a window is open."""

    organization_id: int
    window_id: int
    starts_at: int
    ends_at: int


async def lock_windows(connection: Connection) -> None:
    """Until the transaction ends no window changes."""
    await connection.execute(_LOCK)


async def planned_windows(connection: Connection, *, after_id: int, now_ms: int, most: int) -> list[PlannedWindow]:
    """The next windows, by number, that may still be open some time."""
    return [PlannedWindow(**row) for row in await connection.fetch(_WINDOWS, after_id, now_ms, most)]


async def keep_openings(connection: Connection, openings: Sequence[Opening], *, now_ms: int) -> int:
    """Keep those that were not known; how many."""
    rows = await connection.fetch(
        _INSERT,
        [each.organization_id for each in openings],
        [each.window_id for each in openings],
        [each.starts_at for each in openings],
        [each.ends_at for each in openings],
        now_ms,
    )
    return len(rows)
