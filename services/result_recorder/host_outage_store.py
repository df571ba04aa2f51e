"""The table `host_login_outages`: the last time a host refused everybody, one row a host."""

from collections.abc import Mapping, Sequence

from shared.checks.host_outages import FirstRefusal, HostOutage
from shared.checks.messages import LoginAttempt
from shared.database.pool import Connection

_ADVISORY_CLASS = 0x6D70_0003

_READ = "SELECT host, began_at, seen_at, sentinels, ended_at FROM host_login_outages WHERE host = ANY($1::text[])"

# Two recorders that each meet some of the refusals have to see those of the other.
_LOCK_HOSTS = """
SELECT pg_advisory_xact_lock($1::int, key)
FROM (SELECT DISTINCT hashtext(host) AS key FROM unnest($2::text[]) AS wanted(host) ORDER BY key) AS ordered"""

# Refusals lately of accounts that had worked, and were not let in since: the first of each, after an acceptance (or
# after one no longer remembered).
_FIRST_REFUSALS = """
SELECT h.host, h.user_name, min(h.at_ms) AS at_ms
FROM login_history h JOIN login_credentials c ON c.credential_id = h.credential_id
WHERE h.host = ANY($1::text[]) AND h.at_ms > $2::bigint AND h.outcome = 'refused'
  AND c.ever_accepted AND c.outcome IN ('refused', 'unknown')
  AND coalesce((
      SELECT p.outcome FROM login_history p
      WHERE p.host = h.host AND p.user_name = h.user_name AND p.at_ms < h.at_ms
        AND p.credential_id = h.credential_id AND p.outcome <> 'undecided'
      ORDER BY p.at_ms DESC LIMIT 1), 'accepted') = 'accepted'
GROUP BY h.host, h.user_name"""

_WRITE = """
INSERT INTO host_login_outages (host, began_at, seen_at, sentinels, ended_at) VALUES ($1, $2, $3, $4, NULL)
ON CONFLICT (host) DO UPDATE
SET began_at = excluded.began_at, seen_at = excluded.seen_at, sentinels = excluded.sentinels, ended_at = NULL"""

# Somebody who was refused in it is let in.
_END = """
UPDATE host_login_outages o SET ended_at = $4::bigint
WHERE o.ended_at IS NULL AND EXISTS (
    SELECT FROM unnest($1::text[], $2::text[], $3::bigint[]) AS let_in(host, user_name, at_ms)
    JOIN login_history h ON h.host = let_in.host AND h.user_name = let_in.user_name
    WHERE let_in.host = o.host AND h.outcome IN ('refused', 'unknown')
      AND h.at_ms >= o.began_at AND h.at_ms < let_in.at_ms)
RETURNING o.host"""

# The rungs of everybody else who was refused in it come now, one after the other. A row the scheduler took meanwhile
# is asked for anew, as in `login_store`.
_LIFT = """
INSERT INTO check_requests (check_id, kind, organization_id, monitor_id, monitor_public_id, location_id, slot_at,
                            start_at, give_up_at)
SELECT gen_random_uuid(), 'ladder', q.organization_id, q.monitor_id, q.monitor_public_id, q.location_id, turn.at,
       turn.at, turn.at + $3::bigint
FROM check_requests q
JOIN monitors m ON m.id = q.monitor_id
JOIN login_credentials c ON c.credential_id = m.credential_id AND c.outcome IN ('refused', 'unknown')
JOIN host_login_outages o ON o.host = c.host
CROSS JOIN LATERAL (SELECT $1::bigint + $4::bigint * ((hashtext(c.user_name) & 2147483647) % $5::int) AS at) AS turn
WHERE q.state = 'waiting' AND q.kind = 'ladder' AND q.start_at > turn.at
  AND c.host = ANY($2::text[]) AND c.at_ms >= o.began_at
ORDER BY q.monitor_id
ON CONFLICT (monitor_id) WHERE state = 'waiting' AND kind = 'ladder' DO UPDATE
SET check_id = excluded.check_id, slot_at = excluded.slot_at, start_at = excluded.start_at,
    give_up_at = excluded.give_up_at
WHERE check_requests.start_at > excluded.start_at
RETURNING monitor_id"""

_TELL = "SELECT pg_notify('mailprobe_requests', '')"


async def read_outages(connection: Connection, hosts: Sequence[str]) -> dict[str, HostOutage]:
    """The last outage of those hosts that had one."""
    return {
        row["host"]: HostOutage(row["began_at"], row["seen_at"], frozenset(row["sentinels"]), row["ended_at"])
        for row in await connection.fetch(_READ, hosts)
    }


async def lock_hosts(connection: Connection, hosts: Sequence[str]) -> None:
    """Let nobody else judge these hosts until the transaction ends. Comes after the locks of accounts."""
    await connection.execute(_LOCK_HOSTS, _ADVISORY_CLASS, hosts)


async def first_refusals(
    connection: Connection, hosts: Sequence[str], *, since_ms: int
) -> Mapping[str, Sequence[FirstRefusal]]:
    """The accounts that had worked and were refused since then, by host."""
    found: dict[str, list[FirstRefusal]] = {}
    for row in await connection.fetch(_FIRST_REFUSALS, hosts, since_ms):
        found.setdefault(row["host"], []).append(FirstRefusal(row["at_ms"], row["user_name"]))
    return found


async def write_outage(connection: Connection, host: str, outage: HostOutage) -> None:
    """Keep an outage that goes on."""
    await connection.execute(_WRITE, host, outage.began_at, outage.seen_at, sorted(outage.sentinels))


async def end_where_let_in(connection: Connection, let_in: Sequence[LoginAttempt], *, now_ms: int) -> list[str]:
    """End the outages in which one of these had been refused; at which hosts."""
    rows = await connection.fetch(
        _END,
        [attempt.host.lower() for attempt in let_in],
        [attempt.user.lower() for attempt in let_in],
        [attempt.at_ms for attempt in let_in],
        now_ms,
    )
    return sorted(row["host"] for row in rows)


async def lift_rungs(
    connection: Connection, hosts: Sequence[str], *, now_ms: int, give_up_ms: int, apart_ms: int, turns: int
) -> int:
    """Let those refused there try now, in so many turns; how many monitors there were."""
    lifted = len(await connection.fetch(_LIFT, now_ms, hosts, give_up_ms, apart_ms, turns))
    if lifted:
        await connection.execute(_TELL)
    return lifted
