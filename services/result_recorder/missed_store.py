"""The table `missed`: slots as ranges, requests one by one; none of which has a result as well.

Whoever calls holds the locks of the monitors concerned (`monitor_store`), so that looking and writing are one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.result_recorder.missed_ranges import SPAN_MS, SlotRange, unaccounted, without_slots
from shared.checks.messages import MissedSlots
from shared.database.pool import Connection

# The ranges that these slots, which have a result now, were counted in.
_RANGES_HOLDING = """
SELECT m.id, m.organization_id, m.monitor_id, m.location_id, m.first_slot, m.count, m.interval_ms, m.reason,
       array_agg(slot.slot_at) AS slots
FROM unnest($1::bigint[], $2::int[], $3::bigint[]) AS slot(monitor_id, location_id, slot_at)
JOIN missed m ON m.kind = 'scheduled' AND m.monitor_id = slot.monitor_id AND m.location_id = slot.location_id
    AND m.first_slot BETWEEN slot.slot_at - $4::bigint AND slot.slot_at AND m.last_slot >= slot.slot_at
    AND (slot.slot_at - m.first_slot) % m.interval_ms = 0
GROUP BY m.id"""

_DELETE = "DELETE FROM missed WHERE id = ANY($1::bigint[])"

# What is known already within each of these ranges: other ranges, and results.
_RANGES_WITHIN = """
SELECT wanted.place, m.first_slot, m.count, m.interval_ms
FROM unnest($1::int[], $2::bigint[], $3::int[], $4::bigint[], $5::bigint[])
     AS wanted(place, monitor_id, location_id, first_slot, last_slot)
JOIN missed m ON m.kind = 'scheduled' AND m.monitor_id = wanted.monitor_id AND m.location_id = wanted.location_id
    AND m.first_slot BETWEEN wanted.first_slot - $6::bigint AND wanted.last_slot
    AND m.last_slot >= wanted.first_slot"""

_RESULTS_WITHIN = """
SELECT wanted.place, r.slot_at
FROM unnest($1::int[], $2::bigint[], $3::int[], $4::bigint[], $5::bigint[])
     AS wanted(place, monitor_id, location_id, first_slot, last_slot)
JOIN results r ON r.monitor_id = wanted.monitor_id AND r.location_id = wanted.location_id AND r.kind = 'scheduled'
    AND r.slot_at >= wanted.first_slot AND r.slot_at <= wanted.last_slot"""

_INSERT_RANGES = """
INSERT INTO missed (organization_id, monitor_id, location_id, kind, first_slot, last_slot, count, interval_ms, reason)
SELECT organization_id, monitor_id, location_id, 'scheduled', first_slot, last_slot, count, interval_ms, reason
FROM unnest($1::bigint[], $2::bigint[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[], $7::int[], $8::text[])
     AS new(organization_id, monitor_id, location_id, first_slot, last_slot, count, interval_ms, reason)"""

_INSERT_REQUESTS = """
INSERT INTO missed (organization_id, monitor_id, location_id, kind, first_slot, last_slot, count, interval_ms, reason,
                    check_id)
SELECT organization_id, monitor_id, location_id, kind, slot_at, slot_at, 1, interval_ms, reason, check_id
FROM unnest($1::bigint[], $2::bigint[], $3::int[], $4::text[], $5::bigint[], $6::int[], $7::text[], $8::uuid[])
     AS new(organization_id, monitor_id, location_id, kind, slot_at, interval_ms, reason, check_id)
WHERE NOT EXISTS (SELECT FROM results r WHERE r.check_id = new.check_id AND r.slot_at = new.slot_at)
ON CONFLICT (check_id) WHERE kind <> 'scheduled' DO NOTHING
RETURNING reason"""

_DELETE_REQUESTS = "DELETE FROM missed WHERE kind <> 'scheduled' AND check_id = ANY($1::uuid[])"


@dataclass(frozen=True, slots=True)
class _Piece:
    organization_id: int
    monitor_id: int
    location_id: int
    slots: SlotRange
    reason: str


async def free_slots(connection: Connection, arrived: Sequence[tuple[int, int, int]]) -> None:
    """Take slots (monitor, location, slot) that have a result after all out of the ranges that hold them."""
    if not arrived:
        return
    monitors, locations, slots = zip(*arrived, strict=True)
    rows = await connection.fetch(_RANGES_HOLDING, monitors, locations, slots, SPAN_MS)
    if not rows:
        return
    await connection.execute(_DELETE, [row["id"] for row in rows])
    await _insert(
        connection,
        [
            _Piece(row["organization_id"], row["monitor_id"], row["location_id"], left, row["reason"])
            for row in rows
            for left in without_slots(SlotRange(row["first_slot"], row["count"], row["interval_ms"]), row["slots"])
        ],
    )


async def free_requests(connection: Connection, check_ids: Sequence[UUID]) -> None:
    """The same for checks that were asked for out of turn."""
    if check_ids:
        await connection.execute(_DELETE_REQUESTS, check_ids)


async def insert_missed_slots(connection: Connection, missed: Sequence[tuple[int, MissedSlots]]) -> dict[str, int]:
    """Insert (location, missed) of slots, less what is accounted for; how many are new, by reason."""
    if not missed:
        return {}
    wanted = (
        list(range(len(missed))),
        [each.monitor_id for _, each in missed],
        [location_id for location_id, _ in missed],
        [each.first_slot for _, each in missed],
        [each.last_slot for _, each in missed],
    )
    ranges: dict[int, list[SlotRange]] = {}
    for row in await connection.fetch(_RANGES_WITHIN, *wanted, SPAN_MS):
        found = SlotRange(row["first_slot"], row["count"], row["interval_ms"])
        ranges.setdefault(row["place"], []).append(found)
    slots: dict[int, list[int]] = {}
    for row in await connection.fetch(_RESULTS_WITHIN, *wanted):
        slots.setdefault(row["place"], []).append(row["slot_at"])

    pieces: list[_Piece] = []
    in_this_batch: dict[tuple[int, int], list[SlotRange]] = {}
    for place, (location_id, each) in enumerate(missed):
        before = in_this_batch.setdefault((each.monitor_id, location_id), [])
        new = unaccounted(
            SlotRange(each.first_slot, each.count, each.interval_ms),
            ranges=[*ranges.get(place, ()), *before],
            slots=slots.get(place, ()),
        )
        before.extend(new)
        pieces += [_Piece(each.organization_id, each.monitor_id, location_id, left, each.reason) for left in new]
    await _insert(connection, pieces)
    counts: dict[str, int] = {}
    for piece in pieces:
        counts[piece.reason] = counts.get(piece.reason, 0) + piece.slots.count
    return counts


async def insert_missed_requests(connection: Connection, missed: Sequence[tuple[int, MissedSlots]]) -> dict[str, int]:
    """Insert (location, missed) of requests that have no result; how many are new, by reason."""
    if not missed:
        return {}
    ordered = sorted(missed, key=lambda each: str(each[1].check_id))
    rows = await connection.fetch(
        _INSERT_REQUESTS,
        [each.organization_id for _, each in ordered],
        [each.monitor_id for _, each in ordered],
        [location_id for location_id, _ in ordered],
        [each.kind for _, each in ordered],
        [each.first_slot for _, each in ordered],
        [each.interval_ms for _, each in ordered],
        [each.reason for _, each in ordered],
        [each.check_id for _, each in ordered],
    )
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["reason"]] = counts.get(row["reason"], 0) + 1
    return counts


async def _insert(connection: Connection, pieces: Sequence[_Piece]) -> None:
    if pieces:
        await connection.execute(
            _INSERT_RANGES,
            [piece.organization_id for piece in pieces],
            [piece.monitor_id for piece in pieces],
            [piece.location_id for piece in pieces],
            [piece.slots.first for piece in pieces],
            [piece.slots.last for piece in pieces],
            [piece.slots.count for piece in pieces],
            [piece.slots.interval_ms for piece in pieces],
            [piece.reason for piece in pieces],
        )
