"""check_requests: what was asked out of turn, and claimed slots that have to wait or to be watched.

A hand-over: gateway and recorder insert, the scheduler finishes.
"""

from collections.abc import Iterable
from typing import Any, TypeAlias
from uuid import UUID

from services.scheduler.plan import Queue, Send, Wait
from shared.database.errors import translated_errors
from shared.database.pool import Connection, Pool

Row: TypeAlias = Any  # asyncpg.Record

_OF_CHECK = """
    q.check_id, q.kind, q.organization_id, q.monitor_id, q.monitor_public_id, q.location_id, l.code AS location,
    q.slot_at, q.start_at, q.give_up_at, q.reply_to, q.target, q.waits_for, q.not_after, q.login_allowed,
    q.revision AS published_revision,
    coalesce(q.credential_id, m.credential_id) AS known_credential_id,
    m.id IS NOT NULL AND m.status <> 'disabled' AS stands, m.protocol, m.hostname, m.port, m.timeout_seconds, m.config,
    m.sealed_password, m.interval_ms, m.revision, m.credential_id, c.outcome = 'accepted' AS proven, c.ever_accepted
"""

# The queues that have something to publish now.
_NEAR_QUEUES = """
SELECT DISTINCT q.location_id, coalesce(m.protocol, q.target->>'protocol') AS protocol
FROM check_requests q LEFT JOIN monitors m ON m.id = q.monitor_id
WHERE q.state = 'waiting' AND q.start_at <= clock_ms() + $1
"""

# A check that has ended, whichever way.
_HAS_ENDED = """
(
    EXISTS (SELECT FROM results r WHERE r.check_id = q.check_id AND r.slot_at = q.slot_at)
    OR CASE q.kind
        WHEN 'test' THEN EXISTS (SELECT FROM login_history h WHERE h.check_id = q.check_id)
        WHEN 'scheduled' THEN coalesce((
            SELECT x.last_slot >= q.slot_at FROM missed x
            WHERE x.kind = 'scheduled' AND x.monitor_id = q.monitor_id AND x.location_id = q.location_id
              AND x.first_slot <= q.slot_at
            ORDER BY x.first_slot DESC LIMIT 1), false)
        ELSE EXISTS (SELECT FROM missed x WHERE x.kind <> 'scheduled' AND x.check_id = q.check_id)
    END)"""

# What one queue has to publish, what people wait for first; of a deleted monitor nobody knows the protocol, so
# whichever queue of the location comes first takes it. `ended`: published before, by a transaction that failed, and
# done or missed since.
_NEAR = f"""
SELECT {_OF_CHECK}, {_HAS_ENDED} AS ended
FROM check_requests q
JOIN locations l ON l.id = q.location_id
LEFT JOIN monitors m ON m.id = q.monitor_id
LEFT JOIN login_credentials c
    ON c.credential_id = CASE WHEN q.kind = 'test' THEN q.credential_id ELSE m.credential_id END
WHERE q.state = 'waiting' AND q.start_at <= $3 AND q.location_id = $1
  AND coalesce(m.protocol, q.target->>'protocol', $2) = $2
ORDER BY q.kind = 'scheduled', q.start_at LIMIT $4
FOR UPDATE OF q SKIP LOCKED
"""  # noqa: S608 - made of constants

# Requests nobody's queue has looked at in time: no worker of their protocol was ever seen there.
_ABANDONED = f"""
SELECT {_OF_CHECK}
FROM check_requests q
JOIN locations l ON l.id = q.location_id
LEFT JOIN monitors m ON m.id = q.monitor_id
LEFT JOIN login_credentials c ON c.credential_id = coalesce(q.credential_id, m.credential_id)
WHERE q.state = 'waiting' AND q.start_at <= $1 AND q.give_up_at < $1
ORDER BY q.start_at LIMIT $2
FOR UPDATE OF q SKIP LOCKED
"""  # noqa: S608

# Rows that wait, or are watched. A slot taken back by a clock that jumped may come by a second time.
_KEEP = """
INSERT INTO check_requests AS q (check_id, kind, organization_id, monitor_id, monitor_public_id, location_id, slot_at,
    start_at, give_up_at, reply_to, state, not_after, revision, login_allowed, waits_for, credential_id)
SELECT n.* FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::uuid[], $6::int[], $7::bigint[],
    $8::bigint[], $9::bigint[], $10::text[], $11::text[], $12::bigint[], $13::bigint[], $14::boolean[], $15::text[],
    $16::uuid[]) AS n
ON CONFLICT (check_id) DO UPDATE
SET slot_at = excluded.slot_at, start_at = excluded.start_at, give_up_at = excluded.give_up_at, state = excluded.state,
    not_after = excluded.not_after, revision = excluded.revision, login_allowed = excluded.login_allowed,
    waits_for = excluded.waits_for, credential_id = excluded.credential_id
"""

# A test's target holds a sealed password, which nobody needs any more.
_FINISH = "UPDATE check_requests SET state = 'finished', target = NULL WHERE check_id = ANY ($1::uuid[])"

# Published ones whose end is known.
_FINISH_ANSWERED = f"""
UPDATE check_requests q SET state = 'finished', target = NULL WHERE q.state = 'published' AND {_HAS_ENDED}
"""  # noqa: S608 - made of constants

# Published ones. $1: whose worker should have answered by then (not_after, the check's own deadline, some seconds).
_UNANSWERED = f"""
SELECT {_OF_CHECK},
    (SELECT g.host FROM login_grants g WHERE g.check_id = q.check_id LIMIT 1) AS granted_host,
    (SELECT g.user_name FROM login_grants g WHERE g.check_id = q.check_id LIMIT 1) AS granted_user
FROM check_requests q
JOIN locations l ON l.id = q.location_id
LEFT JOIN monitors m ON m.id = q.monitor_id
LEFT JOIN login_credentials c ON c.credential_id = coalesce(q.credential_id, m.credential_id)
WHERE q.state = 'published'
  AND q.not_after + coalesce(m.timeout_seconds * 1000, (q.target->>'timeout_ms')::int, 60000) + $2::int <= $1
ORDER BY q.not_after LIMIT $3
"""  # noqa: S608

# A clock that ran ahead and came back: nobody need wait for an answer longer than for one asked for now.
_PULL_BACK = """
UPDATE check_requests SET not_after = $2::bigint
WHERE location_id = $1 AND state = 'published' AND not_after > $2::bigint
"""

# One check each for monitors at locations whose last one is lost, unless one is about to come.
_ASK_AGAIN = """
INSERT INTO check_requests (check_id, kind, organization_id, monitor_id, monitor_public_id, location_id, slot_at,
    start_at, give_up_at)
SELECT gen_random_uuid(), 'first', m.organization_id, m.id, m.public_id, n.location_id, $3::bigint, n.start_at,
    n.start_at + $4::bigint
FROM unnest($1::bigint[], $2::int[], $5::bigint[]) AS n (monitor_id, location_id, start_at)
JOIN monitors m ON m.id = n.monitor_id AND m.status <> 'disabled'
WHERE NOT EXISTS (SELECT FROM check_requests q WHERE q.state = 'waiting' AND q.kind <> 'ladder'
                  AND q.monitor_id = n.monitor_id AND q.location_id = n.location_id)
ON CONFLICT DO NOTHING
"""

_DELETE_OLD = """
DELETE FROM check_requests WHERE check_id IN (
    SELECT check_id FROM check_requests WHERE state = 'finished' AND inserted_at < $1 ORDER BY inserted_at LIMIT $2)
"""

# Places at hosts that a predecessor gave away.
_RESERVED = """
SELECT lower(m.hostname) AS host, q.check_id, q.start_at
FROM check_requests q JOIN monitors m ON m.id = q.monitor_id
WHERE q.state = 'waiting' AND q.kind = 'scheduled' AND q.waits_for IN ('paced', 'outage')
ORDER BY q.start_at LIMIT 100000
"""

# Which of these have been checked least recently.
_LAST_CHECKED = """
SELECT h.monitor_id, h.location_id, h.last_slot FROM location_health h
JOIN unnest($1::bigint[], $2::int[]) AS n (monitor_id, location_id) USING (monitor_id, location_id)
"""

# Which of these checks have ended.
# A test leaves no result, only how its login went.
_RECORDED = """
SELECT n.check_id FROM unnest($1::uuid[], $2::bigint[]) AS n (check_id, slot_at)
WHERE EXISTS (SELECT FROM results r WHERE r.check_id = n.check_id AND r.slot_at = n.slot_at)
   OR EXISTS (SELECT FROM login_history h WHERE h.check_id = n.check_id)
"""


async def near_queues(pool: Pool, *, within_ms: int) -> set[tuple[int, str | None]]:
    """(location id, protocol) of the queues with requests to publish; None where only the location is known."""
    with translated_errors():
        rows = await pool.fetch(_NEAR_QUEUES, within_ms, timeout=10)
    return {(row["location_id"], row["protocol"]) for row in rows}


async def near(connection: Connection, queue: Queue, *, until: int, most: int) -> list[Row]:
    """The requests of a queue that start by then, locked."""
    return list(await connection.fetch(_NEAR, queue.location_id, queue.protocol, until, most))


async def abandoned(connection: Connection, *, now_ms: int, most: int) -> list[Row]:
    """Requests past their time that no queue has taken, locked."""
    return list(await connection.fetch(_ABANDONED, now_ms, most))


async def keep(connection: Connection, decisions: Iterable[Send | Wait]) -> None:
    """Write down what waits, and what was published and has to be watched."""
    columns = list(zip(*(_columns(decision) for decision in decisions), strict=True))
    if columns:
        await connection.execute(_KEEP, *(list(column) for column in columns))


def _columns(decision: Send | Wait) -> tuple[object, ...]:
    check = decision.check
    known = (
        check.check_id,
        check.kind,
        check.organization_id,
        check.monitor_id,
        check.monitor_public_id,
        check.location_id,
        check.slot_at,
        decision.start_at,
    )
    if isinstance(decision, Send):
        after = ("published", decision.not_after, check.revision, decision.may_log_in, None, check.credential_id)
        return (*known, check.give_up_at, check.reply_to, *after)
    # Of a test the row alone knows the credential; a monitor's is read anew when it is published.
    return (
        *known,
        decision.give_up_at,
        check.reply_to,
        "waiting",
        None,
        None,
        False,
        decision.waits_for,
        check.credential_id,
    )


async def finish(connection: Connection, check_ids: Iterable[UUID]) -> None:
    """Nothing more is to be done about these."""
    if ids := list(check_ids):
        await connection.execute(_FINISH, ids)


async def finish_answered(connection: Connection) -> None:
    """Finish what has a result, or is recorded as missed."""
    await connection.execute(_FINISH_ANSWERED)


async def unanswered(connection: Connection, *, now_ms: int, grace_ms: int, most: int) -> list[Row]:
    """Published requests whose time for an answer is over."""
    return list(await connection.fetch(_UNANSWERED, now_ms, grace_ms, most))


async def pull_back(connection: Connection, queue: Queue, *, latest_not_after: int) -> None:
    """What was published for a time further ahead, before the clock went back, may be begun until then."""
    await connection.execute(_PULL_BACK, queue.location_id, latest_not_after)


async def ask_again(
    connection: Connection, places: list[tuple[int, int]], starts: list[int], *, now_ms: int, give_up_after_ms: int
) -> None:
    """Ask for a check of each (monitor, location) at its time."""
    monitors, locations = [place[0] for place in places], [place[1] for place in places]
    await connection.execute(_ASK_AGAIN, monitors, locations, now_ms, give_up_after_ms, starts)


async def delete_finished(connection: Connection, *, before: int, most: int) -> int:
    """Forget finished requests that were inserted before then; answers how many."""
    return int((await connection.execute(_DELETE_OLD, before, most)).rpartition(" ")[2])


async def reserved_places(session: Connection) -> list[tuple[str, UUID, int]]:
    """(host, check, time) of what waits for its turn."""
    with translated_errors():
        rows = await session.fetch(_RESERVED, timeout=20)
    return [(row["host"], row["check_id"], row["start_at"]) for row in rows]


async def last_checked(pool: Pool, places: list[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """The newest counted slot of each (monitor, location) that has one."""
    with translated_errors():
        rows = await pool.fetch(_LAST_CHECKED, [place[0] for place in places], [place[1] for place in places])
    return {(row["monitor_id"], row["location_id"]): row["last_slot"] for row in rows}


async def recorded(pool: Pool, checks: dict[UUID, int]) -> set[UUID]:
    """Those of these checks (with their slots) whose end is recorded."""
    with translated_errors():
        rows = await pool.fetch(_RECORDED, list(checks), list(checks.values()))
    return {row["check_id"] for row in rows}
