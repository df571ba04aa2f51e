"""Maintenance windows in the database, whom they are for, and when they are open. The gateway describes them; as time
goes on the recorder works out more of when they are open.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.api_gateway.maintenance.rules import Plan, Selection
from services.api_gateway.ownership.ownership_store import NOBODY, Ownership, ownership_of
from shared.checks.maintenance import KEPT_AHEAD_MS, occurrences
from shared.database.pool import Connection

_COLUMNS = """w.id, w.public_id, w.organization_id, w.customer_id, w.name, w.description, w.starts_at, w.ends_at,
    w.time_zone, w.recurrence_pattern, w.is_active, w.whole_customer, w.created_at, w.updated_at,
    w.managed_by, w.external_key,
    coalesce((SELECT json_agg(t.monitor_id ORDER BY t.monitor_id) FROM maintenance_targets t
              WHERE t.window_id = w.id AND t.monitor_id IS NOT NULL), '[]') AS monitor_ids,
    coalesce((SELECT json_agg(json_build_object('id', g.id, 'name', g.name, 'color', g.color) ORDER BY g.name)
              FROM maintenance_targets t JOIN tags g ON g.id = t.tag_id WHERE t.window_id = w.id), '[]') AS tags,
    (SELECT json_build_array(o.starts_at, o.ends_at, o.starts_at <= clock_ms()) FROM maintenance_occurrences o
     WHERE o.window_id = w.id AND o.ends_at > clock_ms() ORDER BY o.starts_at LIMIT 1) AS occurrence"""
_WHERE = "FROM maintenance_windows w WHERE w.organization_id = $1 AND w.deleted_at IS NULL"
_BY_NUMBER = f"SELECT {_COLUMNS} {_WHERE} AND w.id = $2"
_BY_UUID = f"SELECT {_COLUMNS} {_WHERE} AND w.public_id = $2"
# Those for everybody are shown to each customer: they say why its monitors are quiet.
_LIST = f"""SELECT {_COLUMNS} {_WHERE} AND ($2::bigint[] IS NULL OR w.customer_id IS NULL OR w.customer_id = ANY ($2))
    ORDER BY w.starts_at DESC, w.id DESC"""

_INSERT = """INSERT INTO maintenance_windows (organization_id, name, description, starts_at, ends_at, time_zone,
        recurrence_pattern, is_active, customer_id, whole_customer)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id"""
# What is past of a window that is for others from now on: removed from its beginning.
_INSERT_REMOVED = """INSERT INTO maintenance_windows (organization_id, name, description, starts_at, ends_at, time_zone,
        recurrence_pattern, is_active, customer_id, whole_customer, deleted_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, now()) RETURNING id"""
_UPDATE = """UPDATE maintenance_windows SET name = $3, description = $4, starts_at = $5, ends_at = $6, time_zone = $7,
        recurrence_pattern = $8, is_active = $9, customer_id = $10, whole_customer = $11, updated_at = now()
    WHERE organization_id = $1 AND id = $2"""
_DELETE = "UPDATE maintenance_windows SET deleted_at = now(), updated_at = now() WHERE organization_id = $1 AND id = $2"

_FORGET_TARGETS = "DELETE FROM maintenance_targets WHERE organization_id = $1 AND window_id = $2"
_INSERT_TARGETS = """INSERT INTO maintenance_targets (organization_id, window_id, monitor_id, tag_id)
    SELECT $1::bigint, $2::bigint, monitor_id, NULL::bigint FROM unnest($3::bigint[]) AS monitor_id
    UNION ALL SELECT $1, $2, NULL, tag_id FROM unnest($4::bigint[]) AS tag_id"""

_MONITORS = """SELECT id, public_id, customer_id FROM monitors
    WHERE organization_id = $1 AND (id = ANY($2::bigint[]) OR public_id = ANY($3::uuid[]))"""
_TAGS = """SELECT id, public_id FROM tags
    WHERE organization_id = $1 AND (id = ANY($2::bigint[]) OR public_id = ANY($3::uuid[]))"""

# Taken shared by every change of a window, and alone by the recorder while it works out what comes (its store names it
# too): so it can't write what a change, not yet to be seen, has just done away with.
_LOCK = "SELECT pg_advisory_xact_lock_shared(hashtext('mailprobe.maintenance'))"
_HOLD = "SELECT FROM maintenance_windows WHERE organization_id = $1 AND id = $2 FOR UPDATE"
_NOW = "SELECT clock_ms()"
_FORGET_FUTURE = "DELETE FROM maintenance_occurrences WHERE organization_id = $1 AND window_id = $2 AND starts_at >= $3"
# What is past stays as it was, so one that is open keeps its beginning.
_END_OPEN = """UPDATE maintenance_occurrences SET ends_at = $4
    WHERE organization_id = $1 AND window_id = $2 AND starts_at < $3 AND ends_at > $3 RETURNING window_id"""
_INSERT_OCCURRENCES = """INSERT INTO maintenance_occurrences (organization_id, window_id, starts_at, ends_at)
    SELECT $1, $2, u.starts_at, u.ends_at FROM unnest($3::bigint[], $4::bigint[]) AS u(starts_at, ends_at)"""


_MOVE_PAST = """UPDATE maintenance_occurrences SET window_id = $3
    WHERE organization_id = $1 AND window_id = $2 AND starts_at < $4"""
_HAS_PAST = """SELECT EXISTS (SELECT FROM maintenance_occurrences
    WHERE organization_id = $1 AND window_id = $2 AND starts_at < $3)"""


@dataclass(frozen=True, slots=True)
class StoredWindow:
    """A window as the database has it."""

    id: int
    public_id: UUID
    organization_id: int
    plan: Plan
    selection: Selection
    tags: Sequence[dict[str, Any]]
    occurrence: tuple[int, int, bool] | None
    created_at: Any
    updated_at: Any
    ownership: Ownership = NOBODY


@dataclass(frozen=True, slots=True)
class KnownMonitor:
    """As much of a monitor as planning for it takes."""

    id: int
    customer_id: int


async def list_windows(
    connection: Connection, organization_id: int, *, customer_ids: Sequence[int] | None
) -> list[StoredWindow]:
    """The newest first; of some customers only, or of all."""
    return [_stored(row) for row in await connection.fetch(_LIST, organization_id, customer_ids)]


async def find_window(connection: Connection, organization_id: int, identifier: int | UUID) -> StoredWindow | None:
    """The window by number or public UUID, or None."""
    statement = _BY_UUID if isinstance(identifier, UUID) else _BY_NUMBER
    row = await connection.fetchrow(statement, organization_id, identifier)
    return None if row is None else _stored(row)


async def hold_window(connection: Connection, organization_id: int, identifier: int | UUID) -> StoredWindow | None:
    """The window, held until the transaction ends; or None."""
    await connection.execute(_LOCK)
    found = await find_window(connection, organization_id, identifier)
    if found is None:
        return None
    await connection.execute(_HOLD, organization_id, found.id)
    return await find_window(connection, organization_id, found.id)


async def insert_window(
    connection: Connection, organization_id: int, plan: Plan, selection: Selection
) -> StoredWindow | None:
    """Make it, and work out when it is open."""
    await connection.execute(_LOCK)
    number: int = await connection.fetchval(_INSERT, organization_id, *_values(plan, selection))
    await _insert_targets(connection, organization_id, number, selection)
    await _rewrite_occurrences(connection, organization_id, number, plan, await connection.fetchval(_NOW))
    return await find_window(connection, organization_id, number)


async def update_window(
    connection: Connection, stored: StoredWindow, plan: Plan, selection: Selection
) -> StoredWindow | None:
    """Change it, and from now on when it is open."""
    now_ms: int = await connection.fetchval(_NOW)
    if selection != stored.selection:
        await _leave_past_behind(connection, stored, now_ms)
        await connection.execute(_FORGET_TARGETS, stored.organization_id, stored.id)
        await _insert_targets(connection, stored.organization_id, stored.id, selection)
    await connection.execute(_UPDATE, stored.organization_id, stored.id, *_values(plan, selection))
    await _rewrite_occurrences(connection, stored.organization_id, stored.id, plan, now_ms)
    return await find_window(connection, stored.organization_id, stored.id)


async def delete_window(connection: Connection, stored: StoredWindow) -> None:
    """Remove it; what is past of it stays."""
    await connection.execute(_DELETE, stored.organization_id, stored.id)
    now_ms: int = await connection.fetchval(_NOW)
    await _rewrite_occurrences(connection, stored.organization_id, stored.id, None, now_ms)


async def known_monitors(
    connection: Connection, organization_id: int, names: Sequence[int | UUID]
) -> dict[int | UUID, KnownMonitor]:
    """The monitors of these names, by number and by public UUID."""
    found: dict[int | UUID, KnownMonitor] = {}
    for row in await connection.fetch(_MONITORS, organization_id, *_parted(names)):
        monitor = KnownMonitor(row["id"], row["customer_id"])
        found[row["id"]] = found[row["public_id"]] = monitor
    return found


async def known_tags(
    connection: Connection, organization_id: int, names: Sequence[int | UUID]
) -> dict[int | UUID, int]:
    """The numbers of the tags of these names, by number and by public UUID."""
    rows = await connection.fetch(_TAGS, organization_id, *_parted(names))
    return {name: row["id"] for row in rows for name in (row["id"], row["public_id"])}


async def _leave_past_behind(connection: Connection, stored: StoredWindow, now_ms: int) -> None:
    """Leave what was with a copy that is removed already: it was for others than the window is for from now on."""
    number, organization_id = stored.id, stored.organization_id
    if not await connection.fetchval(_HAS_PAST, organization_id, number, now_ms):
        return
    values = _values(stored.plan, stored.selection)
    copy: int = await connection.fetchval(_INSERT_REMOVED, organization_id, *values)
    await _insert_targets(connection, organization_id, copy, stored.selection)
    await connection.execute(_END_OPEN, organization_id, number, now_ms, now_ms)
    await connection.execute(_MOVE_PAST, organization_id, number, copy, now_ms)


async def _rewrite_occurrences(
    connection: Connection, organization_id: int, number: int, plan: Plan | None, now_ms: int
) -> None:
    """From now on it is open as planned, or not at all; what it was before now stays."""
    coming = []
    if plan is not None and plan.is_active:
        coming = occurrences(plan.window(), from_ms=now_ms, until_ms=now_ms + KEPT_AHEAD_MS)
    await connection.execute(_FORGET_FUTURE, organization_id, number, now_ms)
    until = max((end for start, end in coming if start <= now_ms), default=now_ms)
    was_open = await connection.fetch(_END_OPEN, organization_id, number, now_ms, until)
    fresh = [(start, end) for start, end in coming if start > now_ms]
    if until > now_ms and not was_open:
        fresh.insert(0, (now_ms, until))
    await connection.execute(
        _INSERT_OCCURRENCES,
        organization_id,
        number,
        [start for start, _ in fresh],
        [end for _, end in fresh],
    )


async def _insert_targets(connection: Connection, organization_id: int, number: int, selection: Selection) -> None:
    await connection.execute(
        _INSERT_TARGETS, organization_id, number, list(selection.monitor_ids), list(selection.tag_ids)
    )


def _values(plan: Plan, selection: Selection) -> tuple[Any, ...]:
    """Column values in the order of _INSERT and _UPDATE, from name on."""
    return (
        plan.name,
        plan.description,
        plan.starts_at,
        plan.ends_at,
        plan.time_zone,
        None if plan.pattern is None else dict(plan.pattern),
        plan.is_active,
        selection.customer_id,
        selection.whole_customer,
    )


def _parted(names: Sequence[int | UUID]) -> tuple[list[int], list[UUID]]:
    return [name for name in names if isinstance(name, int)], [name for name in names if isinstance(name, UUID)]


def _stored(row: Any) -> StoredWindow:
    occurrence = row["occurrence"]
    return StoredWindow(
        id=row["id"],
        public_id=row["public_id"],
        organization_id=row["organization_id"],
        plan=Plan(
            name=row["name"],
            description=row["description"],
            starts_at=row["starts_at"],
            ends_at=row["ends_at"],
            time_zone=row["time_zone"],
            pattern=row["recurrence_pattern"],
            is_active=row["is_active"],
        ),
        selection=Selection(
            monitor_ids=tuple(row["monitor_ids"]),
            tag_ids=tuple(tag["id"] for tag in row["tags"]),
            customer_id=row["customer_id"],
            whole_customer=row["whole_customer"],
        ),
        tags=row["tags"],
        occurrence=None if occurrence is None else tuple(occurrence),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        ownership=ownership_of(row),
    )
