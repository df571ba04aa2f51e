"""Messages and channels whose times were set by a clock that ran ahead, once it is right again: told now, not then."""

from services.notifier.persistence import LONGEST_REST_MS, LONGEST_RETRY_AFTER_MS, LONGEST_WAIT_MS
from shared.database.pool import Connection

# What was made, or told, further ahead than this was by another clock.
AHEAD_MS = 30_000

# One made ahead of now waits as long as it was to wait then; one told ahead of now is due.
_MESSAGES = """
UPDATE deliveries
SET due_at = CASE WHEN told_at > $2::bigint THEN least(due_at, $1::bigint)
                  ELSE due_at - greatest(0, created_at - $1) END,
    give_up_at = give_up_at - greatest(0, created_at - $1),
    created_at = least(created_at, $1),
    told_at = CASE WHEN told_at > $1 THEN $1 ELSE told_at END
WHERE created_at > $2 OR told_at > $2"""

_TRIES = """
UPDATE deliveries SET due_at = $1::bigint
WHERE state = 'pending' AND told_at IS NOT NULL AND due_at > $2::bigint"""

_LEASES = "UPDATE deliveries SET leased_until = $1::bigint WHERE state = 'pending' AND leased_until > $1"

_RESTS = "UPDATE notification_channels SET resting_until = $1::bigint WHERE resting_until > $2::bigint"


async def pull_back(connection: Connection, *, now_ms: int, lease_ms: int, just_seen: bool) -> None:
    """Nobody waits longer than from now on. Whoever holds a lease keeps it for as long as one lasts.

    Args:
        just_seen: the clock was seen to go back; else what a receiver asked us to wait for may be as far away.
    """
    longest_wait_ms = LONGEST_WAIT_MS if just_seen else LONGEST_RETRY_AFTER_MS
    await connection.execute(_MESSAGES, now_ms, now_ms + AHEAD_MS)
    await connection.execute(_TRIES, now_ms, now_ms + longest_wait_ms)
    await connection.execute(_LEASES, now_ms + lease_ms)
    await connection.execute(_RESTS, now_ms, now_ms + LONGEST_REST_MS)
