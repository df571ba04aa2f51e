"""Monitors in the database: the gateway is their only writer. Every function acts within a transaction that is given
one organization (row-level security), and names it in its SQL as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.api_gateway.hostnames import a_labels
from services.api_gateway.monitors.description import Description, StoredMonitor
from services.api_gateway.ownership.ownership_store import ownership_of
from shared.checks.vocabulary import Health, MonitorStatus
from shared.database.pool import Connection

_COLUMNS = """m.id, m.public_id, m.organization_id, m.customer_id, m.name, m.hostname, m.port, m.status,
    m.interval_ms, m.timeout_seconds, m.allowed_check_country_codes, m.notification_email,
    m.notification_phone_number, m.config, m.sealed_password, m.credential_id, m.revision, m.created_at,
    m.updated_at, coalesce(h.health, 'unknown') AS health, h.since, h.message, h.last_checked_at,
    h.first_passed_at IS NOT NULL AS ever_passed,
    h.outcome, m.managed_by, m.external_key,
    c.name AS customer_name, c.allowed_check_country_codes AS customer_country_codes,
    coalesce((SELECT json_agg(json_build_object('id', t.id, 'name', t.name, 'color', t.color) ORDER BY t.name)
              FROM monitor_tags g JOIN tags t ON t.id = g.tag_id WHERE g.monitor_id = m.id), '[]') AS tags"""
# Outer joins, though each monitor has a customer: what a statement asks nothing of is then left out by the planner.
_FROM = """FROM monitors m
    LEFT JOIN customers c ON c.organization_id = m.organization_id AND c.id = m.customer_id
    LEFT JOIN monitor_health h ON h.monitor_id = m.id"""

_FIND = f"SELECT {_COLUMNS} {_FROM} WHERE m.organization_id = $1 AND m.public_id = $2"
# Two changes at once happen one after the other, each judged by what the other left.
_LOCK = f"{_FIND} FOR UPDATE OF m"

_INSERT = """
    INSERT INTO monitors (public_id, organization_id, customer_id, name, hostname, port, protocol, status,
        interval_ms, timeout_seconds, allowed_check_country_codes, notification_email, notification_phone_number,
        config, sealed_password, credential_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
    RETURNING id"""

_UPDATE = """
    UPDATE monitors SET customer_id = $3, name = $4, hostname = $5, port = $6, protocol = $7, status = $8,
        interval_ms = $9, timeout_seconds = $10, allowed_check_country_codes = $11, notification_email = $12,
        notification_phone_number = $13, config = $14, sealed_password = $15, credential_id = $16,
        revision = revision + $17, updated_at = now()
    WHERE organization_id = $1 AND public_id = $2"""

_DELETE = "DELETE FROM monitors WHERE organization_id = $1 AND public_id = $2"

# The scheduler listens; the payload is the monitor's number.
_NOTIFY = "SELECT pg_notify('mailprobe_monitors', $1)"

_SORT_COLUMNS = {
    "id": "m.id",
    "name": "lower(m.name)",
    "hostname": "m.hostname",
    "status": "m.status",
    "health": "coalesce(h.health, 'unknown')",
    "checkInterval": "m.interval_ms",
    "createdAt": "m.created_at",
    "updatedAt": "m.updated_at",
    "lastCheckedAt": "h.last_checked_at",
    "customerName": "lower(c.name)",
}
# Of the others there is always a value, and indexes have them in the plain order.
_SORT_MAY_LACK = {"lastCheckedAt"}
# What needs somebody first: down, degraded, not known; then what alerts nobody, what is well, what is not checked.
# Within the same, what began last comes first. One number says both, which sorts much faster than one after the other.
_WORST_FIRST = """CASE WHEN m.status = 'disabled' THEN 6 WHEN coalesce(h.health, 'unknown') = 'up' THEN 5
        WHEN m.status = 'maintenance' THEN 4 WHEN h.health = 'down' THEN 1 WHEN h.health = 'degraded' THEN 2 ELSE 3 END
    * 100000000000000 - CASE WHEN h.health IN ('down', 'degraded') THEN h.since ELSE 0 END, lower(m.name)"""

_ILL = "h.health IN ('down', 'degraded') AND m.status = 'active'"
# One that was never checked has no row of health.
_HEALTH_UNKNOWN = "coalesce(h.health, 'unknown') = {}"
# Customers are few beside monitors: their names are looked at once.
_FOUND = """(m.name ILIKE {0} OR m.hostname ILIKE {1} OR m.customer_id IN (
    SELECT s.id FROM customers s WHERE s.organization_id = $1 AND s.name ILIKE {0}))"""


@dataclass(frozen=True, slots=True)
class MonitorFilter:
    """Which monitors are meant; None: whichever."""

    customer_ids: Sequence[int] | None = None
    search: str | None = None
    status: MonitorStatus | None = None
    health: Health | None = None
    tag_id: int | None = None


async def find_monitor(connection: Connection, organization_id: int, public_id: UUID) -> StoredMonitor | None:
    """The monitor, or None."""
    row = await connection.fetchrow(_FIND, organization_id, public_id)
    return None if row is None else _stored(row)


async def lock_monitor(connection: Connection, organization_id: int, public_id: UUID) -> StoredMonitor | None:
    """The monitor, held until the transaction ends; or None."""
    row = await connection.fetchrow(_LOCK, organization_id, public_id)
    return None if row is None else _stored(row)


async def insert_monitor(
    connection: Connection, organization_id: int, public_id: UUID, description: Description
) -> StoredMonitor:
    """Make it, and tell the scheduler."""
    number = await connection.fetchval(_INSERT, public_id, organization_id, *_values(description))
    await connection.execute(_NOTIFY, str(number))
    return _stored(await connection.fetchrow(_FIND, organization_id, public_id))


async def update_monitor(
    connection: Connection, stored: StoredMonitor, description: Description, *, raise_revision: bool
) -> StoredMonitor:
    """Change it, and tell the scheduler where the check changes with it."""
    await connection.execute(
        _UPDATE, stored.organization_id, stored.public_id, *_values(description), int(raise_revision)
    )
    if raise_revision:
        await connection.execute(_NOTIFY, str(stored.id))
    return _stored(await connection.fetchrow(_FIND, stored.organization_id, stored.public_id))


async def delete_monitor(connection: Connection, stored: StoredMonitor) -> None:
    """Remove it, its sealed password with it, and tell the scheduler."""
    await connection.execute(_DELETE, stored.organization_id, stored.public_id)
    await connection.execute(_NOTIFY, str(stored.id))


async def list_monitors(
    connection: Connection, organization_id: int, wanted: MonitorFilter, *, sort: str, limit: int, offset: int
) -> tuple[Sequence[StoredMonitor], int]:
    """One page, and how many there are in all. `sort` is a field's name, with a minus for downwards, or `worst`."""
    where, values = _where(organization_id, wanted)
    order = f"ORDER BY {_order(sort)}, m.id"
    # Which monitors are on the page is decided by as little of each as it takes; the rest is read of those alone.
    find = _found if wanted.search else _sorted
    page, total = await find(connection, f"{_FROM} {where}", values, order=order, limit=limit, offset=offset)
    select = f"SELECT {_COLUMNS} {_FROM} WHERE m.organization_id = $1 AND m.id = ANY ($2::bigint[]) {order}"
    return [_stored(row) for row in await connection.fetch(select, organization_id, page)], total


async def _found(
    connection: Connection, which: str, values: Sequence[Any], *, order: str, limit: int, offset: int
) -> tuple[Sequence[int], int]:
    """The page, and how many: every name has to be looked at, so both are said at once."""
    bounds = f"LIMIT ${len(values) + 1} OFFSET ${len(values) + 2}"
    rows = await connection.fetch(
        f"SELECT m.id, count(*) OVER () AS total {which} {order} {bounds}", *values, limit, offset
    )
    total = rows[0]["total"] if rows else await connection.fetchval(f"SELECT count(*) {which}", *values)
    return [row["id"] for row in rows], total


async def _sorted(
    connection: Connection, which: str, values: Sequence[Any], *, order: str, limit: int, offset: int
) -> tuple[Sequence[int], int]:
    """The page, and how many: an index mostly knows both."""
    bounds = f"LIMIT ${len(values) + 1} OFFSET ${len(values) + 2}"
    total = await connection.fetchval(f"SELECT count(*) {which}", *values)
    page: Sequence[Any] = ()
    if _WORST_FIRST in order:  # an index finds the ill, who come first: where they fill the page, no other is sorted
        page = await connection.fetch(f"SELECT m.id {which} AND {_ILL} {order} {bounds}", *values, limit, offset)
    if len(page) < min(limit, total - offset):
        page = await connection.fetch(f"SELECT m.id {which} {order} {bounds}", *values, limit, offset)
    return [row["id"] for row in page], total


def _where(organization_id: int, wanted: MonitorFilter) -> tuple[str, Sequence[Any]]:
    """The clause and its values. What is not asked for is not in it: it would be judged for every row all the same."""
    values: list[Any] = [organization_id]
    conditions = ["m.organization_id = $1"]
    for condition, *given in (
        ("m.customer_id = ANY ({}::bigint[])", wanted.customer_ids),
        ("m.status = {}", wanted.status),
        (_HEALTH_UNKNOWN if wanted.health is Health.UNKNOWN else "h.health = {}", wanted.health),
        ("EXISTS (SELECT FROM monitor_tags g WHERE g.monitor_id = m.id AND g.tag_id = {})", wanted.tag_id),
        (_FOUND, *_patterns(wanted.search)),
    ):
        if given[0] is not None:
            places = (f"${len(values) + place}" for place in range(1, len(given) + 1))
            conditions.append(condition.format(*places))
            values += given
    return f"WHERE {' AND '.join(conditions)}", values


def _order(sort: str) -> str:
    if sort == "worst":
        return _WORST_FIRST
    field, way, nulls = (sort[1:], "DESC", "NULLS LAST") if sort.startswith("-") else (sort, "ASC", "NULLS FIRST")
    return f"{_SORT_COLUMNS[field]} {way} {nulls if field in _SORT_MAY_LACK else ''}"


def _patterns(search: str | None) -> tuple[str | None, str | None]:
    """What names contain, and what host names do: those are stored as A-labels."""
    if search is None:
        return None, None
    return f"%{_literal(search)}%", f"%{_literal(a_labels(search))}%"


def _literal(text: str) -> str:
    """The text as a LIKE pattern that matches just it."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _values(description: Description) -> tuple[Any, ...]:
    """Column values in the order of _INSERT and _UPDATE, from customer_id on."""
    countries = description.allowed_check_country_codes
    return (
        description.customer_id,
        description.name,
        description.hostname,
        description.port,
        description.protocol,
        description.status,
        description.interval_ms,
        description.timeout_seconds,
        None if countries is None else list(countries),
        description.notification_email,
        description.notification_phone_number,
        dict(description.config),
        description.sealed_password,
        description.credential_id,
    )


def _stored(row: Any) -> StoredMonitor:
    countries = row["allowed_check_country_codes"]
    return StoredMonitor(
        id=row["id"],
        public_id=row["public_id"],
        organization_id=row["organization_id"],
        revision=row["revision"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        description=Description(
            customer_id=row["customer_id"],
            name=row["name"],
            hostname=row["hostname"],
            port=row["port"],
            status=MonitorStatus(row["status"]),
            interval_ms=row["interval_ms"],
            timeout_seconds=row["timeout_seconds"],
            allowed_check_country_codes=None if countries is None else tuple(countries),
            notification_email=row["notification_email"],
            notification_phone_number=row["notification_phone_number"],
            config=row["config"],
            sealed_password=row["sealed_password"],
            credential_id=row["credential_id"],
        ),
        health=Health(row["health"]),
        health_since_ms=row["since"],
        health_message=row["message"],
        last_checked_at_ms=row["last_checked_at"],
        ever_passed=row["ever_passed"],
        last_outcome=row["outcome"],
        customer_name=row["customer_name"],
        customer_country_codes=row["customer_country_codes"],
        tags=row["tags"],
        ownership=ownership_of(row),
    )
