"""The table `incident_states`. Whoever writes holds the monitor's lock (`monitor_store`)."""

from collections.abc import Mapping, Sequence

import structlog

from services.result_recorder.incidents.engine import settles_at
from services.result_recorder.incidents.state import State, state_as_json, state_from_json
from shared.database.pool import Connection

_log = structlog.get_logger()

_READ = "SELECT monitor_id, state FROM incident_states WHERE monitor_id = ANY($1::bigint[])"

_WRITE = """
INSERT INTO incident_states (monitor_id, organization_id, state, settles_at, follow_up_at)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::jsonb[], $4::bigint[], $5::bigint[])
ON CONFLICT (monitor_id) DO UPDATE
SET state = excluded.state, settles_at = excluded.settles_at, follow_up_at = excluded.follow_up_at"""

_FORGET = "DELETE FROM incident_states WHERE monitor_id = ANY($1::bigint[])"

# A follow-up is over when nothing of its kind waits or is under way any more, and no result came of it.
_OVER = """
s.follow_up_at <= $1::bigint AND NOT EXISTS (
    SELECT FROM check_requests q
    WHERE q.monitor_id = s.monitor_id AND q.kind = 'follow_up' AND q.state <> 'finished')"""

_DUE = f"""
SELECT s.monitor_id FROM incident_states s
WHERE s.settles_at <= $1::bigint OR ({_OVER})
ORDER BY s.monitor_id LIMIT $2"""  # noqa: S608 - made of constants

_FOLLOW_UPS_OVER = f"""
SELECT s.monitor_id FROM incident_states s WHERE s.monitor_id = ANY($2::bigint[]) AND {_OVER}"""  # noqa: S608

_DISABLED = """
SELECT s.monitor_id FROM incident_states s JOIN monitors m ON m.id = s.monitor_id
WHERE m.status = 'disabled' ORDER BY s.monitor_id LIMIT $1"""


async def read_states(connection: Connection, monitor_ids: Sequence[int]) -> dict[int, State]:
    """What is remembered of these monitors; nothing of most. What cannot be read is forgotten."""
    found: dict[int, State | None] = {}
    for row in await connection.fetch(_READ, monitor_ids):
        found[row["monitor_id"]] = state_from_json(row["state"])
    if unreadable := sorted(monitor_id for monitor_id, state in found.items() if state is None):
        _log.error("incident_states_unreadable", monitor_ids=unreadable)
        await connection.execute(_FORGET, unreadable)
    return {monitor_id: state for monitor_id, state in found.items() if state is not None}


async def write_states(connection: Connection, states: Mapping[int, tuple[int, State | None]]) -> None:
    """Keep, or forget, what is to be remembered: by monitor its organization and its state."""
    kept = [(monitor_id, org, state) for monitor_id, (org, state) in sorted(states.items()) if state is not None]
    if kept:
        await connection.execute(
            _WRITE,
            [monitor_id for monitor_id, _, _ in kept],
            [org for _, org, _ in kept],
            [state_as_json(state) for _, _, state in kept],
            [settles_at(state) for _, _, state in kept],
            [state.pending.start_at if state.pending else None for _, _, state in kept],
        )
    if gone := sorted(monitor_id for monitor_id, (_, state) in states.items() if state is None):
        await connection.execute(_FORGET, gone)


async def due(connection: Connection, *, now_ms: int, most: int) -> list[int]:
    """Monitors that time alone does something to."""
    return [row["monitor_id"] for row in await connection.fetch(_DUE, now_ms, most)]


async def follow_ups_over(connection: Connection, monitor_ids: Sequence[int], *, now_ms: int) -> set[int]:
    """Those of these monitors whose follow-up ended without a result."""
    return {row["monitor_id"] for row in await connection.fetch(_FOLLOW_UPS_OVER, now_ms, monitor_ids)}


async def disabled(connection: Connection, *, most: int) -> list[int]:
    """Monitors something is remembered of that are not checked any more."""
    return [row["monitor_id"] for row in await connection.fetch(_DISABLED, most)]
