"""The table `results`: at most one row per check."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from services.result_recorder.rollups.rollup_store import note_late
from services.result_recorder.rows import ResultRow
from shared.database.pool import Connection

_COLUMNS = {
    "check_id": "uuid",
    "slot_at": "bigint",
    "organization_id": "bigint",
    "monitor_id": "bigint",
    "location_id": "int",
    "kind": "text",
    "revision": "bigint",
    "outcome": "text",
    "phase": "text",
    "passed": "boolean",
    "withheld": "boolean",
    "start_at": "bigint",
    "started_at": "bigint",
    "total_ms": "real",
    "message": "text",
    "warning": "text",
    "detail": "jsonb",
}

# A document comes as it was written.
_GIVEN_AS = {"jsonb": "text"}

# `recorded_at` is looked up once for all of them.
_ROWS = f"""
INSERT INTO results ({", ".join(_COLUMNS)}, recorded_at)
SELECT {", ".join(f"u.{name}::{kind}" for name, kind in _COLUMNS.items())}, (SELECT clock_ms())
FROM unnest({", ".join(f"${n}::{_GIVEN_AS.get(kind, kind)}[]" for n, kind in enumerate(_COLUMNS.values(), 1))})
     AS u({", ".join(_COLUMNS)})"""  # noqa: S608 - made of the constants above

# Answers with the rows that were not there yet; only those count.
_INSERT = f"{_ROWS} ON CONFLICT (check_id, slot_at) DO NOTHING RETURNING check_id, slot_at, recorded_at"

# Cheaper by a tenth, where none of them is there, as is usual: else it is refused as a whole.
_INSERT_NEW = f"WITH new AS ({_ROWS} RETURNING recorded_at) SELECT max(recorded_at) FROM new"  # noqa: S608
_BEFORE = "SAVEPOINT before_results"
_BACK = "ROLLBACK TO SAVEPOINT before_results"
WORTH_A_TRY = 20

# The findings of a location from its last pass before a moment on, that pass included. Where it never passed, a day.
_SINCE_LAST_PASS = """
SELECT wanted.monitor_id, wanted.location_id, r.check_id, r.slot_at, r.started_at, r.outcome, r.phase, r.message,
       r.withheld, r.detail
FROM unnest($1::bigint[], $2::int[], $3::bigint[], $4::bigint[])
     AS wanted(monitor_id, location_id, revision, first_late)
CROSS JOIN LATERAL (
    SELECT coalesce((
        SELECT p.slot_at FROM results p
        WHERE p.monitor_id = wanted.monitor_id AND p.location_id = wanted.location_id
          AND p.revision = wanted.revision AND p.passed
          AND p.slot_at < wanted.first_late AND p.slot_at >= wanted.first_late - 604800000
        ORDER BY p.slot_at DESC LIMIT 1), wanted.first_late - 86400000) AS slot_at
) AS beginning
JOIN results r ON r.monitor_id = wanted.monitor_id AND r.location_id = wanted.location_id
    AND r.revision = wanted.revision AND r.slot_at >= beginning.slot_at AND r.slot_at <= $5"""


@dataclass(frozen=True, slots=True)
class LateAt:
    """A location whose findings have to be gone through again from before `first_late`."""

    monitor_id: int
    location_id: int
    revision: int
    first_late: int


# A test leaves no result for the scheduler to find: it is finished here, and with it go its password and its grant.
_FINISH_TESTS = """
UPDATE check_requests SET state = 'finished', target = NULL WHERE check_id = ANY ($1::uuid[]) AND kind = 'test'"""


async def insert_results(connection: Connection, rows: Sequence[ResultRow]) -> tuple[int, set[tuple[UUID, int]]]:
    """Insert what is not there yet; when that was recorded, and the (check_id, slot_at) of what was there before."""
    columns = list(zip(*rows, strict=True))
    recorded_at = await _insert_all(connection, columns) if len(rows) >= WORTH_A_TRY else None
    known: set[tuple[UUID, int]] = set()
    if recorded_at is None:
        new = await connection.fetch(_INSERT, *columns)
        recorded_at = new[0]["recorded_at"] if new else 0
        if len(new) < len(rows):
            known = {(row.check_id, row.slot_at) for row in rows} - {(row["check_id"], row["slot_at"]) for row in new}
            rows = [row for row in rows if (row.check_id, row.slot_at) not in known]
    await note_late(connection, ((row.monitor_id, row.slot_at, recorded_at) for row in rows))
    return recorded_at, known


async def _insert_all(connection: Connection, columns: Sequence[Sequence[Any]]) -> int | None:
    """Insert all of them; when that was. None, and nothing inserted, where one is there already."""
    await connection.execute(_BEFORE)
    try:
        recorded_at: int = await connection.fetchval(_INSERT_NEW, *columns)
    except asyncpg.UniqueViolationError:
        await connection.execute(_BACK)
        return None
    return recorded_at


async def findings_since_last_pass(
    connection: Connection, late: Sequence[LateAt], *, until: int
) -> dict[tuple[int, int], list[Mapping[str, Any]]]:
    """Rows of `results` for `rows.finding_of_row`, by (monitor, location); none of slots later than `until`."""
    found: dict[tuple[int, int], list[Mapping[str, Any]]] = {}
    rows = await connection.fetch(
        _SINCE_LAST_PASS,
        [at.monitor_id for at in late],
        [at.location_id for at in late],
        [at.revision for at in late],
        [at.first_late for at in late],
        until,
    )
    for row in rows:
        found.setdefault((row["monitor_id"], row["location_id"]), []).append(row)
    return found


async def finish_tests(connection: Connection, check_ids: Sequence[UUID]) -> None:
    """These tests were answered."""
    if check_ids:
        await connection.execute(_FINISH_TESTS, check_ids)
