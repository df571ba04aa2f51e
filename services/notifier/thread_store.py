"""Threads of messages in `deliveries` and `delivery_incidents`, and the outbox rows they are made of."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from services.notifier.thread import Notice, Thread
from services.notifier.vocabulary import GIVE_UP_MS, Event
from shared.database.pool import Connection

# One process plans at a time; the others send all the same.
_LOCK = "SELECT pg_try_advisory_xact_lock(hashtext('mailprobe.notifier.planning'))"

_OUTBOX = """
SELECT id, organization_id, customer_id, monitor_id, kind, incident_id, group_id, at, facts
FROM outbox WHERE taken_at IS NULL AND id <> ALL($2::bigint[]) ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED"""

_TAKEN = "UPDATE outbox SET taken_at = $2 WHERE id = ANY($1::bigint[])"

_FORGET = "DELETE FROM outbox WHERE taken_at < $1"

# What was said is of no further use once it arrived, or never will; that it was said is history.
_FORGET_CONTENT = """
UPDATE deliveries SET content = NULL, trial = NULL
WHERE state <> 'pending' AND created_at < $1 AND (content IS NOT NULL OR trial IS NOT NULL)"""

# Messages of long ago; whoever another one speaks of goes after it.
_FORGET_MESSAGES = """
DELETE FROM deliveries WHERE id IN (
    SELECT d.id FROM (SELECT id, state, created_at FROM deliveries ORDER BY id LIMIT $2) AS d
    WHERE d.state <> 'pending' AND d.created_at < $1
      AND NOT EXISTS (SELECT FROM deliveries o WHERE o.sent_with = d.id)
      AND NOT EXISTS (SELECT FROM deliveries o WHERE o.fallback_for = d.id))"""

_PENDING = "SELECT count(*) FROM outbox WHERE taken_at IS NULL"

# What a fallback was told repeats what its channel was told.
_NOTICES = """
SELECT d.id, d.public_id, d.target, d.group_id, d.event, d.state, d.due_at, d.told_at, d.incidents,
       coalesce(array_agg(di.incident_id) FILTER (WHERE di.transition = 'opened'), '{}') AS opened,
       coalesce(array_agg(di.incident_id) FILTER (WHERE di.transition = 'resolved'), '{}') AS resolved
FROM deliveries d LEFT JOIN delivery_incidents di ON di.delivery_id = d.id
WHERE d.group_id = ANY($1::bigint[]) AND d.target IS NOT NULL AND d.fallback_for IS NULL
  AND d.event IN ('opened', 'update', 'reminder', 'resolved') AND ($2::text IS NULL OR d.target = $2)
  AND (d.state <> 'withdrawn')
GROUP BY d.id ORDER BY d.id"""

_TARGET_OF = """
SELECT organization_id, channel_id, address, channel_type, channel_name FROM deliveries
WHERE target = $1 ORDER BY id DESC LIMIT 1"""

_STILL_OPEN = "SELECT id FROM incidents WHERE id = ANY($1::bigint[]) AND resolved_at IS NULL"

_INSERT = """
INSERT INTO deliveries (public_id, organization_id, channel_id, address, channel_type, channel_name, group_id, event,
                        created_at, due_at, give_up_at, facts)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::bigint[],
                     $8::text[], $9::bigint[], $10::bigint[], $11::bigint[], $12::jsonb[])
RETURNING id, public_id"""

_CHANGE = """
UPDATE deliveries d
SET due_at = u.due_at, give_up_at = u.due_at + $4, state = CASE WHEN u.gone THEN 'withdrawn' ELSE d.state END
FROM unnest($1::bigint[], $2::bigint[], $3::boolean[]) AS u(id, due_at, gone)
WHERE d.id = u.id AND d.state = 'pending'"""

_UNLINK = """
DELETE FROM delivery_incidents di
USING unnest($1::bigint[], $2::bigint[], $3::text[]) AS u(delivery, incident, transition)
WHERE di.delivery_id = u.delivery AND di.incident_id = u.incident AND di.transition = u.transition"""

_LINK = """
INSERT INTO delivery_incidents (delivery_id, incident_id, organization_id, transition)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[])
ON CONFLICT DO NOTHING"""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """Something to tell."""

    id: int
    organization_id: int
    customer_id: int | None
    monitor_id: int | None
    kind: str
    incident_id: int | None
    group_id: int | None
    at: int
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Target:
    """Who is told: a channel, or a monitor's own address."""

    organization_id: int
    channel_id: int | None
    address: str | None
    type: str
    name: str

    @property
    def key(self) -> str:
        """As the column `target` has it."""
        if self.channel_id is not None:
            return f"channel {self.channel_id}"
        return f"address {self.organization_id} {self.address}"


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A message to store: whom for, of which outage, and what no incident says."""

    target: Target
    group_id: int | None
    notice: Notice
    facts: dict[str, Any]
    about: tuple[int, ...] = ()  # incidents it is about otherwise than as opened or resolved


async def plan_alone(connection: Connection) -> bool:
    """Whether this transaction is the one that plans."""
    return bool(await connection.fetchval(_LOCK))


async def clock_ms(connection: Connection) -> int:
    """Now, on the clock everything goes by."""
    return int(await connection.fetchval("SELECT clock_ms()"))


async def take_outbox(connection: Connection, *, most: int, but: Iterable[int] = ()) -> list[OutboxRow]:
    """The oldest rows, all `but` these."""
    return [OutboxRow(**row) for row in await connection.fetch(_OUTBOX, most, list(but))]


async def mark_taken(connection: Connection, rows: Iterable[OutboxRow], *, now_ms: int) -> None:
    await connection.execute(_TAKEN, [row.id for row in rows], now_ms)


async def forget(connection: Connection, *, before_ms: int) -> None:
    """Remove what was taken, and the words of what was told, before this time."""
    await connection.execute(_FORGET, before_ms)
    await connection.execute(_FORGET_CONTENT, before_ms)


async def forget_messages(connection: Connection, *, before_ms: int, most: int) -> int:
    """Delete messages that ended and were made before this time; answers how many."""
    return int((await connection.execute(_FORGET_MESSAGES, before_ms, most)).rpartition(" ")[2])


async def outbox_pending(connection: Connection) -> int:
    return int(await connection.fetchval(_PENDING))


async def threads(
    connection: Connection, group_ids: Iterable[int], *, target: str | None = None
) -> dict[tuple[int, str], Thread]:
    """The threads of these groups, by group and target."""
    found: dict[tuple[int, str], Thread] = {}
    for row in await connection.fetch(_NOTICES, list(group_ids), target):
        notice = Notice(
            event=Event(row["event"]),
            due_at=row["due_at"],
            public_id=row["public_id"],
            delivery_id=row["id"],
            told_at=row["told_at"],
            open_told=row["incidents"],
            opened=set(row["opened"]),
            resolved=set(row["resolved"]),
        )
        notice.stored = (notice.due_at, notice.links)
        found.setdefault((row["group_id"], row["target"]), Thread()).notices.append(notice)
    return found


async def target_of(connection: Connection, key: str) -> Target:
    """Whom the column `target` means, by the newest message to it."""
    row = await connection.fetchrow(_TARGET_OF, key)
    return Target(row["organization_id"], row["channel_id"], row["address"], row["channel_type"], row["channel_name"])


async def still_open(connection: Connection, ids: Iterable[int]) -> set[int]:
    return {row["id"] for row in await connection.fetch(_STILL_OPEN, list(ids))}


async def insert_deliveries(connection: Connection, new: list[NewDelivery], *, now_ms: int) -> None:
    """Store new messages with the incidents they tell of."""
    if not new:
        return
    rows = await connection.fetch(
        _INSERT,
        [each.notice.public_id for each in new],
        [each.target.organization_id for each in new],
        [each.target.channel_id for each in new],
        [each.target.address for each in new],
        [each.target.type for each in new],
        [each.target.name for each in new],
        [each.group_id for each in new],
        [each.notice.event.value for each in new],
        [now_ms] * len(new),
        [each.notice.due_at for each in new],
        [each.notice.due_at + GIVE_UP_MS for each in new],
        [each.facts for each in new],
    )
    by_public_id = {row["public_id"]: row["id"] for row in rows}
    for each in new:
        each.notice.delivery_id = by_public_id[each.notice.public_id]
    await _link(connection, [(each.notice, each.target.organization_id) for each in new])
    others = [
        (each.notice.delivery_id, incident, each.target.organization_id, each.notice.event.value)
        for each in new
        for incident in each.about
    ]
    if others:
        await connection.execute(_LINK, *_columns(others))


async def change_notices(connection: Connection, changed: Mapping[Notice, int]) -> None:
    """Store what became of waiting notices; by notice, its organization."""
    notices = list(changed)
    if not notices:
        return
    await connection.execute(
        _CHANGE,
        [notice.delivery_id for notice in notices],
        [notice.due_at for notice in notices],
        [notice.withdrawn for notice in notices],
        GIVE_UP_MS,
    )
    await change_links(connection, changed)


async def change_links(connection: Connection, changed: Mapping[Notice, int]) -> None:
    """Store which incidents these notices tell of; by notice, its organization."""
    gone = [(notice.delivery_id, *link) for notice in changed for link in _stored_links(notice) - notice.links]
    if gone:
        await connection.execute(_UNLINK, *_columns(gone))
    await _link(connection, changed.items())


async def _link(connection: Connection, notices: Iterable[tuple[Notice, int]]) -> None:
    new = [
        (notice.delivery_id, incident, organization_id, transition)
        for notice, organization_id in notices
        for incident, transition in sorted(notice.links - _stored_links(notice))
    ]
    if new:
        await connection.execute(_LINK, *_columns(new))


def _stored_links(notice: Notice) -> frozenset[tuple[int, str]]:
    return notice.stored[1] if notice.stored else frozenset()


def _columns(rows: list[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
