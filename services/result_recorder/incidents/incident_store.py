"""The tables `incidents`, `incident_groups`, `incident_events`, and the outbox: what happened, and what is to be told.

Whoever writes holds the locks of the monitors, and then those of the groups, which are taken in one order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.database.pool import Connection

_ADVISORY_CLASS = 0x6D70_0004

_LOCK_GROUPS = """
SELECT pg_advisory_xact_lock($1::int, key)
FROM (SELECT DISTINCT hashtext(organization_id || '/' || host || '/' || layer) AS key
      FROM unnest($2::bigint[], $3::text[], $4::text[]) AS wanted(organization_id, host, layer)
      ORDER BY key) AS ordered"""

# An incident outlives its monitor, so what is needed to end it comes from its own row.
_OPEN = """
SELECT i.id, i.monitor_id, i.organization_id, i.customer_id, i.group_id, i.quiet, i.kind, i.phase, g.host, g.layer,
       true AS is_open
FROM incidents i JOIN incident_groups g ON g.id = i.group_id
WHERE i.monitor_id = ANY($1::bigint[]) AND i.resolved_at IS NULL"""

_NEWEST = """
SELECT DISTINCT ON (i.monitor_id) i.id, i.monitor_id, i.organization_id, i.customer_id, i.group_id, i.quiet, i.kind,
       i.phase, g.host, g.layer, i.resolved_at IS NULL AS is_open
FROM incidents i JOIN incident_groups g ON g.id = i.group_id
WHERE i.monitor_id = ANY($1::bigint[])
ORDER BY i.monitor_id, i.id DESC"""

_JOIN_GROUPS = """
INSERT INTO incident_groups AS g (organization_id, host, layer, open_members, opened_at)
SELECT organization_id, host, layer, 0, $1::bigint
FROM unnest($2::bigint[], $3::text[], $4::text[]) AS wanted(organization_id, host, layer)
ON CONFLICT (organization_id, host, layer) WHERE resolved_at IS NULL DO UPDATE SET open_members = g.open_members
RETURNING id, organization_id, host, layer"""

_COUNT_MEMBERS = """
UPDATE incident_groups g
SET open_members = g.open_members + u.more,
    resolved_at = CASE WHEN g.open_members + u.more <= 0 THEN $1::bigint END
FROM unnest($2::bigint[], $3::int[]) AS u(id, more)
WHERE g.id = u.id"""

# One that is open already is left alone: the index says so whatever anybody remembers.
_INSERT = """
INSERT INTO incidents (organization_id, customer_id, monitor_id, monitor_public_id, monitor_name, protocol, host,
    user_name, group_id, started_at, opened_at, kind, phase, message, hint, server_words, locations, first_check_id,
    first_slot_at, evidence_check_id, evidence_slot_at, quiet)
SELECT organization_id, customer_id, monitor_id, monitor_public_id, monitor_name, protocol, host, user_name, group_id,
    started_at, opened_at, kind, phase, message, hint, server_words, locations, first_check_id, started_at,
    evidence_check_id, evidence_slot_at, quiet
FROM jsonb_to_recordset($1::jsonb) AS new(organization_id bigint, customer_id bigint, monitor_id bigint,
    monitor_public_id uuid, monitor_name text, protocol text, host text, user_name text, group_id bigint,
    started_at bigint, opened_at bigint, kind text, phase text, message text, hint text, server_words text,
    locations integer[], first_check_id uuid, evidence_check_id uuid, evidence_slot_at bigint, quiet boolean)
ORDER BY monitor_id
ON CONFLICT (monitor_id) WHERE resolved_at IS NULL DO NOTHING
RETURNING id, monitor_id"""

_CHANGE_CAUSE = """
UPDATE incidents i
SET kind = u.kind, phase = u.phase, message = u.message, hint = u.hint, server_words = u.server_words,
    evidence_check_id = u.check_id, evidence_slot_at = u.slot_at
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::bigint[])
     AS u(id, kind, phase, message, hint, server_words, check_id, slot_at)
WHERE i.id = u.id"""

# One that a clock running ahead opened began no later than it ended.
_RESOLVE = """
UPDATE incidents i SET resolved_at = u.resolved_at, recovered_at = u.recovered_at, resolution = u.resolution,
    started_at = least(i.started_at, u.resolved_at), opened_at = least(i.opened_at, u.resolved_at)
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[]) AS u(id, resolved_at, recovered_at, resolution)
WHERE i.id = u.id AND i.resolved_at IS NULL"""

_SPEAK_UP = "UPDATE incidents SET quiet = false WHERE id = ANY($1::bigint[])"

_NOTE = """
INSERT INTO incident_events (organization_id, incident_id, at, kind, text)
SELECT organization_id, incident_id, $1::bigint, kind, text
FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[]) AS new(organization_id, incident_id, kind, text)"""

_TELL = """
INSERT INTO outbox (organization_id, customer_id, monitor_id, kind, incident_id, group_id, at, facts)
SELECT organization_id, customer_id, monitor_id, kind, incident_id, group_id, $1::bigint, facts
FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::bigint[], $7::bigint[], $8::jsonb[])
     WITH ORDINALITY
     AS new(organization_id, customer_id, monitor_id, kind, incident_id, group_id, facts, place)
ORDER BY place"""

_COUNT_OPEN = "SELECT count(*) FROM incidents WHERE resolved_at IS NULL"

# Open incidents of monitors that are gone or not checked any more, or that nothing is remembered of.
_LEFT_OVER = """
SELECT i.monitor_id, m.id IS NULL AS deleted
FROM incidents i LEFT JOIN monitors m ON m.id = i.monitor_id
WHERE i.resolved_at IS NULL AND (m.id IS NULL OR m.status = 'disabled'
    OR NOT EXISTS (SELECT FROM incident_states s WHERE s.monitor_id = i.monitor_id))
ORDER BY i.monitor_id LIMIT $1"""

Group = tuple[int, str, str]
"""Organization, host, layer."""


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """An incident as far as it is needed to go on with it."""

    id: int
    monitor_id: int
    organization_id: int
    customer_id: int
    group_id: int
    quiet: bool
    kind: str
    phase: str
    host: str
    layer: str
    is_open: bool

    @property
    def group(self) -> Group:
        return self.organization_id, self.host, self.layer


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """Something to be told. Of a certificate there is no incident."""

    organization_id: int
    kind: str
    customer_id: int | None = None
    monitor_id: int | None = None
    incident_id: int | None = None
    group_id: int | None = None
    facts: Mapping[str, Any] | None = None


async def open_incidents(connection: Connection, monitor_ids: Sequence[int]) -> dict[int, IncidentRow]:
    """The open incident of each of these monitors that has one."""
    return {row["monitor_id"]: IncidentRow(**row) for row in await connection.fetch(_OPEN, monitor_ids)}


async def newest_incidents(connection: Connection, monitor_ids: Sequence[int]) -> dict[int, IncidentRow]:
    """The newest incident of each of these monitors that has any."""
    return {row["monitor_id"]: IncidentRow(**row) for row in await connection.fetch(_NEWEST, monitor_ids)}


async def lock_groups(connection: Connection, groups: Sequence[Group]) -> None:
    """Let nobody else count the members of these groups until the transaction ends."""
    if groups:
        await connection.execute(_LOCK_GROUPS, _ADVISORY_CLASS, *_columns(groups))


async def join_groups(connection: Connection, groups: Sequence[Group], *, now_ms: int) -> dict[Group, int]:
    """The ids of the open groups of these names, made where there are none."""
    rows = await connection.fetch(_JOIN_GROUPS, now_ms, *_columns(sorted(set(groups))))
    return {(row["organization_id"], row["host"], row["layer"]): row["id"] for row in rows}


async def count_members(connection: Connection, more: Mapping[int, int], *, now_ms: int) -> None:
    """Count members that came and went; a group none is left of is resolved."""
    if more:
        await connection.execute(_COUNT_MEMBERS, now_ms, list(more), list(more.values()))


async def insert_incidents(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> dict[int, int]:
    """Insert these; their ids by monitor, of those that had none open."""
    return {row["monitor_id"]: row["id"] for row in await connection.fetch(_INSERT, rows)}


async def change_causes(connection: Connection, changes: Sequence[tuple[int, Any]]) -> None:
    """Give these incidents another `Cause`."""
    if changes:
        causes = [cause for _, cause in changes]
        names = ("kind", "phase", "message", "hint", "server_words", "check_id", "slot_at")
        columns = ([getattr(cause, name) for cause in causes] for name in names)
        await connection.execute(_CHANGE_CAUSE, [incident_id for incident_id, _ in changes], *columns)


async def resolve_incidents(connection: Connection, ended: Sequence[tuple[int, int, int | None, str]]) -> None:
    """End incidents, given as (id, resolved_at, recovered_at, resolution)."""
    if ended:
        await connection.execute(_RESOLVE, *(list(column) for column in zip(*ended, strict=True)))


async def speak_up(connection: Connection, incident_ids: Sequence[int]) -> None:
    """Make quiet incidents such as are told."""
    if incident_ids:
        await connection.execute(_SPEAK_UP, incident_ids)


async def note_events(
    connection: Connection, events: Sequence[tuple[int, int, str, str | None]], *, now_ms: int
) -> None:
    """Add to timelines, as (organization, incident, kind, text)."""
    if events:
        await connection.execute(_NOTE, now_ms, *(list(column) for column in zip(*events, strict=True)))


async def tell(connection: Connection, rows: Sequence[OutboxRow], *, now_ms: int) -> None:
    """Hand these to the notifier, in this order."""
    if rows:
        names = ("organization_id", "customer_id", "monitor_id", "kind", "incident_id", "group_id")
        columns = ([getattr(row, name) for row in rows] for name in names)
        await connection.execute(_TELL, now_ms, *columns, [dict(row.facts or {}) for row in rows])


async def count_open(connection: Connection) -> int:
    """How many incidents are open."""
    count: int = await connection.fetchval(_COUNT_OPEN)
    return count


async def left_over(connection: Connection, *, most: int) -> dict[int, bool]:
    """Monitors with an open incident that nobody goes on with, and whether they are deleted."""
    return {row["monitor_id"]: row["deleted"] for row in await connection.fetch(_LEFT_OVER, most)}


def _columns(groups: Sequence[Group]) -> tuple[list[int], list[str], list[str]]:
    return [org for org, _, _ in groups], [host for _, host, _ in groups], [layer for _, _, layer in groups]


def incident_row(
    *, organization_id: int, customer_id: int, monitor_id: int, monitor_public_id: UUID, **more: Any
) -> dict[str, Any]:
    """A row for `insert_incidents`: the columns as JSON knows them."""
    known = {"organization_id": organization_id, "customer_id": customer_id, "monitor_id": monitor_id}
    row = {**known, "monitor_public_id": monitor_public_id, **more}
    return {name: str(value) if isinstance(value, UUID) else value for name, value in row.items()}
