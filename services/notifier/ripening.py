"""Waiting messages whose time has come: still worth telling? one by one, or as a digest? and in which words.

Done by the one process that plans, per target, in one transaction each.
"""

from dataclasses import dataclass, field
from uuid import uuid4

from services.notifier import audience_store, newcomer_store, ripening_store, thread_store, wording
from services.notifier.audience_store import IncidentRow
from services.notifier.content import Certificate, Content, Newcomer
from services.notifier.flood import FOR_ALARM_SERVICES, FOR_PEOPLE, Hold, OneByOne, Together, release
from services.notifier.ripening_store import Ripe
from services.notifier.thread import Notice, Thread
from services.notifier.thread_store import NewDelivery, Target
from services.notifier.vocabulary import MINUTE_MS, Event, PackageRules, soonest
from shared.database.pool import Connection
from shared.notifications.channel_models import ChannelType

MOST_TARGETS = 50
MOST_AT_ONCE = 10_000

_LOOK_AGAIN_MS = 5 * MINUTE_MS

_ALARM_SERVICES = frozenset({ChannelType.PAGERDUTY.value, ChannelType.OPSGENIE.value})


class NoWords(Exception):
    """There are no words for this message: it is of another version, or a mistake of ours."""

    def __init__(self, delivery_id: int) -> None:
        super().__init__(delivery_id)
        self.delivery_id = delivery_id


@dataclass(slots=True)
class _Desk:
    """What is known about the messages of one target that are looked at."""

    ripe: list[Ripe]
    threads: dict[int, Thread]
    incidents: dict[int, IncidentRow]
    groups: dict[int, tuple[str, str]]
    rules: dict[int, PackageRules]
    away: dict[int, int]  # monitors in maintenance, and until when
    open_incidents: frozenset[int]
    down: frozenset[int]  # monitors with an open incident, told or not
    newcomers: dict[int, list[Newcomer]]  # by message, those that have never passed
    telling: list[tuple[Ripe, Notice | None]] = field(default_factory=list)

    def is_open(self, incident: int) -> bool:
        return incident in self.open_incidents

    def rules_of(self, incidents: set[int]) -> PackageRules:
        customers = {self.incidents[each].incident.customer_id for each in incidents if each in self.incidents}
        return soonest([self.rules[customer] for customer in customers if customer in self.rules])


async def ripen(
    connection: Connection, target: str, channel_type: str, *, now_ms: int, public_url: str | None
) -> int | None:
    """Fix what this target is told next; answers until when more is to gather, where that is so.

    Raises:
        NoWords: of one message; nothing that was done until then holds.
    """
    ripe = await ripening_store.ripe(connection, target, now_ms=now_ms, most=MOST_AT_ONCE)
    desk = await _read(connection, ripe, target, now_ms=now_ms)
    _review(desk, now_ms=now_ms)
    singles, last_digest_at = await ripening_store.told_lately(connection, target, now_ms=now_ms)
    until: int | None = None
    if desk.telling:
        decision = release(
            len(desk.telling),
            told_lately=singles,
            last_digest_at=last_digest_at,
            now_ms=now_ms,
            rules=FOR_ALARM_SERVICES if channel_type in _ALARM_SERVICES else FOR_PEOPLE,
        )
        match decision:
            case Hold(until_ms):
                until = until_ms
            case OneByOne():
                await _tell_one(connection, desk, now_ms=now_ms, public_url=public_url)
            case Together():
                await _tell_all(connection, desk, now_ms=now_ms, public_url=public_url)
    await _keep_threads(connection, desk, now_ms=now_ms)
    return until


def _review(desk: _Desk, *, now_ms: int) -> None:
    """Which of them are still worth telling; what is not is taken back or put off."""
    for ripe in desk.ripe:
        thread = desk.threads.get(ripe.group_id) if ripe.group_id is not None else None
        if ripe.event is Event.NEVER_PASSED and not desk.newcomers[ripe.id]:
            continue  # the last of them passed just now: it is taken back with the next look
        if thread is None:
            desk.telling.append((ripe, None))
            continue
        notice = next((each for each in thread.notices if each.delivery_id == ripe.id), None)
        # An earlier one of the same outage may have made it pointless meanwhile.
        if notice is not None and notice.waits and _is_worth_telling(desk, thread, notice, now_ms=now_ms):
            desk.telling.append((ripe, notice))


def _is_worth_telling(desk: _Desk, thread: Thread, notice: Notice, *, now_ms: int) -> bool:
    if notice.event in (Event.OPENED, Event.UPDATE):
        return thread.put_aside(notice, _away(desk, notice.opened)) if notice.opened else _withdrawn(notice)
    if notice.event is Event.REMINDER:
        return _is_worth_reminding(desk, thread, notice, now_ms=now_ms)
    return bool(notice.resolved) or _withdrawn(notice)


def _is_worth_reminding(desk: _Desk, thread: Thread, notice: Notice, *, now_ms: int) -> bool:
    # Where those that were told are over, but others have joined, it is they that it tells of.
    still_open = {incident for incident in thread.announced() if desk.is_open(incident)} or {
        incident for incident in thread.joined() if desk.is_open(incident)
    }
    if not still_open:
        monitors = {desk.incidents[each].incident.monitor_id for each in thread.announced() if each in desk.incidents}
        if monitors & desk.down:
            # It flaps, and is down again at this moment: no time to say that it is up.
            notice.due_at = now_ms + _LOOK_AGAIN_MS
            return False
        thread.lapsed(now_ms=now_ms)
        return _withdrawn(notice)
    rows = [desk.incidents[incident] for incident in still_open]
    unanswered = [row for row in rows if row.acknowledged_at is None]
    if not unanswered:
        return _withdrawn(notice)
    loud = [row for row in unanswered if (row.snoozed_until or 0) <= now_ms]
    if not loud:
        notice.due_at = min(row.snoozed_until or now_ms for row in unanswered)
        return False
    away = _away(desk, {row.incident.id for row in loud})
    if len(away) == len(loud):
        notice.due_at = min(away.values())
        return False
    return True


def _withdrawn(notice: Notice) -> bool:
    notice.withdrawn = True
    return False


def _away(desk: _Desk, incidents: set[int]) -> dict[int, int]:
    """Of these those that are open and in maintenance, and until when."""
    return {
        incident: desk.away[desk.incidents[incident].incident.monitor_id]
        for incident in incidents
        if desk.is_open(incident) and desk.incidents[incident].incident.monitor_id in desk.away
    }


async def _tell_one(connection: Connection, desk: _Desk, *, now_ms: int, public_url: str | None) -> None:
    ripe, notice = desk.telling[0]
    content = _content(desk, ripe, notice, now_ms=now_ms, public_url=public_url)
    count = notice.open_told if notice else 0
    await ripening_store.fix(connection, ripe.id, content, incidents=count, now_ms=now_ms)


async def _tell_all(connection: Connection, desk: _Desk, *, now_ms: int, public_url: str | None) -> None:
    contents, parts = [], []
    for ripe, notice in desk.telling:
        if notice is not None and not (notice.waits and notice.due_at <= now_ms):
            continue  # one before it has told it, or put it off
        contents.append(_content(desk, ripe, notice, now_ms=now_ms, public_url=public_url))
        parts.append((ripe.id, notice.open_told if notice else 0))
    digest = wording.of_digest(contents, public_id=uuid4(), now_ms=now_ms, public_url=public_url)
    await ripening_store.fix_digest(connection, parts, digest, now_ms=now_ms)


def _content(desk: _Desk, ripe: Ripe, notice: Notice | None, *, now_ms: int, public_url: str | None) -> Content:
    try:
        return _in_words(desk, ripe, notice, now_ms=now_ms, public_url=public_url)
    except Exception as error:  # one message must not keep all the others, and everybody else's, from being told
        raise NoWords(ripe.id) from error


def _in_words(desk: _Desk, ripe: Ripe, notice: Notice | None, *, now_ms: int, public_url: str | None) -> Content:
    if ripe.event is Event.CERTIFICATE:
        facts = Certificate.model_validate(ripe.facts["certificate"])
        return wording.of_certificate(facts, public_id=ripe.public_id, now_ms=now_ms, public_url=public_url)
    if ripe.event is Event.NEVER_PASSED:
        return wording.of_newcomers(
            desk.newcomers[ripe.id], public_id=ripe.public_id, now_ms=now_ms, public_url=public_url
        )
    if notice is None:
        row = desk.incidents[ripe.facts["incident_id"]]
        key, layer, about, joined = f"monitor {row.incident.monitor_public_id}", None, {row.incident.id}, 0
    else:
        thread = desk.threads[ripe.group_id or 0]
        before = {incident for incident in thread.announced() if desk.is_open(incident)}
        thread.told(
            notice, now_ms=now_ms, open_incidents=desk.open_incidents, rules=desk.rules_of(before | notice.opened)
        )
        joined = len(notice.opened)
        about = notice.opened | notice.resolved
        if notice.event in (Event.UPDATE, Event.REMINDER):
            about = before | notice.opened
        key, layer = desk.groups.get(ripe.group_id or 0, (str(ripe.public_id), None))
    return wording.of_outage(
        ripe.event,
        public_id=ripe.public_id,
        key=key,
        layer=layer,
        incidents=[desk.incidents[each].incident for each in sorted(about) if each in desk.incidents],
        now_ms=now_ms,
        joined=joined,
        public_url=public_url,
    )


async def _read(connection: Connection, ripe: list[Ripe], target: str, *, now_ms: int) -> _Desk:
    group_ids = {each.group_id for each in ripe if each.group_id is not None}
    threads = {
        group_id: thread
        for (group_id, _), thread in (await thread_store.threads(connection, group_ids, target=target)).items()
    }
    members = {each.facts["incident_id"] for each in ripe if "incident_id" in each.facts}
    members = members.union(*(n.opened | n.resolved for thread in threads.values() for n in thread.notices))
    incidents = await audience_store.incidents(connection, members)
    monitors = {row.incident.monitor_id for row in incidents.values() if row.is_open}
    return _Desk(
        ripe=ripe,
        threads=threads,
        incidents=incidents,
        groups=await audience_store.groups(connection, group_ids),
        rules=await audience_store.package_rules(connection, {row.incident.customer_id for row in incidents.values()}),
        away=await audience_store.in_maintenance(connection, monitors, now_ms=now_ms),
        open_incidents=frozenset(known for known, row in incidents.items() if row.is_open),
        down=await audience_store.down(connection, {row.incident.monitor_id for row in incidents.values()}),
        newcomers={
            each.id: await newcomer_store.still_failing(connection, each.facts)
            for each in ripe
            if each.event is Event.NEVER_PASSED
        },
    )


async def _keep_threads(connection: Connection, desk: _Desk, *, now_ms: int) -> None:
    """Store what telling, or not telling, did to the other notices of the same outages."""
    if not desk.ripe:
        return
    first = desk.ripe[0]
    target = Target(first.organization_id, first.channel_id, first.address, first.channel_type, first.channel_name)
    new = [
        NewDelivery(target, group_id, notice, {})
        for group_id, thread in desk.threads.items()
        for notice in thread.notices
        if notice.delivery_id is None and not notice.withdrawn
    ]
    changed = {
        notice: target.organization_id
        for thread in desk.threads.values()
        for notice in thread.notices
        if notice.delivery_id is not None and notice.changed
    }
    # The time of one that was just told is its own from now on.
    settled = {notice: organization for notice, organization in changed.items() if notice.told_at is not None}
    await thread_store.change_links(connection, settled)
    await thread_store.change_notices(
        connection, {notice: organization for notice, organization in changed.items() if notice not in settled}
    )
    await thread_store.insert_deliveries(connection, new, now_ms=now_ms)
