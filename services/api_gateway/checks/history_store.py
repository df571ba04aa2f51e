"""What became of a monitor's checks, as the recorder keeps it. Read only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.database.pool import Connection

# Newest first; the row before which a page begins is named whole, since several locations may share a slot.
_HISTORY = """
    SELECT r.check_id, r.slot_at, r.passed, r.message, r.warning, r.total_ms, r.detail, r.started_at, r.location_id,
        l.name AS location_name, l.code AS location_code
    FROM results r LEFT JOIN locations l ON l.id = r.location_id
    WHERE r.organization_id = $1 AND r.monitor_id = $2
        AND ($3::bigint IS NULL OR r.slot_at < $3 OR (r.slot_at = $3 AND r.check_id < $4))
        AND ($6::boolean IS NULL OR r.passed = $6)
    ORDER BY r.slot_at DESC, r.check_id DESC LIMIT $5"""


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One recorded check."""

    check_id: UUID
    slot_at: int
    passed: bool
    message: str
    warning: str | None
    total_ms: float
    detail: dict[str, Any]
    started_at: int
    location_id: int
    location_name: str | None
    location_code: str | None


async def check_history(
    connection: Connection,
    organization_id: int,
    monitor_id: int,
    *,
    limit: int,
    before: tuple[int, UUID] | None,
    passed: bool | None = None,
) -> Sequence[HistoryRow]:
    """Recorded checks of a monitor, newest first: all, or those that passed, or failed."""
    slot_at, check_id = before or (None, None)
    rows = await connection.fetch(_HISTORY, organization_id, monitor_id, slot_at, check_id, limit, passed)
    return [HistoryRow(**row) for row in rows]
