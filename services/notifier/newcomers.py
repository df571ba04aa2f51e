"""Monitors that fail and have never passed: one message to whoever made them, gathered for a while, and no alarm.

Who made a monitor is written to where their address is known and mail can be sent; else the organization's default
channel is told, never one that wakes somebody.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from services.notifier import newcomer_store, thread_store
from services.notifier.audience_store import ChannelFacts
from services.notifier.thread import Notice
from services.notifier.thread_store import NewDelivery, OutboxRow, Target
from services.notifier.vocabulary import MINUTE_MS, Event
from shared.database.pool import Connection
from shared.notifications.channel_models import ChannelType

# As the recorder calls them in the outbox.
KIND = "never_passed"

# Whoever adds three hundred mailboxes gets one message, and a mistake put right at once is none.
GATHER_NEWCOMERS_MS = 10 * MINUTE_MS

_WAKES_SOMEBODY = frozenset({ChannelType.PAGERDUTY.value, ChannelType.OPSGENIE.value, ChannelType.ALERTMANAGER.value})


async def plan_newcomers(
    connection: Connection, rows: Iterable[OutboxRow], channels: Sequence[ChannelFacts], *, now_ms: int, mail: bool
) -> None:
    """Plan these rows of the outbox: onto the message that gathers, or a new one."""
    of_monitor = {row.monitor_id: row for row in rows if row.kind == KIND and row.monitor_id is not None}
    if not of_monitor:
        return
    makers = await newcomer_store.makers(connection, of_monitor) if mail else {}
    targets: dict[str, Target] = {}
    gathered: dict[str, list[OutboxRow]] = defaultdict(list)
    for monitor_id, row in sorted(of_monitor.items()):
        target = _target(row.organization_id, makers.get(monitor_id), channels)
        if target is not None:
            targets[target.key] = target
            gathered[target.key].append(row)
    waiting = await newcomer_store.waiting(connection, gathered)
    await newcomer_store.add(
        connection, {waiting[key]: _numbers(some) for key, some in gathered.items() if key in waiting}
    )
    new = [
        NewDelivery(
            targets[key],
            None,
            Notice(Event.NEVER_PASSED, min(row.at for row in some) + GATHER_NEWCOMERS_MS),
            {"monitors": _numbers(some)},
        )
        for key, some in gathered.items()
        if key not in waiting
    ]
    await thread_store.insert_deliveries(connection, new, now_ms=now_ms)


def _target(organization_id: int, maker: str | None, channels: Sequence[ChannelFacts]) -> Target | None:
    if maker is not None:
        return Target(organization_id, None, maker, ChannelType.EMAIL.value, maker)
    quiet = [
        channel
        for channel in channels
        if channel.organization_id == organization_id
        and channel.customer_id is None
        and channel.type not in _WAKES_SOMEBODY
    ]
    if not quiet:
        return None
    first = quiet[0]  # they come by priority
    return Target(organization_id, first.id, None, first.type, first.name)


def _numbers(rows: Iterable[OutboxRow]) -> list[int]:
    return [row.monitor_id for row in rows if row.monitor_id is not None]
