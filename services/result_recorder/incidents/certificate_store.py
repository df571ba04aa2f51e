"""The table `certificate_notices`: each certificate people were told of, once at each endpoint and number of days."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.checks.target import effective_port
from shared.checks.vocabulary import MailProtocol, Security
from shared.database.pool import Connection

# Where the monitors on the hosts of these look, and whether anybody is to be told of them now.
_ENDPOINTS = """
WITH hosts AS (
    SELECT DISTINCT organization_id, lower(hostname) AS host FROM monitors WHERE id = ANY($1::bigint[]))
SELECT m.id, m.organization_id, m.customer_id, lower(m.hostname) AS host, m.port, m.protocol,
       coalesce(m.config ->> 'security',
                CASE WHEN (m.config ->> 'tls')::boolean THEN 'tls' ELSE 'none' END) AS security,
       m.status = 'active' AND NOT EXISTS (
           SELECT FROM monitor_maintenance w
           WHERE w.monitor_id = m.id AND w.starts_at <= $2::bigint AND w.ends_at > $2::bigint) AS alerting,
       nullif(m.notification_email, '') IS NOT NULL AS addressed
FROM monitors m JOIN hosts h ON h.organization_id = m.organization_id AND h.host = lower(m.hostname)
ORDER BY m.id"""

_INSERT = """
INSERT INTO certificate_notices (organization_id, host, port, fingerprint, days, at)
SELECT organization_id, host, port, fingerprint, days, $1::bigint
FROM unnest($2::bigint[], $3::text[], $4::int[], $5::text[], $6::int[])
     AS new(organization_id, host, port, fingerprint, days)
ORDER BY organization_id, host, port, fingerprint, days
ON CONFLICT DO NOTHING
RETURNING organization_id, host, port, fingerprint, days"""

Notice = tuple[int, str, int, str, int]
"""Organization, host, port, fingerprint, days."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a monitor connects to.

    alerting: it is active, and not in maintenance. addressed: somebody wants to be told of this monitor by mail.
    """

    monitor_id: int
    organization_id: int
    customer_id: int
    host: str
    port: int
    alerting: bool
    addressed: bool


async def endpoints(connection: Connection, monitor_ids: Sequence[int], *, now_ms: int) -> list[Endpoint]:
    """Where these monitors connect to, and all others of their organizations on the same hosts."""
    return [
        Endpoint(
            monitor_id=row["id"],
            organization_id=row["organization_id"],
            customer_id=row["customer_id"],
            host=row["host"],
            port=effective_port(row["port"], MailProtocol(row["protocol"]), Security(row["security"])),
            alerting=row["alerting"],
            addressed=row["addressed"],
        )
        for row in await connection.fetch(_ENDPOINTS, monitor_ids, now_ms)
    ]


async def insert_notices(connection: Connection, notices: Sequence[Notice], *, now_ms: int) -> set[Notice]:
    """Keep that these are told; which were not yet."""
    organizations, hosts, ports, fingerprints, days = (list(column) for column in zip(*notices, strict=True))
    rows = await connection.fetch(_INSERT, now_ms, organizations, hosts, ports, fingerprints, days)
    return {(r["organization_id"], r["host"], r["port"], r["fingerprint"], r["days"]) for r in rows}
