"""The table `audit_log`: read, and forgotten when it is old. Triggers alone add to it, and nobody changes it."""

from typing import Any

from services.api_gateway.audit.models import AuditActor, AuditChange, AuditEntry, AuditObject, AuditQuery
from services.api_gateway.audit.wording import shown_changes
from shared.database.pool import Connection

_LIST = """
    SELECT id, at, actor_kind, actor_id, actor_name, address, request_id, action, object_kind, object_id, object_name,
        customer_id, changes
    FROM audit_log
    WHERE organization_id = $1 AND ($2::bigint IS NULL OR id < $2)
        AND ($3::text IS NULL OR actor_kind = $3) AND ($4::bigint IS NULL OR actor_id = $4)
        AND ($5::text IS NULL OR action = $5) AND ($6::text IS NULL OR object_kind = $6)
        AND ($7::text IS NULL OR object_id = $7)
        AND ($8::timestamptz IS NULL OR at >= $8) AND ($9::timestamptz IS NULL OR at < $9)
    ORDER BY id DESC LIMIT $10"""

# Every organization's: the function is its owner's, and a thousand rows long.
_FORGET = "SELECT forget_audit($1)"


async def list_entries(
    connection: Connection, organization_id: int, wanted: AuditQuery, *, before: int | None, limit: int
) -> list[AuditEntry]:
    """Entries, the newest first."""
    rows = await connection.fetch(
        _LIST,
        organization_id,
        before,
        wanted.actor_kind,
        wanted.actor_id,
        wanted.action,
        wanted.object_kind,
        wanted.object_id,
        wanted.since,
        wanted.until,
        limit,
    )
    return [_entry(row) for row in rows]


async def forget_entries(connection: Connection, *, kept_days: int) -> int:
    """Forget a thousand of the entries older than that; how many went."""
    gone: int = await connection.fetchval(_FORGET, kept_days)
    return gone


def _entry(row: Any) -> AuditEntry:
    return AuditEntry(
        id=row["id"],
        at=row["at"],
        actor=AuditActor(kind=row["actor_kind"], id=row["actor_id"], name=row["actor_name"]),
        address=row["address"],
        request_id=row["request_id"],
        action=row["action"],
        object=AuditObject(kind=row["object_kind"], id=row["object_id"], name=row["object_name"]),
        customer_id=row["customer_id"],
        changes={name: AuditChange(**change) for name, change in shown_changes(row["changes"]).items()},
    )
