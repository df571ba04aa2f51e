"""What happened in the course of an incident: the checks as the recorder kept them, messages, events. Read only."""

from collections.abc import Sequence
from typing import Any

from services.api_gateway.channels.channel_store import why_not_sent
from services.api_gateway.field_types import moment_if_known, moment_of_ms
from services.api_gateway.incidents.incident_store import IncidentRow
from services.api_gateway.incidents.models import (
    CHECKS_SHOWN,
    AlertEvent,
    EvidenceCheck,
    IncidentEvent,
    PlaceOfCheck,
    Timeline,
    TimelineCheck,
)
from shared.database.pool import Connection

_CHECK = """r.check_id, r.started_at, r.passed, r.message, r.total_ms, r.outcome, r.phase, r.location_id,
    l.code AS location_code, l.name AS location_name"""
_FROM = "FROM results r LEFT JOIN locations l ON l.id = r.location_id"
_ONE = f"""SELECT {_CHECK}, r.detail {_FROM}
    WHERE r.organization_id = $1 AND r.check_id = $2 AND r.slot_at = $3"""
# Checks that told something of the server, passed or failed, from one slot to another; open-ended where it is null.
_SOME = """WHERE r.organization_id = $1 AND r.monitor_id = $2 AND r.passed = $3
    AND r.slot_at >= $4::bigint AND ($5::bigint IS NULL OR r.slot_at <= $5)
    AND check_counts(r.outcome, r.phase, r.withheld)"""
_CHECKS = f"SELECT {_CHECK} {_FROM} {_SOME} ORDER BY r.slot_at, r.check_id LIMIT {CHECKS_SHOWN}"
_COUNT = f"SELECT count(*) FROM results r {_SOME}"  # noqa: S608 - our constants

# What still waits for its time may never be said. Whoever was told of an incident is told of it again in what comes
# later of the same outage, until it is over.
_ALERTS = f"""
    SELECT d.id, d.public_id, d.sent_at, d.channel_type, d.state, d.channel_name, d.event, d.attempts, d.created_at,
        {why_not_sent("$3")} AS error
    FROM deliveries d
    WHERE d.organization_id = $1 AND (d.told_at IS NOT NULL OR d.state IN ('sent', 'failed'))
      AND d.id IN (
          SELECT t.delivery_id FROM delivery_incidents t WHERE t.incident_id = $2
          UNION ALL
          SELECT again.id
          FROM delivery_incidents t
          JOIN incidents i ON i.id = t.incident_id
          JOIN deliveries told ON told.id = t.delivery_id
          JOIN deliveries again ON again.group_id = told.group_id
              AND (again.channel_id, again.address) IS NOT DISTINCT FROM (told.channel_id, told.address)
          WHERE t.incident_id = $2 AND t.transition = 'opened' AND again.event IN ('update', 'reminder')
            AND again.told_at > told.told_at AND (i.resolved_at IS NULL OR again.told_at <= i.resolved_at))
    ORDER BY d.id LIMIT 500"""  # noqa: S608 - our constants
_EVENTS = """
    SELECT at, kind, actor, text FROM incident_events WHERE organization_id = $1 AND incident_id = $2
    ORDER BY id LIMIT 1000"""


async def read_timeline(connection: Connection, row: IncidentRow, *, scope: Sequence[int] | None) -> Timeline:
    """The whole timeline, for whoever sees these customers (None: every one)."""
    of = (row["organization_id"], row["monitor_id"])
    failed = (*of, False, row["started_at"], row["resolved_at"])
    passed = (*of, True, row["recovered_at"], row["resolved_at"])
    recovering = row["recovered_at"] is not None
    first = await connection.fetchrow(_ONE, row["organization_id"], row["first_check_id"], row["first_slot_at"])
    return Timeline(
        outage_started_at=moment_of_ms(row["started_at"]),
        outage_started_check=None if first is None else TimelineCheck(**_check(first)),
        confirmation_at=moment_of_ms(row["opened_at"]),
        failed_checks=[TimelineCheck(**_check(each)) for each in await connection.fetch(_CHECKS, *failed)],
        failed_checks_total=await connection.fetchval(_COUNT, *failed),
        alert_events=[
            _alert(each) for each in await connection.fetch(_ALERTS, row["organization_id"], row["id"], scope)
        ],
        recovery_checks=[TimelineCheck(**_check(each)) for each in await connection.fetch(_CHECKS, *passed)]
        if recovering
        else [],
        recovery_checks_total=await connection.fetchval(_COUNT, *passed) if recovering else 0,
        events=[
            IncidentEvent(**{**each, "at": moment_of_ms(each["at"])})
            for each in await connection.fetch(_EVENTS, row["organization_id"], row["id"])
        ],
    )


async def read_evidence(connection: Connection, row: IncidentRow) -> EvidenceCheck | None:
    """The check that proves it; None once it is too old to be kept."""
    found = await connection.fetchrow(_ONE, row["organization_id"], row["evidence_check_id"], row["evidence_slot_at"])
    return None if found is None else EvidenceCheck(**_check(found), diagnostics=found["detail"])


def _check(row: Any) -> dict[str, Any]:
    return {
        "id": row["check_id"],
        "checked_at": moment_of_ms(row["started_at"]),
        "status": "success" if row["passed"] else "failure",
        "error_message": None if row["passed"] else row["message"],
        "response_time_ms": round(row["total_ms"]),
        "location": PlaceOfCheck(
            id=row["location_id"], code=row["location_code"] or "", name=row["location_name"] or ""
        ),
        "cause": row["outcome"],
        "phase": row["phase"],
    }


def _alert(row: Any) -> AlertEvent:
    return AlertEvent(
        id=row["id"],
        public_id=row["public_id"],
        sent_at=moment_if_known(row["sent_at"]),
        type=row["channel_type"],
        status=row["state"],
        channel_name=row["channel_name"],
        error_message=row["error"],
        event=row["event"],
        attempts=row["attempts"],
        created_at=moment_of_ms(row["created_at"]),
    )
