"""The table `canaries`, the newest of each protocol and location, and `hearing`, when we listened to signs of life."""

from collections.abc import Sequence

from shared.checks.messages import CheckResult
from shared.database.errors import translated_errors
from shared.database.pool import Pool, transaction

# A recorder not listening for so long has left a gap: signs of life were lost, or wait in their queue.
GAP_MS = 30_000

# A slot later than the clock was stored before the clock went back, and gives way.
_KEEP = """
INSERT INTO canaries AS c (location_id, protocol, slot_at, stored_at, passed, message)
SELECT l.id, u.protocol, u.slot_at, clock_ms(), u.passed, u.message
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::boolean[], $5::text[])
     AS u(code, protocol, slot_at, passed, message)
JOIN locations l ON l.code = u.code
ORDER BY l.id, u.protocol
ON CONFLICT (location_id, protocol) DO UPDATE
SET slot_at = excluded.slot_at, stored_at = excluded.stored_at, passed = excluded.passed, message = excluded.message
WHERE excluded.slot_at > c.slot_at OR c.slot_at > clock_ms() + 60000"""

_AGES = """
SELECT l.code, c.protocol, (clock_ms() - c.passed_at) / 1000.0 AS seconds
FROM canaries c JOIN locations l ON l.id = c.location_id WHERE c.passed_at IS NOT NULL"""

_HEAR = """
INSERT INTO hearing AS h (until_at, since_at, before_gap) SELECT now, now, now FROM (SELECT clock_ms() AS now) AS clock
ON CONFLICT (only_row) DO UPDATE
SET until_at = excluded.until_at,
    since_at = CASE WHEN abs(excluded.until_at - h.until_at) > $1::bigint THEN excluded.until_at ELSE h.since_at END,
    before_gap = CASE
        WHEN abs(excluded.until_at - h.until_at) <= $1::bigint THEN h.before_gap
        WHEN h.until_at - h.since_at < 120000 THEN least(h.before_gap, excluded.until_at)
        ELSE least(h.until_at, excluded.until_at) END"""


async def keep_canaries(pool: Pool, canaries: Sequence[CheckResult]) -> None:
    """Keep these where they are newer. Raises errors of the database."""
    newest = {
        (each.location, each.protocol): each
        for each in sorted(canaries, key=lambda each: each.slot_at)
        if each.protocol is not None
    }
    if not newest:
        return
    async with transaction(pool) as connection:
        await connection.execute(
            _KEEP,
            [location for location, _ in newest],
            [protocol for _, protocol in newest],
            [each.slot_at for each in newest.values()],
            [each.outcome.passed for each in newest.values()],
            [each.outcome.message for each in newest.values()],
        )


async def canary_ages(pool: Pool) -> dict[tuple[str, str], float]:
    """How many seconds ago the newest canary of each (location, protocol) that passed was stored."""
    with translated_errors():
        return {(row["code"], row["protocol"]): float(row["seconds"]) for row in await pool.fetch(_AGES)}


async def note_hearing(pool: Pool) -> None:
    """The workers' signs of life are listened to now."""
    async with transaction(pool) as connection:
        await connection.execute(_HEAR, GAP_MS)
