"""Monitors as the recorder needs them, and the lock that lets one recorder at a time judge a monitor.

Whoever records anything of a monitor holds its lock: the row of `monitor_health`, or, of a monitor that has none
(never checked, or deleted), an advisory lock. Both are taken in the order of ids, the advisory ones first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.result_recorder.incidents.rules import Agreement, Thresholds
from shared.database.pool import Connection

_ADVISORY_CLASS = 0x6D70_0001
_MOST_KEY = 0x7FFF_FFFF

# What the rules ask of the monitors that still exist. Thresholds are the customer's, their package's, or the shipped.
_READ = """
SELECT m.id, m.public_id, m.organization_id, m.revision, m.status, m.credential_id,
       coalesce(p.alert_consecutive_checks, 3) AS confirm_after,
       coalesce(p.alert_location_threshold, 'majority') AS agreement,
       coalesce(c.alert_location_threshold_count, p.alert_location_threshold_count, 2) AS agreeing_count,
       coalesce(p.retry_interval_seconds, 60) AS retry_seconds, h.monitor_id IS NOT NULL AS has_health,
       ARRAY(SELECT l.location_id FROM location_health l WHERE l.monitor_id = m.id) AS locations
FROM monitors m
JOIN customers c ON c.id = m.customer_id
LEFT JOIN LATERAL (
    SELECT p.* FROM package_configs p
    WHERE p.organization_id = m.organization_id AND p.package_type IN (c.package_type, 'standard')
    ORDER BY p.package_type = 'standard' LIMIT 1) AS p ON true
LEFT JOIN monitor_health h ON h.monitor_id = m.id
WHERE m.id = ANY($1::bigint[])"""

_LOCK_WITHOUT_ROW = """
SELECT pg_advisory_xact_lock($1::int, key)
FROM unnest($2::int[]) WITH ORDINALITY AS wanted(key, place) ORDER BY place"""

_LOCK_ROWS = "SELECT monitor_id FROM monitor_health WHERE monitor_id = ANY($1::bigint[]) ORDER BY monitor_id FOR UPDATE"

_CLOCK = "SELECT clock_ms()"


@dataclass(frozen=True, slots=True)
class MonitorFacts:
    """A monitor that exists.

    Args:
        checked: it is not disabled.
        thresholds, retry_ms: when failures are believed, and how soon they are looked at again.
        has_health, locations: which rows of health there were a moment ago.
    """

    id: int
    public_id: UUID
    organization_id: int
    revision: int
    checked: bool
    credential_id: UUID | None
    thresholds: Thresholds
    retry_ms: int
    has_health: bool
    locations: frozenset[int]


async def clock_ms(connection: Connection) -> int:
    """The clock every service goes by."""
    now: int = await connection.fetchval(_CLOCK)
    return now


async def read_monitors(connection: Connection, ids: Sequence[int]) -> dict[int, MonitorFacts]:
    """Those of these monitors that exist."""
    return {
        row["id"]: MonitorFacts(
            id=row["id"],
            public_id=row["public_id"],
            organization_id=row["organization_id"],
            revision=row["revision"],
            checked=row["status"] != "disabled",
            credential_id=row["credential_id"],
            thresholds=Thresholds(row["confirm_after"], Agreement(row["agreement"]), row["agreeing_count"]),
            retry_ms=row["retry_seconds"] * 1000,
            has_health=row["has_health"],
            locations=frozenset(row["locations"]),
        )
        for row in await connection.fetch(_READ, ids)
    }


async def lock_without_row(connection: Connection, ids: Sequence[int]) -> None:
    """Take the locks of monitors that had no health row a moment ago. Comes before `lock_rows`."""
    if ids:
        keys = sorted({monitor_id & _MOST_KEY for monitor_id in ids})
        await connection.execute(_LOCK_WITHOUT_ROW, _ADVISORY_CLASS, keys)


async def lock_rows(connection: Connection, ids: Sequence[int]) -> None:
    """Take the locks of all monitors that have a health row by now."""
    await connection.execute(_LOCK_ROWS, ids)
