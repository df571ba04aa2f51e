"""Follow-ups among `check_requests`: a hand-over, inserted here and finished by the scheduler.

At most one waits of a monitor; another one replaces it. Its slot is the time it is to begin, so that it takes its
place among the slots of its location.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from shared.database.pool import Connection

GIVE_UP_MS = 60_000

_WITHDRAW = """
DELETE FROM check_requests WHERE monitor_id = ANY($1::bigint[]) AND kind = 'follow_up' AND state = 'waiting'"""

_ASK = """
INSERT INTO check_requests (check_id, kind, organization_id, monitor_id, monitor_public_id, location_id, slot_at,
                            start_at, give_up_at)
SELECT check_id, 'follow_up', organization_id, monitor_id, public_id, location_id, start_at, start_at, start_at + $1
FROM unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::uuid[], $6::int[], $7::bigint[])
     AS asked(check_id, organization_id, monitor_id, public_id, location_id, start_at)
ON CONFLICT (monitor_id, location_id, kind)
    WHERE state = 'waiting' AND kind IN ('trigger', 'first', 'follow_up') DO NOTHING"""

_TELL = "SELECT pg_notify('mailprobe_requests', '')"


@dataclass(frozen=True, slots=True)
class FollowUp:
    """One more look at a monitor."""

    organization_id: int
    monitor_id: int
    public_id: UUID
    location_id: int
    start_at: int


async def withdraw(connection: Connection, monitor_ids: Sequence[int]) -> None:
    """Ask no more for those that still wait."""
    if monitor_ids:
        await connection.execute(_WITHDRAW, sorted(monitor_ids))


async def ask(connection: Connection, wanted: Sequence[FollowUp], *, now_ms: int) -> None:
    """Ask for these, instead of any that wait for the same monitors."""
    if not wanted:
        return
    ordered = sorted(wanted, key=lambda each: each.monitor_id)
    await withdraw(connection, [each.monitor_id for each in ordered])
    await connection.execute(
        _ASK,
        GIVE_UP_MS,
        [uuid4() for _ in ordered],
        [each.organization_id for each in ordered],
        [each.monitor_id for each in ordered],
        [each.public_id for each in ordered],
        [each.location_id for each in ordered],
        [each.start_at for each in ordered],
    )
    if any(each.start_at <= now_ms for each in ordered):
        await connection.execute(_TELL)
