"""What is known of logins, in as many queries for a tick as for one check; and the grants: who may log in now."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from shared.checks.host_outages import HostOutage
from shared.checks.logins import HISTORY_MS, HOST_WINDOW_MS, LoginEvent
from shared.checks.vocabulary import LoginOutcome
from shared.database.errors import translated_errors
from shared.database.pool import Connection, Pool

Account = tuple[str, str]  # host, user: both in lower case

_EVENTS = """
SELECT h.host, h.user_name, h.at_ms, h.credential_id, h.outcome
FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::text[]) AS n (host, user_name)) n
JOIN login_history h USING (host, user_name)
WHERE h.at_ms > $3 AND h.outcome IN ('accepted', 'refused', 'unknown')
ORDER BY h.at_ms
"""

# Refusals of credentials that were never let in, by host.
_HOST_REFUSALS = """
SELECT h.host, h.at_ms FROM login_history h LEFT JOIN login_credentials c USING (credential_id)
WHERE h.host = ANY ($1::text[]) AND h.at_ms > $2 AND h.outcome IN ('refused', 'unknown')
  AND NOT coalesce(c.ever_accepted, false)
ORDER BY h.at_ms
"""

_OUTAGES = "SELECT host, began_at, seen_at, sentinels, ended_at FROM host_login_outages WHERE host = ANY ($1::text[])"

_WITH_REFUSAL = """
SELECT DISTINCT monitor_id FROM location_health
WHERE monitor_id = ANY ($1::bigint[]) AND last_refusal IS NOT NULL
"""

# A grant passes on when its check has ended: it is recorded (of a `test`, how its login went), or finished; or when
# its time is up and nothing is known to be under way. A check whose time is up without an answer is followed through
# its request: it ends by being recorded as a login of unknown outcome, which the next one then is judged by.
# No check gets one twice, nor once it has ended: its job may have gone out, in a transaction that failed or under a
# scheduler that died, and its answer be lost; and a grant of one that has ended would pass on at once. Given up while
# it waited (no not_after), it may be under way all the same.
_TAKE = """
INSERT INTO login_grants AS g (host, user_name, check_id, slot_at, expires_at)
SELECT n.* FROM unnest($1::text[], $2::text[], $3::uuid[], $4::bigint[], $5::bigint[])
    AS n (host, user_name, check_id, slot_at, expires_at)
WHERE NOT EXISTS (SELECT FROM results r WHERE r.check_id = n.check_id AND r.slot_at = n.slot_at)
  AND NOT EXISTS (SELECT FROM login_history h WHERE h.check_id = n.check_id)
ORDER BY 1, 2
ON CONFLICT (host, user_name) DO UPDATE
SET check_id = excluded.check_id, slot_at = excluded.slot_at, expires_at = excluded.expires_at
WHERE g.check_id <> excluded.check_id AND (
    EXISTS (SELECT FROM results r WHERE r.check_id = g.check_id AND r.slot_at = g.slot_at)
    OR EXISTS (SELECT FROM login_history h WHERE h.check_id = g.check_id)
    OR EXISTS (SELECT FROM check_requests q
               WHERE q.check_id = g.check_id AND q.state = 'finished' AND q.not_after IS NOT NULL)
    OR (g.expires_at < $6
        AND NOT EXISTS (SELECT FROM check_requests q WHERE q.check_id = g.check_id AND q.state = 'published')))
RETURNING check_id
"""

_RELEASE = """
DELETE FROM login_grants g USING unnest($1::uuid[], $2::text[], $3::text[]) AS n (check_id, host, user_name)
WHERE g.host = n.host AND g.user_name = n.user_name AND g.check_id = n.check_id
"""

# A clock that ran ahead and came back: a login whose answer was lost holds up its account no longer than any.
_PULL_BACK = "UPDATE login_grants SET expires_at = $1::bigint WHERE expires_at > $1::bigint"

_BUSY_UNTIL = """
SELECT g.host, g.user_name, g.expires_at FROM login_grants g
JOIN unnest($1::text[], $2::text[]) AS n (host, user_name) USING (host, user_name)
"""


@dataclass(frozen=True, slots=True)
class Histories:
    """What the rules for logins go by, of several accounts at once."""

    events: dict[Account, list[LoginEvent]] = field(default_factory=lambda: defaultdict(list))
    host_refusals_ms: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    outages: dict[str, HostOutage] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GrantWanted:
    """One check that may log in only where nobody else does."""

    account: Account
    check_id: UUID
    slot_at: int
    expires_at: int


async def histories(pool: Pool, accounts: Iterable[Account], *, now_ms: int) -> Histories:
    """The logins of these accounts, and the refusals at their hosts."""
    known = Histories()
    wanted = sorted(set(accounts))
    if not wanted:
        return known
    hosts = sorted({host for host, _ in wanted})
    with translated_errors():
        events = await pool.fetch(
            _EVENTS, [host for host, _ in wanted], [user for _, user in wanted], now_ms - HISTORY_MS
        )
        refusals = await pool.fetch(_HOST_REFUSALS, hosts, now_ms - HOST_WINDOW_MS)
        outages = await pool.fetch(_OUTAGES, hosts)
    for row in events:
        known.events[row["host"], row["user_name"]].append(
            LoginEvent(row["at_ms"], row["credential_id"], LoginOutcome(row["outcome"]))
        )
    for row in refusals:
        known.host_refusals_ms[row["host"]].append(row["at_ms"])
    for row in outages:
        known.outages[row["host"]] = HostOutage(
            row["began_at"], row["seen_at"], frozenset(row["sentinels"]), row["ended_at"]
        )
    return known


async def with_refusal(pool: Pool, monitor_ids: Iterable[int]) -> set[int]:
    """Those of these monitors whose own last login was refused, at any of their locations."""
    with translated_errors():
        rows = await pool.fetch(_WITH_REFUSAL, list(monitor_ids))
    return {row["monitor_id"] for row in rows}


async def take_grants(connection: Connection, wanted: list[GrantWanted], *, now_ms: int) -> set[UUID]:
    """The checks that were given their account's login; at most one wanted of an account at a time, none that ended."""
    rows = await connection.fetch(
        _TAKE,
        [want.account[0] for want in wanted],
        [want.account[1] for want in wanted],
        [want.check_id for want in wanted],
        [want.slot_at for want in wanted],
        [want.expires_at for want in wanted],
        now_ms,
    )
    return {row["check_id"] for row in rows}


async def release_grants(connection: Connection, unused: list[GrantWanted]) -> None:
    """These were given and not used: no login went out."""
    await connection.execute(
        _RELEASE,
        [want.check_id for want in unused],
        [want.account[0] for want in unused],
        [want.account[1] for want in unused],
    )


async def pull_back_grants(connection: Connection, *, latest: int) -> None:
    """What was granted until later, before the clock went back, ends then."""
    await connection.execute(_PULL_BACK, latest)


async def busy_until(pool: Pool, accounts: list[Account]) -> dict[Account, int]:
    """When the time of those who hold these accounts' logins is up."""
    with translated_errors():
        rows = await pool.fetch(_BUSY_UNTIL, [host for host, _ in accounts], [user for _, user in accounts])
    return {(row["host"], row["user_name"]): row["expires_at"] for row in rows}
