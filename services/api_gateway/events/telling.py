"""Rows as events. Pure."""

from dataclasses import dataclass
from uuid import UUID

from services.api_gateway.diagnostics import check_of_row
from services.api_gateway.events.event_store import EventRow, ResultRow
from services.api_gateway.events.frames import frame
from services.api_gateway.events.models import HealthEvent, IncidentStateEvent, MonitorEvent, ResultEvent
from services.api_gateway.field_types import moment_if_known, moment_of_ms


@dataclass(frozen=True, slots=True)
class Told:
    """An event, written once for everybody who may see it.

    watched: for those alone who watch this monitor.
    """

    customer_id: int
    frame: bytes
    watched: UUID | None = None


def told(row: EventRow) -> Told:
    """An event of health, of an incident, or of a monitor."""
    said = row.payload
    model: HealthEvent | IncidentStateEvent | MonitorEvent
    match row.kind:
        case "health":
            model = HealthEvent(
                monitor_id=row.monitor_public_id,
                health=said["health"],
                health_since=moment_of_ms(said["since"]),
                message=said["message"],
                kind=said["kind"],
                last_checked_at=moment_of_ms(said["lastCheckedAt"]),
            )
        case "incident":
            model = IncidentStateEvent(
                public_id=said["publicId"],
                monitor_id=row.monitor_public_id,
                monitor_name=said["monitorName"],
                hostname=said["host"],
                status="open" if said["resolvedAt"] is None else "resolved",
                started_at=moment_of_ms(said["openedAt"]),
                outage_started_at=moment_of_ms(said["startedAt"]),
                resolved_at=moment_if_known(said["resolvedAt"]),
                resolution=said["resolution"],
                error_message=said["message"],
                cause=said["kind"],
                phase=said["phase"],
                acknowledged_at=moment_if_known(said["acknowledgedAt"]),
                acknowledged_by=said["acknowledgedBy"],
                snoozed_until=moment_if_known(said["snoozedUntil"]),
                quiet=said["quiet"],
            )
        case _:
            model = MonitorEvent(monitor_id=row.monitor_public_id, change=said["change"])
    return Told(row.customer_id, frame(row.kind, model))


def told_result(row: ResultRow) -> Told:
    """A check of a monitor that somebody watches."""
    model = ResultEvent(monitor_id=row.monitor_public_id, check=check_of_row(row.check))
    return Told(row.customer_id, frame("result", model), watched=row.monitor_public_id)
