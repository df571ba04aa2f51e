"""Messages about monitors that have never passed: which wait, of which monitors, and what these are like by now."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from services.notifier.content import Newcomer
from services.notifier.vocabulary import Event
from shared.database.pool import Connection

# What a message tells of at most; more of them is a mistake of one kind, which these show as well.
MOST_MONITORS = 1000

_MAKERS = "SELECT monitor_id, email FROM monitor_makers WHERE monitor_id = ANY($1::bigint[])"

# One message of a target gathers all that come while it waits.
_WAITING = f"""
SELECT DISTINCT ON (target) target, id FROM deliveries
WHERE target = ANY($1::text[]) AND event = '{Event.NEVER_PASSED}' AND state = 'pending' AND told_at IS NULL
ORDER BY target, id"""  # noqa: S608 - made of constants

_ADD = """
UPDATE deliveries d SET facts = jsonb_set(d.facts, '{monitors}', (
    SELECT jsonb_agg(DISTINCT number) FROM jsonb_array_elements(d.facts -> 'monitors' || u.more) AS number))
FROM (SELECT id, jsonb_agg(number) AS more FROM unnest($1::bigint[], $2::bigint[]) AS new(id, number) GROUP BY id) AS u
WHERE d.id = u.id"""

_STILL_FAILING = """
SELECT m.name, m.protocol, m.hostname, m.config ->> 'user' AS user_name, h.message
FROM monitors m JOIN monitor_health h ON h.monitor_id = m.id
WHERE m.id = ANY($1::bigint[]) AND m.status = 'active' AND h.first_passed_at IS NULL
ORDER BY m.hostname, m.name, m.id LIMIT $2"""

# All of them passed meanwhile, or were paused or removed: nothing is left to say.
_WITHDRAW = f"""
UPDATE deliveries d SET state = 'withdrawn'
WHERE d.event = '{Event.NEVER_PASSED}' AND d.state = 'pending' AND d.told_at IS NULL AND d.due_at <= $1
  AND NOT EXISTS (
      SELECT FROM monitors m JOIN monitor_health h ON h.monitor_id = m.id
      WHERE m.id IN (SELECT number::bigint FROM jsonb_array_elements_text(d.facts -> 'monitors') AS number)
        AND m.status = 'active' AND h.first_passed_at IS NULL)"""  # noqa: S608


async def makers(connection: Connection, monitors: Iterable[int]) -> dict[int, str]:
    """The e-mail addresses of those who made these monitors, where they are known."""
    return {row["monitor_id"]: row["email"] for row in await connection.fetch(_MAKERS, list(monitors))}


async def waiting(connection: Connection, targets: Iterable[str]) -> dict[str, int]:
    """The message that gathers, by target, of those that have one."""
    return {row["target"]: row["id"] for row in await connection.fetch(_WAITING, list(targets))}


async def add(connection: Connection, more: Mapping[int, Sequence[int]]) -> None:
    """Let these messages tell of these monitors too."""
    if more:
        pairs = [(message, monitor) for message, monitors in more.items() for monitor in monitors]
        await connection.execute(_ADD, [message for message, _ in pairs], [monitor for _, monitor in pairs])


async def still_failing(connection: Connection, facts: Mapping[str, Any]) -> list[Newcomer]:
    """Of a message's monitors those that have not passed yet."""
    rows = await connection.fetch(_STILL_FAILING, facts["monitors"], MOST_MONITORS)
    return [Newcomer(**row) for row in rows]


async def withdraw_settled(connection: Connection, *, now_ms: int) -> None:
    """Take back messages of whose monitors none is left that never passed."""
    await connection.execute(_WITHDRAW, now_ms)
