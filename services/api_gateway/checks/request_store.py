"""Checks asked for out of turn: handed over to the scheduler, which finishes them. Also where they can be made.

Inserts wake the scheduler (NOTIFY); it publishes them, or gives them up once `give_up_at` has passed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from services.api_gateway.monitors.description import StoredMonitor
from shared.checks.target import CheckTarget
from shared.checks.vocabulary import CheckKind, MailProtocol
from shared.database.pool import Connection

FIRST_GIVE_UP_MS = 5 * 60_000
TRIGGER_GIVE_UP_MS = 60_000
TEST_GIVE_UP_MS = 10_000

# Where a worker of this protocol is heard of; `silent_before` says who is silent, to everybody alike.
_LIVE = """
    SELECT l.id, l.code, l.name, l.country_code FROM locations l
    WHERE EXISTS (SELECT FROM location_workers w
                  WHERE w.location_id = l.id AND w.protocol = $1 AND w.last_seen_at > silent_before())
    ORDER BY l.id"""

_INSERT = """
    INSERT INTO check_requests (check_id, kind, organization_id, monitor_id, monitor_public_id, location_id, slot_at,
        start_at, give_up_at, reply_to, target, credential_id)
    SELECT $1, $2, $3, $4, $5, $6, now_ms, now_ms, now_ms + $7::bigint, $8, $9, $10
    FROM clock_ms() AS now_ms
    ON CONFLICT (monitor_id, location_id, kind)
        WHERE state = 'waiting' AND kind IN ('trigger', 'first', 'follow_up') DO NOTHING"""

_NOTIFY = "SELECT pg_notify('mailprobe_requests', '')"

# How long until an account's login that is under way must be over; not positive: none is.
_LOGIN_BUSY_MS = "SELECT login_busy_until($1, $2) - clock_ms()"


@dataclass(frozen=True, slots=True)
class LiveLocation:
    """A place where checks of one protocol can be made now."""

    id: int
    code: str
    name: str
    country_code: str | None


async def live_locations(connection: Connection, protocol: MailProtocol) -> list[LiveLocation]:
    """Locations with a worker of this protocol, in the order of their numbers."""
    return [LiveLocation(**row) for row in await connection.fetch(_LIVE, protocol)]


async def request_checks(
    connection: Connection,
    monitor: StoredMonitor,
    locations: Sequence[LiveLocation],
    *,
    kind: CheckKind,
    give_up_after_ms: int,
) -> None:
    """Ask for one check of the monitor at each location; what is asked already and still waits is not asked twice."""
    if not locations:
        return
    await connection.executemany(
        _INSERT,
        [
            (
                uuid4(),
                kind,
                monitor.organization_id,
                monitor.id,
                monitor.public_id,
                location.id,
                give_up_after_ms,
                None,
                None,
                None,
            )
            for location in locations
        ],
    )
    await connection.execute(_NOTIFY)


async def request_test(
    connection: Connection,
    organization_id: int,
    *,
    check_id: UUID,
    one_time_id: UUID,
    location: LiveLocation,
    target: CheckTarget,
    credential_id: UUID | None,
    reply_to: str,
) -> None:
    """Ask for one check of a target that no monitor stands for; its password is sealed to the one-time id."""
    await connection.execute(
        _INSERT,
        check_id,
        CheckKind.TEST,
        organization_id,
        0,
        one_time_id,
        location.id,
        TEST_GIVE_UP_MS,
        reply_to,
        target.model_dump(mode="json"),
        credential_id,
    )
    await connection.execute(_NOTIFY)


async def login_busy_ms(connection: Connection, *, host: str, user: str) -> int:
    """How long another login to this account may still take; 0 when none is under way."""
    left_ms: int = await connection.fetchval(_LOGIN_BUSY_MS, host, user)
    return max(0, left_ms)
