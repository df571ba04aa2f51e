"""What the doctor reads of the database, as whichever roles the login may act as."""

import time
from dataclasses import dataclass
from typing import Any

from shared.database.migrations import applied_and_wanted
from shared.database.operating import operators_connection
from shared.database.pool import GATEWAY_ROLE, NOTIFIER_ROLE, PIPELINE_ROLE, Connection

ROLES = (GATEWAY_ROLE, PIPELINE_ROLE, NOTIFIER_ROLE)

_VERSION = "SELECT current_setting('server_version'), current_setting('server_version_num')::integer, current_user"
_CLOCK = "SELECT extract(epoch FROM clock_timestamp())::float8"
_ROLES = """
SELECT rolname, rolsuper OR rolbypassrls AS unbound, pg_has_role(current_user, oid, 'MEMBER') AS ours
FROM pg_roles WHERE rolname = ANY($1)"""
# Partitions are reached by way of their parent alone, whose policies hold.
_UNFORCED = """
SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id'
WHERE c.relnamespace = 'mailprobe'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
ORDER BY 1"""
_QUEUES = """
SELECT DISTINCT s.protocol, l.code FROM schedule s JOIN locations l ON l.id = s.location_id
WHERE s.active ORDER BY 1, 2 LIMIT 1000"""
_HOSTS = """
SELECT DISTINCT ON (hostname) hostname, port, protocol, config
FROM monitors WHERE status = 'active' ORDER BY hostname, id LIMIT $1"""
_SEALED = """
SELECT split_part(sealed_password, '.', 2) AS key, count(*)::integer AS sealed
FROM monitors WHERE sealed_password IS NOT NULL GROUP BY 1"""
_CHANNELS_SEALED = """
SELECT split_part(each.value, '.', 2) AS key, count(*)::integer AS sealed
FROM notification_channels c, json_each_text(c.sealed_secrets::json) each WHERE c.sealed_secrets IS NOT NULL
GROUP BY 1"""
# Channels of mail in use, and active monitors with an address of their own.
_MAIL_WANTED = """
SELECT (SELECT count(*) FROM notification_channels WHERE type = 'email' AND is_active)::integer,
       (SELECT count(*) FROM monitors
        WHERE status = 'active' AND nullif(notification_email, '') IS NOT NULL)::integer"""
_UNTOLD = "SELECT coalesce(sum(monitors), 0)::integer, count(*)::integer FROM customers_nobody_is_told_of"
_PULSE = """
SELECT l.code, w.protocol, (clock_ms() - max(c.passed_at))::float8 / 1000 AS age,
       max(c.message) FILTER (WHERE NOT c.passed) AS fault
FROM location_workers w JOIN locations l ON l.id = w.location_id
LEFT JOIN canaries c ON c.location_id = w.location_id AND c.protocol = w.protocol
WHERE w.last_seen_at > silent_before()
GROUP BY 1, 2 ORDER BY 1, 2"""
_UNPARTITIONED = """
SELECT bool_or(to_regclass('mailprobe.results_' || to_char(to_timestamp(clock_ms() / 1000 + day * 86400)
                                                           AT TIME ZONE 'UTC', 'YYYYMMDD')) IS NULL)
FROM generate_series(0, 1) day"""


@dataclass(frozen=True, slots=True)
class Pulse:
    """A live place, and how many seconds ago its newest canary that passed was stored; None: none ever was.

    `fault`: what the newest one failed of.
    """

    location: str
    protocol: str
    age_seconds: float | None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """What was read; None where this login may not see it."""

    version: str
    version_number: int
    user: str
    skew_seconds: float  # ours less the database's
    applied: int
    wanted: int
    roles: dict[str, bool]  # by name: whether this login may act as it
    unbound_roles: tuple[str, ...]
    unforced_tables: tuple[str, ...] = ()
    queues: tuple[tuple[str, str], ...] | None = None  # protocol, location
    hosts: tuple[tuple[str, int | None, str, dict[str, object]], ...] | None = None
    pulses: tuple[Pulse, ...] | None = None
    unpartitioned: bool | None = None  # whether today or tomorrow has no partition
    keys_of_passwords: dict[str, int] | None = None  # how many seals, by key
    keys_of_channels: dict[str, int] | None = None
    untold: tuple[int, int] | None = None  # monitors, customers
    mail_wanted: tuple[int, int] | None = None  # channels, monitors with an address of their own


async def read_facts(dsn: str, *, most_hosts: int) -> DatabaseFacts:
    """All of it. Raises DatabaseError."""
    async with operators_connection(dsn, role=None, application_name="mailprobe doctor") as connection:
        return await _read(connection, most_hosts)


async def _read(connection: Connection, most_hosts: int) -> DatabaseFacts:
    version, number, user = await connection.fetchrow(_VERSION)
    began = time.time()
    theirs = await connection.fetchval(_CLOCK)
    ended = time.time()
    applied, wanted = await applied_and_wanted(connection)
    rows = await connection.fetch(_ROLES, list(ROLES))
    roles = {row["rolname"]: row["ours"] for row in rows}
    facts: dict[str, Any] = {
        "version": version,
        "version_number": number,
        "user": user,
        "skew_seconds": (began + ended) / 2 - theirs,
        "applied": applied,
        "wanted": wanted,
        "roles": roles,
        "unbound_roles": tuple(row["rolname"] for row in rows if row["unbound"]),
    }
    if applied < wanted:
        return DatabaseFacts(**facts)
    facts["unforced_tables"] = tuple(row["relname"] for row in await connection.fetch(_UNFORCED))
    if roles.get(PIPELINE_ROLE):
        await _act_as(connection, PIPELINE_ROLE)
        facts |= {
            "queues": tuple((row["protocol"], row["code"]) for row in await connection.fetch(_QUEUES)),
            "hosts": tuple(tuple(row) for row in await connection.fetch(_HOSTS, most_hosts)),
            "pulses": tuple(Pulse(*row) for row in await connection.fetch(_PULSE)),
            "unpartitioned": await connection.fetchval(_UNPARTITIONED),
            "keys_of_passwords": {row["key"]: row["sealed"] for row in await connection.fetch(_SEALED)},
        }
    if roles.get(NOTIFIER_ROLE):
        await _act_as(connection, NOTIFIER_ROLE)
        facts |= {
            "keys_of_channels": {row["key"]: row["sealed"] for row in await connection.fetch(_CHANNELS_SEALED)},
            "untold": tuple(await connection.fetchrow(_UNTOLD)),
            "mail_wanted": tuple(await connection.fetchrow(_MAIL_WANTED)),
        }
    return DatabaseFacts(**facts)


async def _act_as(connection: Connection, role: str) -> None:
    await connection.execute(f'SET ROLE "{role}"')
