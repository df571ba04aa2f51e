"""What one channel is told of one outage: opened once, updated as it grows, reminded of, resolved once. Pure.

A thread belongs to a group of incidents (a host at a layer) and a target. Its notices are waiting until they are told;
what is told is settled and never changed. Who reads and keeps threads is `thread_store`; what a notice says, `content`.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from services.notifier.vocabulary import (
    DAY_MS,
    GATHER_MS,
    GROWN_AFTER_MS,
    GROWN_TENFOLD_AFTER_MS,
    GROWN_TIMES,
    Event,
    PackageRules,
)


@dataclass(slots=True, eq=False)
class Notice:
    """A message of a thread. `open_told`: how many incidents it spoke of as open, once it is told."""

    event: Event
    due_at: int
    public_id: UUID = field(default_factory=uuid4)
    delivery_id: int | None = None  # None: not stored yet
    told_at: int | None = None
    open_told: int = 0
    opened: set[int] = field(default_factory=set)
    resolved: set[int] = field(default_factory=set)
    withdrawn: bool = False
    stored: tuple[int, frozenset[tuple[int, str]]] | None = None  # due_at and links as they are in the database

    @property
    def links(self) -> frozenset[tuple[int, str]]:
        """Which incidents it tells of, and what about them."""
        return frozenset(
            [*((incident, "opened") for incident in self.opened), *((each, "resolved") for each in self.resolved)]
        )

    @property
    def changed(self) -> bool:
        """Whether it waits in the database otherwise than here."""
        return self.stored is not None and (self.withdrawn or self.stored != (self.due_at, self.links))

    @property
    def waits(self) -> bool:
        return self.told_at is None and not self.withdrawn


@dataclass(slots=True)
class Thread:
    """The notices of one outage to one target, in the order they are told."""

    notices: list[Notice] = field(default_factory=list)

    def opened(self, incident: int, *, due_at: int, open_incidents: Collection[int]) -> None:
        """An incident was confirmed; `due_at` says when it may be told. Once is enough."""
        episode = self._episode()
        if any(incident in notice.opened for notice in self.notices):
            return
        waiting = _waiting(episode, Event.OPENED)
        if waiting is not None:
            waiting.opened.add(incident)
            waiting.due_at = min(waiting.due_at, due_at)
        elif told := _last_told(episode):
            assert told.told_at is not None  # noqa: S101 - what _last_told answers with
            update = self._joined(episode, due_at=max(due_at, told.told_at + GROWN_AFTER_MS))
            update.opened.add(incident)
            now_open = len(_members(episode) & set(open_incidents)) + len(update.opened - _members(episode))
            if now_open >= GROWN_TIMES * max(told.open_told, 1):
                update.due_at = min(update.due_at, max(due_at, told.told_at + GROWN_TENFOLD_AFTER_MS))
        else:
            self._add(Notice(Event.OPENED, due_at, opened={incident}))

    def resolved(self, incident: int, *, now_ms: int, opened_at: int, open_incidents: Collection[int]) -> None:
        """An incident is over. Where its telling was put off until later, nobody need hear of it at all."""
        episode = self._episode()
        waiting = _waiting(episode, Event.OPENED)
        if waiting is not None and incident in waiting.opened:
            put_off = waiting.due_at > max(now_ms, opened_at + GATHER_MS)
            if put_off:
                waiting.opened.discard(incident)
                waiting.withdrawn = not waiting.opened
                return
        members = _members(episode)
        if incident not in members or members & set(open_incidents):
            return
        recovery = Notice(Event.RESOLVED, now_ms + GATHER_MS, resolved=members)
        for notice in episode:
            if notice.waits and notice.event in (Event.UPDATE, Event.REMINDER):
                # Those that came and went between two notices are told of in the recovery.
                recovery.opened |= notice.opened
                notice.withdrawn = True
        self._add(recovery)

    def put_aside(self, notice: Notice, away_until: Mapping[int, int]) -> bool:
        """Leave out of a waiting notice what is in maintenance, until it ends; whether anything is left to tell."""
        away = {incident: until for incident, until in away_until.items() if incident in notice.opened}
        if not away:
            return True
        if len(away) == len(notice.opened):
            notice.due_at = min(away.values())
            return False
        notice.opened -= away.keys()
        later = Notice(Event.UPDATE, min(away.values()), opened=set(away))
        for other in self._episode():
            if other.waits and other.event is Event.UPDATE and other is not notice:
                other.opened |= away.keys()
                return True
        self._add(later)
        return True

    def told(self, notice: Notice, *, now_ms: int, open_incidents: Collection[int], rules: PackageRules) -> None:
        """This notice is being told now; what else waits is put in line with that."""
        episode = self._episode()
        if notice.event is Event.REMINDER and (update := _waiting(episode, Event.UPDATE)) is not None:
            # A reminder says how many there are now, so it is the update as well.
            notice.opened |= update.opened
            update.withdrawn = True
        notice.told_at = now_ms
        if notice.event not in (Event.OPENED, Event.UPDATE, Event.REMINDER):
            return
        if notice not in episode:
            # Told late: its outage has ended meanwhile, and the recovery waits behind it.
            notice.open_told = len(notice.opened & set(open_incidents))
            return
        told = [each for each in episode if each.told_at is not None]
        announced: set[int] = set().union(*(each.opened for each in told))
        notice.open_told = len(announced & set(open_incidents))
        due_at = next_reminder_at(
            now_ms,
            first_told_at=min(each.told_at for each in told if each.told_at is not None),
            reminders=sum(each.event is Event.REMINDER for each in told),
            rules=rules,
        )
        waiting = _waiting(episode, Event.REMINDER)
        over = not _members(episode) & set(open_incidents)
        if due_at is None or over:
            if waiting is not None:
                waiting.withdrawn = True
        elif waiting is not None:
            waiting.due_at = due_at
        else:
            self._add(Notice(Event.REMINDER, due_at))

    def lapsed(self, *, now_ms: int) -> None:
        """Nothing of what was told is open any more, although nobody was told so: tell it."""
        members = self.announced()
        if members and self._episode():
            for notice in self._episode():
                notice.withdrawn = notice.withdrawn or notice.waits
            self._add(Notice(Event.RESOLVED, now_ms, resolved=members))

    def joined(self) -> set[int]:
        """Incidents that have joined the outage, and wait for the next message about it."""
        waiting = _waiting(self._episode(), Event.UPDATE)
        return set(waiting.opened) if waiting is not None else set()

    def announced(self) -> set[int]:
        """Incidents that were told as open in the outage the newest notice belongs to."""
        return _members(each for each in self._episode(ended=True) if each.told_at is not None)

    def _episode(self, *, ended: bool = False) -> list[Notice]:
        """From one recovery to the next: what belongs to the outage that goes on (or has just ended)."""
        notices = [notice for notice in self.notices if not notice.withdrawn]
        ends = [place for place, notice in enumerate(notices) if notice.event is Event.RESOLVED]
        if ended and ends and ends[-1] == len(notices) - 1:
            ends.pop()
        return notices[ends[-1] + 1 :] if ends else notices

    def _joined(self, episode: list[Notice], *, due_at: int) -> Notice:
        waiting = _waiting(episode, Event.UPDATE)
        if waiting is None:
            waiting = Notice(Event.UPDATE, due_at)
            self._add(waiting)
        return waiting

    def _add(self, notice: Notice) -> None:
        self.notices.append(notice)


def next_reminder_at(told_at: int, *, first_told_at: int, reminders: int, rules: PackageRules) -> int | None:
    """When to remind after a notice told at `told_at`: soon at first, then at the interval, daily after a day."""
    if reminders == 0:
        return told_at + rules.reminder_delay_ms
    if not rules.reminder_interval_ms:
        return None
    if told_at - first_told_at >= DAY_MS:
        return told_at + max(DAY_MS, rules.reminder_interval_ms)
    return told_at + rules.reminder_interval_ms


def _members(notices: Iterable[Notice]) -> set[int]:
    return set().union(*(notice.opened for notice in notices))


def _waiting(notices: Iterable[Notice], event: Event) -> Notice | None:
    return next((notice for notice in notices if notice.event is event and notice.waits), None)


def _last_told(notices: Iterable[Notice]) -> Notice | None:
    told = [notice for notice in notices if notice.told_at is not None]
    return max(told, key=lambda notice: notice.told_at or 0, default=None)
