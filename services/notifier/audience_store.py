"""Whom to tell: customers' channels and packages, monitors' own addresses, and the incidents themselves. Read only."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from services.notifier.content import Incident
from services.notifier.vocabulary import MINUTE_MS, PackageRules
from shared.database.pool import Connection

_CHANNELS = """
SELECT id, organization_id, customer_id, name, type, config, delay_seconds, conditions
FROM notification_channels
WHERE organization_id = ANY($1::bigint[]) AND is_active
ORDER BY priority, id"""

# A customer's package, else the organization's standard one, else the columns' own defaults.
_PACKAGES = """
SELECT c.id, p.notification_delay_minutes, p.reminder_delay_minutes, p.alert_reminder_interval, p.enable_email_alerts
FROM customers c
LEFT JOIN LATERAL (
    SELECT * FROM package_configs p
    WHERE p.organization_id = c.organization_id AND p.package_type IN (c.package_type, 'standard')
    ORDER BY p.package_type = c.package_type DESC NULLS LAST LIMIT 1) p ON true
WHERE c.id = ANY($1::bigint[])"""

_ADDRESSES = """
SELECT id, notification_email FROM monitors
WHERE id = ANY($1::bigint[]) AND nullif(notification_email, '') IS NOT NULL"""

_INCIDENTS = """
SELECT i.id, i.public_id, i.organization_id, i.customer_id, c.name AS customer_name, i.monitor_id,
       i.monitor_public_id, i.monitor_name, i.protocol, i.host, i.user_name, i.group_id, i.started_at, i.opened_at,
       i.resolved_at, i.recovered_at, i.resolution, i.kind, i.phase, i.message, i.hint, i.server_words,
       i.acknowledged_at, i.snoozed_until
FROM incidents i LEFT JOIN customers c ON c.id = i.customer_id
WHERE i.id = ANY($1::bigint[])"""

# Until when monitors alert nobody, as known by now.
_MAINTENANCE = """
SELECT m.id, max(w.ends_at) AS ends_at, bool_or(m.status = 'maintenance') AS by_hand
FROM monitors m
LEFT JOIN monitor_maintenance w ON w.monitor_id = m.id AND w.starts_at <= $2 AND w.ends_at > $2
WHERE m.id = ANY($1::bigint[])
GROUP BY m.id
HAVING max(w.ends_at) IS NOT NULL OR bool_or(m.status = 'maintenance')"""

# Some of them quietly, while the monitor flaps.
_DOWN = "SELECT DISTINCT monitor_id FROM incidents WHERE monitor_id = ANY($1::bigint[]) AND resolved_at IS NULL"

_GROUPS = "SELECT id, public_id, layer FROM incident_groups WHERE id = ANY($1::bigint[])"

_NOBODY = "SELECT organization_id, customer_id, monitors FROM customers_nobody_is_told_of ORDER BY 1, 2"

_ANY_CHANNEL = "SELECT EXISTS (SELECT FROM notification_channels WHERE is_active)"


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """A channel as far as planning cares."""

    id: int
    organization_id: int
    customer_id: int | None
    name: str
    type: str
    config: dict[str, Any]
    delay_ms: int
    least_duration_ms: int


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """An incident, and what decides over telling of it."""

    incident: Incident
    organization_id: int
    group_id: int | None
    acknowledged_at: int | None
    snoozed_until: int | None

    @property
    def is_open(self) -> bool:
        return self.incident.resolved_at is None


@dataclass(frozen=True, slots=True)
class Untold:
    """A customer with monitors whose outages nobody would hear of."""

    organization_id: int
    customer_id: int
    monitors: int


async def active_channels(connection: Connection, organizations: Iterable[int]) -> list[ChannelFacts]:
    return [
        ChannelFacts(
            id=row["id"],
            organization_id=row["organization_id"],
            customer_id=row["customer_id"],
            name=row["name"],
            type=row["type"],
            config=row["config"],
            delay_ms=row["delay_seconds"] * 1000,
            least_duration_ms=_least_duration_ms(row["conditions"]),
        )
        for row in await connection.fetch(_CHANNELS, list(organizations))
    ]


async def package_rules(connection: Connection, customers: Iterable[int]) -> dict[int, PackageRules]:
    return {
        row["id"]: PackageRules(
            notification_delay_ms=row["notification_delay_minutes"] * MINUTE_MS,
            reminder_delay_ms=row["reminder_delay_minutes"] * MINUTE_MS,
            reminder_interval_ms=row["alert_reminder_interval"] * MINUTE_MS,
            email_alerts=row["enable_email_alerts"],
        )
        if row["notification_delay_minutes"] is not None
        else PackageRules()
        for row in await connection.fetch(_PACKAGES, list(customers))
    }


async def own_addresses(connection: Connection, monitors: Iterable[int]) -> dict[int, str]:
    return {row["id"]: row["notification_email"] for row in await connection.fetch(_ADDRESSES, list(monitors))}


async def incidents(connection: Connection, ids: Iterable[int]) -> dict[int, IncidentRow]:
    rows = await connection.fetch(_INCIDENTS, list(ids))
    return {
        row["id"]: IncidentRow(
            incident=Incident.model_validate({name: row[name] for name in Incident.model_fields}),
            organization_id=row["organization_id"],
            group_id=row["group_id"],
            acknowledged_at=row["acknowledged_at"],
            snoozed_until=row["snoozed_until"],
        )
        for row in rows
    }


async def in_maintenance(
    connection: Connection, monitors: Iterable[int], *, now_ms: int, look_again_ms: int = 5 * MINUTE_MS
) -> dict[int, int]:
    """Of these monitors those that alert nobody now, and until when, or when to look again.

    Maintenance set by hand has no end that is known, and a window may be ended before its time.
    """
    again_at = now_ms + look_again_ms
    return {
        row["id"]: min(row["ends_at"] or again_at, again_at)
        for row in await connection.fetch(_MAINTENANCE, list(monitors), now_ms)
    }


async def down(connection: Connection, monitors: Iterable[int]) -> frozenset[int]:
    """Of these monitors those that have an open incident, told or not."""
    return frozenset(row["monitor_id"] for row in await connection.fetch(_DOWN, list(monitors)))


async def groups(connection: Connection, ids: Iterable[int]) -> dict[int, tuple[str, str]]:
    """The public id and the layer of groups."""
    return {row["id"]: (str(row["public_id"]), row["layer"]) for row in await connection.fetch(_GROUPS, list(ids))}


async def nobody_is_told(connection: Connection) -> list[Untold]:
    """Customers of whose outages nobody would be told."""
    return [Untold(*row) for row in await connection.fetch(_NOBODY)]


async def any_channel(connection: Connection) -> bool:
    """Whether there is a channel at all that is told of anything."""
    return bool(await connection.fetchval(_ANY_CHANNEL))


def _least_duration_ms(conditions: dict[str, Any]) -> int:
    seconds = conditions.get("minIncidentDuration")
    return int(seconds * 1000) if isinstance(seconds, int | float) and seconds > 0 else 0
