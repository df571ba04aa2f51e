"""The tables the stream is made of: `events`, and `results` of watched monitors. Read only.

Every function acts within a transaction of one organization (row-level security), and names it in its SQL as well.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.api_gateway.checks.history_store import HistoryRow
from services.api_gateway.events.position import Position
from shared.database.pool import Connection

# Everything at or after a transaction that is not known yet, in the order it was written, with how far one has come
# by it. xmax and the time leave out what a restored database brought along: its transactions were numbered elsewhere.
_SINCE = """
    WITH seen AS MATERIALIZED (
        SELECT pg_snapshot_xmin(pg_current_snapshot()) AS oldest, pg_snapshot_xmax(pg_current_snapshot()) AS newest)
    SELECT seen.oldest::text::bigint AS oldest, clock_ms() AS now_ms, e.id, e.xid::text::bigint AS xid, e.customer_id,
           e.monitor_public_id, e.kind, e.payload
    FROM seen LEFT JOIN LATERAL (
        SELECT * FROM events e
        WHERE e.organization_id = $1 AND e.xid >= $2::text::xid8 AND e.xid < seen.newest AND e.id <> ALL($3::bigint[])
            AND e.at > $4::bigint - 3600000
        ORDER BY e.xid, e.id LIMIT $5) AS e ON true"""

# What others have been told already, for somebody who comes back.
_BETWEEN = """
    SELECT e.id, e.xid::text::bigint AS xid, e.customer_id, e.monitor_public_id, e.kind, e.payload FROM events e
    WHERE e.organization_id = $1 AND e.xid >= $2::text::xid8 AND (e.xid < $3::text::xid8 OR e.id = ANY($4::bigint[]))
        AND e.at > $5::bigint - 3600000
    ORDER BY e.xid, e.id LIMIT $6"""

_NOW = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS oldest, clock_ms() AS now_ms"

_RESULT = """
    SELECT m.public_id AS monitor_public_id, m.customer_id, r.check_id, r.slot_at, r.passed, r.message, r.warning,
        r.total_ms, r.detail, r.started_at, r.location_id, l.name AS location_name, l.code AS location_code
    FROM results r JOIN monitors m ON m.id = r.monitor_id LEFT JOIN locations l ON l.id = r.location_id"""
_THESE_RESULTS = f"""{_RESULT}
    JOIN unnest($2::uuid[], $3::bigint[]) AS wanted(check_id, slot_at)
        ON r.check_id = wanted.check_id AND r.slot_at = wanted.slot_at
    WHERE r.organization_id = $1 ORDER BY r.slot_at, r.check_id"""
# By the slot first, which an index and the partitions know: nothing is recorded so much later than it was due, but
# what waited for a database that was away.
_RESULTS_SINCE = f"""{_RESULT}
    WHERE r.organization_id = $1 AND r.monitor_id = ANY($2::bigint[])
        AND r.slot_at > $3::bigint - 3600000 AND r.recorded_at > $3 ORDER BY r.recorded_at, r.slot_at LIMIT $4"""

_WATCHED = """
    SELECT id, public_id FROM monitors
    WHERE organization_id = $1 AND public_id = ANY($2::uuid[]) AND ($3::bigint[] IS NULL OR customer_id = ANY($3))"""


@dataclass(frozen=True, slots=True)
class EventRow:
    """A row of `events`."""

    id: int
    xid: int
    customer_id: int
    monitor_public_id: UUID
    kind: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ResultRow:
    """A result and the monitor it is of."""

    monitor_public_id: UUID
    customer_id: int
    check: HistoryRow


async def position_now(connection: Connection) -> Position:
    """Where a stream begins that is to tell what happens from now on."""
    row = await connection.fetchrow(_NOW)
    return Position(row["oldest"], row["now_ms"])


async def events_since(
    connection: Connection, organization_id: int, since: Position, *, but: Collection[int], most: int
) -> tuple[list[EventRow], Position]:
    """Events that are not known yet, and the position by now; `but`: ids of those known already."""
    rows = await connection.fetch(_SINCE, organization_id, str(since.transaction), list(but), since.at_ms, most)
    return [_event(row) for row in rows if row["id"] is not None], Position(rows[0]["oldest"], rows[0]["now_ms"])


async def events_between(
    connection: Connection, organization_id: int, since: Position, until: Position, *, also: Collection[int], most: int
) -> list[EventRow]:
    """Events from one position to another; `also`: ids of those beyond it."""
    rows = await connection.fetch(
        _BETWEEN,
        organization_id,
        str(since.transaction),
        str(until.transaction),
        list(also),
        since.at_ms,
        most,
    )
    return [_event(row) for row in rows]


async def these_results(
    connection: Connection, organization_id: int, wanted: Sequence[tuple[UUID, int]]
) -> list[ResultRow]:
    """Results by (check_id, slot_at)."""
    checks, slots = [check for check, _ in wanted], [slot for _, slot in wanted]
    return [_result(row) for row in await connection.fetch(_THESE_RESULTS, organization_id, checks, slots)]


async def results_since(
    connection: Connection, organization_id: int, monitor_ids: Collection[int], *, since_ms: int, most: int
) -> list[ResultRow]:
    """What was recorded of these monitors after a moment."""
    rows = await connection.fetch(_RESULTS_SINCE, organization_id, list(monitor_ids), since_ms, most)
    return [_result(row) for row in rows]


async def watched_monitors(
    connection: Connection, organization_id: int, public_ids: Collection[UUID], *, customer_ids: Sequence[int] | None
) -> dict[UUID, int]:
    """The numbers of those of these monitors that are there, and in scope."""
    rows = await connection.fetch(_WATCHED, organization_id, list(public_ids), customer_ids)
    return {row["public_id"]: row["id"] for row in rows}


def _event(row: Any) -> EventRow:
    return EventRow(**{name: row[name] for name in EventRow.__slots__})


def _result(row: Any) -> ResultRow:
    return ResultRow(
        row["monitor_public_id"],
        row["customer_id"],
        HistoryRow(**{name: row[name] for name in HistoryRow.__slots__}),
    )
