"""From the outbox to planned messages: whom each happening concerns, and when they may be told.

One transaction takes rows and stores what they lead to, so nothing is planned twice or lost. What is said is fixed
later, by `ripening`.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from services.notifier import audience_store, ripening_store, thread_store
from services.notifier.audience_store import ChannelFacts, IncidentRow
from services.notifier.newcomers import plan_newcomers
from services.notifier.thread import Notice, Thread
from services.notifier.thread_store import NewDelivery, OutboxRow, Target
from services.notifier.vocabulary import GATHER_MS, Event, PackageRules
from shared.database.errors import DatabaseConflict, DatabaseUnavailable
from shared.database.pool import Connection
from shared.notifications.channel_models import ChannelType, EmailConfig

MOST_ROWS = 500
# The whole transaction is over with these, whichever row it was at.
TRY_AGAIN = (DatabaseUnavailable, DatabaseConflict)


@dataclass(slots=True)
class _Book:
    """What one batch needs to know, and what comes of it."""

    incidents: dict[int, IncidentRow]
    channels: list[ChannelFacts]
    rules: dict[int, PackageRules]
    addresses: dict[int, str]
    threads: dict[tuple[int, str], Thread]
    open_incidents: set[int]
    targets: dict[str, Target] = field(default_factory=dict)
    loose: list[NewDelivery] = field(default_factory=list)


class CannotPlan(Exception):
    """This row leads to a mistake of ours, or is of another version; nothing was done about it."""

    def __init__(self, row_id: int) -> None:
        super().__init__(row_id)
        self.row_id = row_id


async def take(
    connection: Connection, *, now_ms: int, mail: bool, most: int = MOST_ROWS, but: Iterable[int] = ()
) -> int:
    """Plan what waits in the outbox; how many rows were taken. Only for the transaction that plans.

    Args:
        mail: whether mail can be sent, and so monitors' own addresses are told.
        but: rows to leave where they are.
    Raises:
        CannotPlan: of one row; those before it are planned, those after it are not looked at yet.
    """
    found = await thread_store.take_outbox(connection, most=most, but=but)
    if not found:
        return 0
    # What happened by a clock that ran ahead has happened by now: nobody waits until that hour to be told.
    rows = [replace(row, at=min(row.at, now_ms)) for row in found]
    try:
        await _planned(connection, rows, now_ms=now_ms, mail=mail)
    except TRY_AGAIN:
        raise
    except Exception:
        # One of them. Alone, each row shows whether it is the one.
        for row in rows:
            try:
                await _planned(connection, [row], now_ms=now_ms, mail=mail)
            except TRY_AGAIN:
                raise
            except Exception as error:
                raise CannotPlan(row.id) from error
    return len(rows)


async def _planned(connection: Connection, rows: list[OutboxRow], *, now_ms: int, mail: bool) -> None:
    async with ripening_store.all_or_nothing(connection):
        book = await _read(connection, rows, mail=mail)
        for row in rows:
            _plan(book, row, now_ms=now_ms)
        await _store(connection, book, now_ms=now_ms)
        await plan_newcomers(connection, rows, book.channels, now_ms=now_ms, mail=mail)
        await thread_store.mark_taken(connection, rows, now_ms=now_ms)


def _plan(book: _Book, row: OutboxRow, *, now_ms: int) -> None:
    match row.kind, book.incidents.get(row.incident_id or 0):
        case "opened", IncidentRow() as found:
            _opened(book, row, found)
        case "resolved", IncidentRow() as found:
            _resolved(book, row, found)
        case ("flapping" | "settled") as kind, IncidentRow() as found:
            for target, _ in _audience(book, row.organization_id, found.incident.customer_id, row.monitor_id):
                notice = Notice(Event(kind), row.at + GATHER_MS)
                facts = {"incident_id": found.incident.id}
                book.loose.append(NewDelivery(target, None, notice, facts, about=(found.incident.id,)))
        case "certificate", _:
            customers = row.facts.get("customer_ids") or [row.customer_id]
            told: dict[str, Target] = {}
            for customer, monitor in [*((each, None) for each in customers), *_addressed(row)]:
                for target, _ in _audience(book, row.organization_id, customer, monitor):
                    told.setdefault(target.key, target)
            said = {"certificate": {name: fact for name, fact in row.facts.items() if name != "addressed"}}
            for target in told.values():
                book.loose.append(NewDelivery(target, None, Notice(Event.CERTIFICATE, row.at + GATHER_MS), said))


def _addressed(row: OutboxRow) -> list[tuple[int, int]]:
    """The monitors with an address of their own behind a certificate, each with its customer."""
    return [(customer, monitor) for customer, monitor in row.facts.get("addressed", [])]


def _opened(book: _Book, row: OutboxRow, found: IncidentRow) -> None:
    incident = found.incident
    for target, channel in _audience(book, row.organization_id, incident.customer_id, incident.monitor_id):
        rules = book.rules.get(incident.customer_id, PackageRules())
        delay = max(GATHER_MS, rules.notification_delay_ms, channel.delay_ms if channel else 0)
        least = channel.least_duration_ms if channel else 0
        due_at = max(row.at + delay, min(incident.opened_at, row.at) + least)
        if found.group_id is None:
            alone = Notice(Event.OPENED, due_at, opened={incident.id})
            book.loose.append(NewDelivery(target, None, alone, {"incident_id": incident.id}))
            continue
        thread = book.threads.setdefault((found.group_id, target.key), Thread())
        book.targets[target.key] = target
        thread.opened(incident.id, due_at=due_at, open_incidents=book.open_incidents)


def _resolved(book: _Book, row: OutboxRow, found: IncidentRow) -> None:
    incident = found.incident
    if found.group_id is None:
        for target, _ in _audience(book, row.organization_id, incident.customer_id, incident.monitor_id):
            alone = Notice(Event.RESOLVED, row.at + GATHER_MS, resolved={incident.id})
            book.loose.append(NewDelivery(target, None, alone, {"incident_id": incident.id}))
        return
    for (group_id, _), thread in book.threads.items():
        if group_id == found.group_id:
            thread.resolved(
                incident.id, now_ms=row.at, opened_at=incident.opened_at, open_incidents=book.open_incidents
            )


def _audience(
    book: _Book, organization_id: int, customer_id: int | None, monitor_id: int | None
) -> list[tuple[Target, ChannelFacts | None]]:
    """A customer's own channels where it has any, else its organization's; and the monitor's own address."""
    of_organization = [channel for channel in book.channels if channel.organization_id == organization_id]
    own = [
        channel for channel in of_organization if channel.customer_id is not None and channel.customer_id == customer_id
    ]
    channels = own or [channel for channel in of_organization if channel.customer_id is None]
    told: list[tuple[Target, ChannelFacts | None]] = [
        (Target(organization_id, channel.id, None, channel.type, channel.name), channel) for channel in channels
    ]
    address = book.addresses.get(monitor_id or 0)
    rules = book.rules.get(customer_id or 0, PackageRules())
    if address and rules.email_alerts and not any(_reaches(channel, address) for channel in channels):
        told.append((Target(organization_id, None, address, ChannelType.EMAIL.value, address), None))
    return told


def _reaches(channel: ChannelFacts, address: str) -> bool:
    if channel.type != ChannelType.EMAIL:
        return False
    mailboxes = EmailConfig.model_construct(**channel.config).mailboxes
    return address.lower() in (mailbox.lower() for mailbox in mailboxes)


async def _read(connection: Connection, rows: list[OutboxRow], *, mail: bool) -> _Book:
    incidents = await audience_store.incidents(connection, {row.incident_id for row in rows if row.incident_id})
    group_ids = {found.group_id for found in incidents.values() if found.group_id is not None}
    threads = await thread_store.threads(connection, group_ids)
    members = set().union(*(notice.opened for thread in threads.values() for notice in thread.notices))
    customers = {found.incident.customer_id for found in incidents.values()}
    customers |= {row.customer_id for row in rows if row.customer_id is not None}
    customers |= {customer for row in rows for customer in row.facts.get("customer_ids", [])}
    monitors = {row.monitor_id for row in rows if row.monitor_id is not None}
    monitors |= {monitor for row in rows for _, monitor in _addressed(row)}
    monitors |= {found.incident.monitor_id for found in incidents.values()}
    return _Book(
        incidents=incidents,
        channels=await audience_store.active_channels(connection, {row.organization_id for row in rows}),
        rules=await audience_store.package_rules(connection, customers),
        addresses=await audience_store.own_addresses(connection, monitors) if mail else {},
        threads=threads,
        open_incidents=await thread_store.still_open(connection, members | set(incidents)),
    )


async def _store(connection: Connection, book: _Book, *, now_ms: int) -> None:
    new: list[NewDelivery] = []
    changed: dict[Notice, int] = defaultdict(int)
    organizations = {found.group_id: found.organization_id for found in book.incidents.values()}
    for (group_id, key), thread in book.threads.items():
        for notice in thread.notices:
            if notice.delivery_id is None and not notice.withdrawn:
                new.append(NewDelivery(await _target(connection, book, key), group_id, notice, _NO_FACTS))
            elif notice.delivery_id is not None and notice.changed:
                changed[notice] = organizations[group_id]
    await thread_store.change_notices(connection, changed)
    await thread_store.insert_deliveries(connection, [*new, *book.loose], now_ms=now_ms)


async def _target(connection: Connection, book: _Book, key: str) -> Target:
    """Whom a thread tells: a recovery goes to whoever was told of the outage, even if they hear of new ones no more."""
    if key not in book.targets:
        book.targets[key] = await thread_store.target_of(connection, key)
    return book.targets[key]


_NO_FACTS: dict[str, Any] = {}
