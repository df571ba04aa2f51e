"""The tables `location_health` and `monitor_health`. Whoever writes holds the monitor's lock (`monitor_store`)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from services.result_recorder.health import LocationState, Refusal
from shared.checks.vocabulary import Health
from shared.database.pool import Connection

# Rows for monitors and locations that were never heard of, so that they can be locked and updated like all others.
_MAKE_MONITORS = """
INSERT INTO monitor_health (monitor_id, organization_id, health, since, last_checked_at)
SELECT monitor_id, organization_id, 'unknown', slot_at, started_at
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])
     AS new(monitor_id, organization_id, slot_at, started_at)
ON CONFLICT (monitor_id) DO NOTHING"""

_MAKE_LOCATIONS = """
INSERT INTO location_health (monitor_id, location_id, organization_id, health, since, last_slot, outcome, phase,
                             message)
SELECT monitor_id, location_id, organization_id, 'unknown', 0, 0, '', '', ''
FROM unnest($1::bigint[], $2::int[], $3::bigint[]) AS new(monitor_id, location_id, organization_id)
ON CONFLICT (monitor_id, location_id) DO NOTHING"""

_READ_MONITORS = """
SELECT monitor_id, health, since, last_checked_at, last_counted_at, outcome, phase, message, location_id, total_ms,
       first_passed_at
FROM monitor_health WHERE monitor_id = ANY($1::bigint[])"""

_READ_LOCATIONS = """
SELECT monitor_id, location_id, health, since, last_slot, failures, outcome, phase, message, last_refusal
FROM location_health WHERE monitor_id = ANY($1::bigint[])"""

_WRITE_LOCATIONS = """
UPDATE location_health h
SET health = u.health, since = u.since, last_slot = u.last_slot, failures = u.failures, outcome = u.outcome,
    phase = u.phase, message = u.message, last_refusal = u.last_refusal
FROM unnest($1::bigint[], $2::int[], $3::text[], $4::bigint[], $5::bigint[], $6::int[], $7::text[], $8::text[],
            $9::text[], $10::jsonb[])
     AS u(monitor_id, location_id, health, since, last_slot, failures, outcome, phase, message, last_refusal)
WHERE h.monitor_id = u.monitor_id AND h.location_id = u.location_id"""

_WRITE_MONITORS = """
UPDATE monitor_health h
SET health = u.health, since = u.since, last_checked_at = u.last_checked_at, last_counted_at = u.last_counted_at,
    outcome = u.outcome, phase = u.phase, message = u.message, location_id = u.location_id, total_ms = u.total_ms,
    first_passed_at = u.first_passed_at
FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[],
            $9::int[], $10::real[], $11::bigint[])
     AS u(monitor_id, health, since, last_checked_at, last_counted_at, outcome, phase, message, location_id, total_ms,
          first_passed_at)
WHERE h.monitor_id = u.monitor_id"""

# The same where nothing is believed but what was believed before: most checks find what the one before them found.
_LOCATIONS_HEARD = """
UPDATE location_health h SET last_slot = u.last_slot
FROM unnest($1::bigint[], $2::int[], $3::bigint[]) AS u(monitor_id, location_id, last_slot)
WHERE h.monitor_id = u.monitor_id AND h.location_id = u.location_id"""

_MONITORS_CHECKED = """
UPDATE monitor_health h
SET last_checked_at = u.last_checked_at, last_counted_at = u.last_counted_at, total_ms = u.total_ms,
    first_passed_at = u.first_passed_at
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::real[], $5::bigint[])
     AS u(monitor_id, last_checked_at, last_counted_at, total_ms, first_passed_at)
WHERE h.monitor_id = u.monitor_id"""

# Locations that are to check a monitor and could, and have no row yet.
_UNHEARD = """
SELECT s.monitor_id, count(*) AS locations
FROM schedule s
WHERE s.monitor_id = ANY($1::bigint[]) AND s.active
  AND (s.location_id, s.protocol) IN (
      SELECT w.location_id, w.protocol FROM location_workers w WHERE w.last_seen_at >= silent_before())
  AND NOT EXISTS (
      SELECT FROM location_health h WHERE h.monitor_id = s.monitor_id AND h.location_id = s.location_id)
GROUP BY s.monitor_id"""

# Monitors of which a location has told nothing for three intervals, or five minutes where that is longer. Locked in
# the order recorders lock; one that a recorder holds is looked at the next time.
_LOCK_SILENT = """
SELECT h.monitor_id
FROM monitor_health h
WHERE h.monitor_id IN (
    SELECT l.monitor_id
    FROM location_health l JOIN monitors m ON m.id = l.monitor_id
    WHERE l.health <> 'unknown' AND l.last_slot < $1::bigint - greatest(3 * m.interval_ms::bigint, 300000))
ORDER BY h.monitor_id LIMIT $2 FOR UPDATE OF h SKIP LOCKED"""

_FORGET_SILENT = """
UPDATE location_health l
SET health = 'unknown', since = $1::bigint
FROM monitors m
WHERE m.id = l.monitor_id AND l.monitor_id = ANY($2::bigint[])
  AND l.health <> 'unknown' AND l.last_slot < $1::bigint - greatest(3 * m.interval_ms::bigint, 300000)"""


# What was believed from then on is replaced: a result that came late tells of it anew.
_FORGET_CHANGES = """
DELETE FROM health_changes c USING unnest($1::bigint[], $2::bigint[]) AS u(monitor_id, since)
WHERE c.monitor_id = u.monitor_id AND c.since >= u.since"""

_WRITE_CHANGES = """
INSERT INTO health_changes (monitor_id, organization_id, since, health)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[])"""


@dataclass(frozen=True, slots=True)
class MonitorState:
    """A row of `monitor_health`."""

    monitor_id: int
    health: Health
    since: int
    last_checked_at: int
    last_counted_at: int | None
    outcome: str | None
    phase: str | None
    message: str | None
    location_id: int | None
    total_ms: float | None
    first_passed_at: int | None


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A current result whose monitor or location may not have a row yet."""

    monitor_id: int
    location_id: int
    organization_id: int
    slot_at: int
    started_at: int


async def make_rows(connection: Connection, newcomers: Sequence[Newcomer]) -> None:
    """See that every monitor and location of these has a row. One whose monitor goes meanwhile is refused."""
    monitors = {new.monitor_id: new for new in reversed(newcomers)}
    by_monitor = [monitors[monitor_id] for monitor_id in sorted(monitors)]
    await connection.execute(
        _MAKE_MONITORS,
        [new.monitor_id for new in by_monitor],
        [new.organization_id for new in by_monitor],
        [new.slot_at for new in by_monitor],
        [new.started_at for new in by_monitor],
    )
    locations = {(new.monitor_id, new.location_id): new for new in newcomers}
    by_location = [locations[key] for key in sorted(locations)]
    await connection.execute(
        _MAKE_LOCATIONS,
        [new.monitor_id for new in by_location],
        [new.location_id for new in by_location],
        [new.organization_id for new in by_location],
    )


async def read_states(
    connection: Connection, monitor_ids: Sequence[int]
) -> tuple[dict[int, MonitorState], dict[int, dict[int, LocationState]]]:
    """What is believed of these monitors, and of each at each of its locations."""
    monitors = {
        monitor_id: MonitorState(monitor_id, Health(health), *rest)
        for monitor_id, health, *rest in map(_values, await connection.fetch(_READ_MONITORS, monitor_ids))
    }
    locations: dict[int, dict[int, LocationState]] = {monitor_id: {} for monitor_id in monitors}
    for row in await connection.fetch(_READ_LOCATIONS, monitor_ids):
        locations.setdefault(row["monitor_id"], {})[row["location_id"]] = _state_of(row)
    return monitors, locations


async def write_states(
    connection: Connection, monitors: Sequence[MonitorState], locations: Sequence[tuple[int, int, LocationState]]
) -> None:
    """Write what has changed; locations as (monitor, location, state)."""
    if locations:
        states = [state for _, _, state in locations]
        await connection.execute(
            _WRITE_LOCATIONS,
            [monitor_id for monitor_id, _, _ in locations],
            [location_id for _, location_id, _ in locations],
            *([getattr(state, name) for state in states] for name in LocationState.__slots__[:-1]),
            [asdict(state.last_refusal) if state.last_refusal else None for state in states],
        )
    if monitors:
        columns = ([getattr(state, name) for state in monitors] for name in MonitorState.__slots__)
        await connection.execute(_WRITE_MONITORS, *columns)


async def write_checked(
    connection: Connection, monitors: Sequence[MonitorState], locations: Sequence[tuple[int, int, int]]
) -> None:
    """Write that these were checked, of monitors and locations as (monitor, location, last slot) that stay as known."""
    if locations:
        await connection.execute(_LOCATIONS_HEARD, *(list(column) for column in zip(*locations, strict=True)))
    if monitors:
        await connection.execute(
            _MONITORS_CHECKED,
            [state.monitor_id for state in monitors],
            [state.last_checked_at for state in monitors],
            [state.last_counted_at for state in monitors],
            [state.total_ms for state in monitors],
            [state.first_passed_at for state in monitors],
        )


async def write_changes(connection: Connection, changes: Sequence[tuple[int, int, int, Health]]) -> None:
    """Keep from when on what is believed, as (monitor, organization, since, health)."""
    if changes:
        monitors, organizations, since, health = (list(column) for column in zip(*changes, strict=True))
        await connection.execute(_FORGET_CHANGES, monitors, since)
        await connection.execute(_WRITE_CHANGES, monitors, organizations, since, health)


async def unheard_locations(connection: Connection, monitor_ids: Sequence[int]) -> dict[int, int]:
    """How many live locations are to check each of these monitors and have not told anything yet."""
    rows = await connection.fetch(_UNHEARD, monitor_ids)
    return {row["monitor_id"]: row["locations"] for row in rows}


async def forget_silent(connection: Connection, *, now_ms: int, most: int) -> list[int]:
    """Make unknown what told nothing for too long; answers with the monitors, which stay locked."""
    locked = [row["monitor_id"] for row in await connection.fetch(_LOCK_SILENT, now_ms, most)]
    if locked:
        await connection.execute(_FORGET_SILENT, now_ms, locked)
    return locked


def _values(row: Mapping[str, Any]) -> Iterable[Any]:
    return row.values()


def _state_of(row: Mapping[str, Any]) -> LocationState:
    refusal = row["last_refusal"]
    return LocationState(
        health=Health(row["health"]),
        since=row["since"],
        last_slot=row["last_slot"],
        failures=row["failures"],
        outcome=row["outcome"],
        phase=row["phase"],
        message=row["message"],
        last_refusal=Refusal(**refusal) if refusal else None,
    )
