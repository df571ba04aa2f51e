"""The tables `locations` and `location_workers`: where checks are made, and by whom.

A location's number is permanent and decides when monitors are due there, so numbers are not wasted: a row is
inserted only after a look, under a lock, that it is missing.
"""

from collections.abc import Sequence

from shared.checks.messages import Presence
from shared.database.pool import Connection

# A location, or a protocol at one, not heard of for so long has come back rather than gone on. As in `health_store`.
SILENT_MS = 120_000
NEVER_SEEN = 0

_LOCK = "SELECT pg_advisory_xact_lock(hashtext('mailprobe.locations'))"

_NUMBERS = "SELECT code, id FROM locations WHERE code = ANY($1::text[])"

_INSERT_UNKNOWN = """
INSERT INTO locations (code, name, country_code, last_seen_at)
SELECT new.code, new.name, new.country_code, $4::bigint
FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS new(code, name, country_code, place)
WHERE NOT EXISTS (SELECT FROM locations l WHERE l.code = new.code)
ORDER BY new.place"""

_SEEN = """
UPDATE locations l
SET name = u.name, country_code = u.country_code, last_seen_at = greatest(l.last_seen_at, clock_ms())
FROM unnest($1::text[], $2::text[], $3::text[]) AS u(code, name, country_code)
WHERE l.code = u.code
RETURNING l.code, l.id"""

# Protocols at locations where somebody was at work until now.
_LIVE = """
SELECT DISTINCT l.code, w.protocol
FROM location_workers w JOIN locations l ON l.id = w.location_id
WHERE l.code = ANY($1::text[]) AND w.last_seen_at > clock_ms() - $2::bigint"""

_WORKERS_SEEN = """
INSERT INTO location_workers (location_id, protocol, worker, capacity, in_flight, canaries, last_seen_at)
SELECT l.id, u.protocol, u.worker, u.capacity, u.in_flight, u.canaries, clock_ms()
FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::int[], $6::boolean[])
     AS u(code, protocol, worker, capacity, in_flight, canaries)
JOIN locations l ON l.code = u.code
ON CONFLICT (location_id, protocol, worker) DO UPDATE
SET capacity = excluded.capacity, in_flight = excluded.in_flight, canaries = excluded.canaries,
    last_seen_at = greatest(location_workers.last_seen_at, excluded.last_seen_at)"""

_TELL = "SELECT pg_notify('mailprobe_locations', code) FROM unnest($1::text[]) AS code"

_FORGET_WORKERS = "DELETE FROM location_workers WHERE last_seen_at < clock_ms() - $1::bigint"


async def location_numbers(connection: Connection, codes: Sequence[str]) -> dict[str, int]:
    """The numbers of these locations. One that nobody announced yet gets its number now, and counts as never seen."""
    numbers = await _numbers(connection, codes)
    if unknown := sorted(set(codes) - set(numbers)):
        await _insert_unknown(connection, [(code, code, None) for code in unknown], seen_at=NEVER_SEEN)
        numbers = await _numbers(connection, codes)
    return numbers


async def keep_presence(connection: Connection, seen: Sequence[Presence]) -> list[str]:
    """Keep who is at work where; tells, and answers with, the locations at which something new is possible."""
    workers = {(each.location, each.protocol, each.worker): each for each in seen}
    ordered = [workers[key] for key in sorted(workers)]
    places = {each.location: each for each in ordered}
    codes = sorted(places)
    named = [(code, places[code].location_name or code, places[code].country_code) for code in codes]
    live = {(row["code"], row["protocol"]) for row in await connection.fetch(_LIVE, codes, SILENT_MS)}
    known = {row["code"] for row in await connection.fetch(_SEEN, *_columns(named))}
    if new := [place for place in named if place[0] not in known]:
        await _insert_unknown(connection, new, seen_at=NEVER_SEEN)
        await connection.fetch(_SEEN, *_columns(new))
    await connection.execute(
        _WORKERS_SEEN,
        [each.location for each in ordered],
        [each.protocol for each in ordered],
        [each.worker for each in ordered],
        [each.capacity for each in ordered],
        [each.in_flight for each in ordered],
        [each.canaries for each in ordered],
    )
    woken = sorted({each.location for each in ordered if (each.location, each.protocol) not in live})
    if woken:
        await connection.execute(_TELL, woken)
    return woken


async def forget_workers(connection: Connection, *, unseen_ms: int) -> None:
    """Remove workers that went long ago: each restart brings another name."""
    await connection.execute(_FORGET_WORKERS, unseen_ms)


async def _numbers(connection: Connection, codes: Sequence[str]) -> dict[str, int]:
    return {row["code"]: row["id"] for row in await connection.fetch(_NUMBERS, list(codes))}


async def _insert_unknown(
    connection: Connection, places: Sequence[tuple[str, str, str | None]], *, seen_at: int
) -> None:
    await connection.execute(_LOCK)
    await connection.execute(_INSERT_UNKNOWN, *_columns(places), seen_at)


def _columns(places: Sequence[tuple[str, str, str | None]]) -> tuple[list[str], list[str], list[str | None]]:
    return [code for code, _, _ in places], [name for _, name, _ in places], [country for _, _, country in places]
