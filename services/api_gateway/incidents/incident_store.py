"""Incidents and what people did about them. The recorder opens and resolves them; the gateway notes what people do."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.api_gateway.field_types import moment_if_known, moment_of_ms
from services.api_gateway.incidents.models import (
    CustomerOfIncident,
    GroupOfIncident,
    Incident,
    IncidentItem,
    MonitorOfIncident,
    Status,
)
from shared.database.pool import Connection

_COLUMNS = """i.id, i.public_id, i.organization_id, i.customer_id, i.monitor_id, i.monitor_public_id, i.monitor_name,
    i.protocol, i.host, i.user_name, i.started_at, i.opened_at, i.resolved_at, i.recovered_at, i.resolution, i.kind,
    i.phase, i.message, i.hint, i.server_words, i.locations, i.first_check_id, i.first_slot_at, i.evidence_check_id,
    i.evidence_slot_at, i.quiet, i.acknowledged_at, i.acknowledged_by, i.snoozed_until,
    m.name AS present_name, m.hostname AS present_hostname, m.status AS monitor_status,
    c.public_id AS customer_public_id, c.email AS customer_email, c.name AS customer_name,
    g.public_id AS group_public_id, g.host AS group_host, g.layer,
    ARRAY(SELECT l.code FROM locations l WHERE l.id = ANY (i.locations) ORDER BY l.id) AS location_codes,
    (SELECT max(d.sent_at) FROM deliveries d
     WHERE d.id IN (SELECT t.delivery_id FROM delivery_incidents t WHERE t.incident_id = i.id)) AS last_notified_at"""
# How many others' mailboxes an outage has is theirs to know.
_OPEN_MEMBERS = """CASE WHEN $3::bigint[] IS NULL THEN g.open_members ELSE (
    SELECT count(*) FROM incidents o
    WHERE o.group_id = g.id AND o.resolved_at IS NULL AND o.customer_id = ANY ($3)) END AS open_members"""
# A monitor that went to another customer is shown as it was to whoever sees the one before alone.
_FROM = """FROM incidents i
    LEFT JOIN monitors m ON m.id = i.monitor_id AND (%s::bigint[] IS NULL OR m.customer_id = ANY (%s))
    LEFT JOIN customers c ON c.id = i.customer_id
    LEFT JOIN incident_groups g ON g.id = i.group_id"""
_WHERE = """WHERE i.organization_id = $1 AND ($2::bigint[] IS NULL OR i.customer_id = ANY ($2))
    AND ($3::boolean IS NULL OR (i.resolved_at IS NULL) = $3)"""

_LIST = f"""SELECT {_COLUMNS} {_FROM % ("$7", "$7")} {_WHERE} AND ($6::bigint IS NULL OR i.id < $6)
    ORDER BY i.id DESC LIMIT $4 OFFSET $5"""
_COUNT = f"SELECT count(*) FROM incidents i {_WHERE}"  # noqa: S608 - our constants
_FIND = f"""SELECT {_COLUMNS}, {_OPEN_MEMBERS} {_FROM % ("$3", "$3")}
    WHERE i.organization_id = $1 AND i.public_id = $2"""
# Whoever acts on it goes before or after the recorder that resolves it.
_LOCK = f"{_FIND} FOR UPDATE OF i"

_ACKNOWLEDGE = """
    UPDATE incidents SET acknowledged_at = clock_ms(), acknowledged_by = $3 WHERE organization_id = $1 AND id = $2"""
_SNOOZE = """
    UPDATE incidents SET snoozed_until = CASE WHEN $3::integer > 0 THEN clock_ms() + $3::bigint * 60000 END
    WHERE organization_id = $1 AND id = $2 RETURNING snoozed_until"""
_EVENT = "INSERT INTO incident_events (organization_id, incident_id, kind, actor, text) VALUES ($1, $2, $3, $4, $5)"

IncidentRow = Any  # a row of _COLUMNS


async def list_incidents(
    connection: Connection,
    organization_id: int,
    *,
    customer_ids: Sequence[int] | None,
    status: Status | None,
    limit: int,
    offset: int,
    before: int | None,
    scope: Sequence[int] | None,
) -> list[IncidentItem]:
    """Incidents, newest first; of those before one (by its number), or of all.

    Args:
        customer_ids: whose. scope: the customers whoever asks may see; None, of both: every one.
    """
    rows = await connection.fetch(_LIST, organization_id, customer_ids, _is_open(status), limit, offset, before, scope)
    return [_item(row) for row in rows]


async def count_incidents(
    connection: Connection, organization_id: int, *, customer_ids: Sequence[int] | None, status: Status | None
) -> int:
    """How many there are in all."""
    total: int = await connection.fetchval(_COUNT, organization_id, customer_ids, _is_open(status))
    return total


async def find_incident(
    connection: Connection,
    organization_id: int,
    public_id: UUID,
    *,
    scope: Sequence[int] | None,
    held: bool = False,
) -> IncidentRow | None:
    """The incident as whoever sees these customers sees it, or None. `held`: nobody changes it in this transaction."""
    return await connection.fetchrow(_LOCK if held else _FIND, organization_id, public_id, scope)


async def acknowledge(connection: Connection, row: IncidentRow, *, actor: str) -> None:
    """Somebody takes care of it: reminders stop."""
    await connection.execute(_ACKNOWLEDGE, row["organization_id"], row["id"], actor)
    await add_event(connection, row, kind="acknowledged", actor=actor, text=None)


async def snooze(connection: Connection, row: IncidentRow, *, actor: str, minutes: int) -> None:
    """No reminders for so long; 0: from now on again."""
    until = await connection.fetchval(_SNOOZE, row["organization_id"], row["id"], minutes)
    text = "ended" if until is None else f"until {moment_of_ms(until):%Y-%m-%d %H:%M:%S} UTC"
    await add_event(connection, row, kind="snoozed", actor=actor, text=text)


async def add_event(connection: Connection, row: IncidentRow, *, kind: str, actor: str, text: str | None) -> None:
    """Note what somebody did."""
    await connection.execute(_EVENT, row["organization_id"], row["id"], kind, actor, text)


def incident_of(row: IncidentRow) -> Incident:
    """The incident as single answers show it."""
    group = None
    if row["group_public_id"] is not None:
        group = GroupOfIncident(
            public_id=row["group_public_id"],
            host=row["group_host"],
            layer=row["layer"],
            open_members=row["open_members"],
        )
    return Incident(
        **_shared(row),
        recovered_at=moment_if_known(row["recovered_at"]),
        protocol=row["protocol"],
        hostname=row["host"],
        user=row["user_name"],
        location_codes=row["location_codes"],
        group=group,
    )


def _item(row: IncidentRow) -> IncidentItem:
    return IncidentItem(**_shared(row))


def _shared(row: IncidentRow) -> dict[str, Any]:
    return {
        "id": row["id"],
        "public_id": row["public_id"],
        "imap_pop_monitor_id": row["monitor_id"],
        "imap_pop_monitor": MonitorOfIncident(
            id=row["monitor_id"],
            public_id=row["monitor_public_id"],
            name=row["present_name"] or row["monitor_name"],
            hostname=row["present_hostname"] or row["host"],
            status=row["monitor_status"],
        ),
        "customer": CustomerOfIncident(
            id=row["customer_id"],
            public_id=row["customer_public_id"],
            email=row["customer_email"],
            company=row["customer_name"],
        ),
        "status": "open" if row["resolved_at"] is None else "resolved",
        "started_at": moment_of_ms(row["opened_at"]),
        "outage_started_at": moment_of_ms(row["started_at"]),
        "resolved_at": moment_if_known(row["resolved_at"]),
        "resolution": row["resolution"],
        "last_notified_at": moment_if_known(row["last_notified_at"]),
        "error_message": row["message"],
        "cause": row["kind"],
        "phase": row["phase"],
        "hint": row["hint"],
        "server_words": row["server_words"],
        "acknowledged_at": moment_if_known(row["acknowledged_at"]),
        "acknowledged_by": row["acknowledged_by"],
        "snoozed_until": moment_if_known(row["snoozed_until"]),
        "quiet": row["quiet"],
    }


def _is_open(status: Status | None) -> bool | None:
    return None if status is None else status == "open"
