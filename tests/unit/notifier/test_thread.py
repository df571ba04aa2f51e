"""What one channel is told of one outage, and when."""

from hypothesis import given, settings
from hypothesis import strategies as st

from services.notifier.thread import Notice, Thread, next_reminder_at
from services.notifier.vocabulary import DAY_MS, GATHER_MS, MINUTE_MS, SECOND_MS, Event, PackageRules, soonest

RULES = PackageRules()


class Desk:
    """A thread, the incidents that are open, and a clock; tells what is due when time passes."""

    def __init__(self, *, delay_ms: int = 0, rules: PackageRules = RULES) -> None:
        self.thread = Thread()
        self.now = 0
        self.delay_ms = delay_ms
        self.rules = rules
        self.open: dict[int, int] = {}
        self.told: list[Notice] = []

    def fail(self, *incidents: int) -> None:
        for incident in incidents:
            self.open[incident] = self.now
        for incident in incidents:
            due_at = self.now + max(GATHER_MS, self.delay_ms)
            self.thread.opened(incident, due_at=due_at, open_incidents=self.open)

    def recover(self, *incidents: int) -> None:
        opened_at = {incident: self.open.pop(incident) for incident in incidents}
        for incident in incidents:
            self.thread.resolved(incident, now_ms=self.now, opened_at=opened_at[incident], open_incidents=self.open)

    def advance(self, ms: int) -> None:
        until = self.now + ms
        while (due := self._next()) is not None and due.due_at <= until:
            self.now = max(self.now, due.due_at)
            self.thread.told(due, now_ms=self.now, open_incidents=self.open, rules=self.rules)
            self.told.append(due)
        self.now = until

    def _next(self) -> Notice | None:
        waiting = [notice for notice in self.thread.notices if notice.waits]
        return min(waiting, key=lambda notice: (notice.due_at, self.thread.notices.index(notice)), default=None)

    @property
    def events(self) -> list[str]:
        return [notice.event.value for notice in self.told]


def test_an_outage_is_opened_and_resolved_once() -> None:
    desk = Desk()
    desk.fail(1)
    desk.advance(MINUTE_MS)
    desk.recover(1)
    desk.advance(10 * DAY_MS)
    assert desk.events == ["opened", "resolved"]
    assert desk.told[0].opened == desk.told[1].resolved == {1}


def test_what_fails_together_is_told_together() -> None:
    desk = Desk()
    for incident in range(40):
        desk.fail(incident)
        desk.advance(40)
    desk.advance(SECOND_MS)
    assert [notice.opened for notice in desk.told] == [set(range(40))]


def test_mailboxes_that_join_are_told_after_half_an_hour() -> None:
    desk = Desk(rules=PackageRules(reminder_delay_ms=10 * DAY_MS))
    desk.fail(1)
    desk.advance(MINUTE_MS)
    desk.fail(2, 3)
    desk.advance(29 * MINUTE_MS)
    assert desk.events == ["opened"]
    desk.advance(2 * MINUTE_MS)
    assert desk.events == ["opened", "update"]
    assert (desk.told[1].opened, desk.told[1].open_told) == ({2, 3}, 3)


def test_tenfold_growth_is_told_soon_and_not_at_every_mailbox() -> None:
    desk = Desk(rules=PackageRules(reminder_delay_ms=10 * DAY_MS))
    desk.fail(0)
    desk.advance(10 * SECOND_MS)
    for incident in range(1, 9):
        desk.fail(incident)
    desk.advance(6 * MINUTE_MS)
    assert desk.events == ["opened"]
    desk.fail(9)
    desk.advance(GATHER_MS)
    assert desk.events == ["opened", "update"]
    assert desk.told[1].open_told == 10


def test_four_thousand_mailboxes_failing_over_half_an_hour_are_four_messages_at_most() -> None:
    desk = Desk()
    for incident in range(4000):
        desk.fail(incident)
        desk.advance(30 * MINUTE_MS // 4000)
    assert len(desk.told) <= 3
    desk.recover(*range(4000))
    desk.advance(DAY_MS)
    assert desk.events == ["opened", "update", "reminder", "resolved"]
    told = set().union(*(notice.opened for notice in desk.told))
    assert told == desk.told[-1].resolved == set(range(4000))


def test_an_outage_over_before_it_was_to_be_told_is_not_told_and_neither_is_its_end() -> None:
    desk = Desk(delay_ms=5 * MINUTE_MS)
    desk.fail(1)
    desk.advance(4 * MINUTE_MS)
    desk.recover(1)
    desk.advance(DAY_MS)
    assert desk.told == []


def test_an_outage_whose_telling_was_only_late_is_told_although_it_is_over() -> None:
    desk = Desk()
    desk.fail(1)
    desk.now += MINUTE_MS  # nobody was there to tell
    desk.recover(1)
    desk.advance(MINUTE_MS)
    assert desk.events == ["opened", "resolved"]


def test_mailboxes_that_came_and_went_between_two_messages_are_told_in_the_recovery() -> None:
    desk = Desk()
    desk.fail(1)
    desk.advance(MINUTE_MS)
    desk.fail(2)
    desk.advance(MINUTE_MS)
    desk.recover(2)
    desk.recover(1)
    desk.advance(DAY_MS)
    assert desk.events == ["opened", "resolved"]
    assert (desk.told[1].opened, desk.told[1].resolved) == ({2}, {1, 2})


def test_after_a_recovery_the_same_outage_begins_anew() -> None:
    desk = Desk()
    for incident in (1, 2):
        desk.fail(incident)
        desk.advance(MINUTE_MS)
        desk.recover(incident)
        desk.advance(MINUTE_MS)
    assert desk.events == ["opened", "resolved"] * 2


def test_reminders_come_soon_then_at_the_interval_then_daily() -> None:
    desk = Desk()
    desk.fail(1)
    desk.advance(3 * DAY_MS)
    at = [notice.told_at for notice in desk.told if notice.event is Event.REMINDER]
    gaps = [later - earlier for earlier, later in zip([GATHER_MS, *at], at, strict=False) if later and earlier]
    assert gaps[0] == 10 * MINUTE_MS
    assert set(gaps[1:24]) == {60 * MINUTE_MS}
    assert set(gaps[25:]) == {DAY_MS}


def test_a_reminder_tells_of_who_joined_as_well() -> None:
    desk = Desk()
    desk.fail(1)
    desk.advance(MINUTE_MS)
    desk.fail(2)
    desk.advance(10 * MINUTE_MS)
    assert desk.events == ["opened", "reminder"]
    assert desk.told[1].opened == {2}


def test_an_interval_of_nothing_is_one_reminder() -> None:
    assert next_reminder_at(0, first_told_at=0, reminders=0, rules=PackageRules(reminder_interval_ms=0)) is not None
    assert next_reminder_at(0, first_told_at=0, reminders=1, rules=PackageRules(reminder_interval_ms=0)) is None


def test_of_several_customers_the_most_eager_decides() -> None:
    rules = soonest([PackageRules(reminder_delay_ms=5, reminder_interval_ms=0), PackageRules(reminder_interval_ms=7)])
    assert (rules.reminder_delay_ms, rules.reminder_interval_ms) == (5, 7)


def test_what_is_in_maintenance_is_put_aside_until_its_end() -> None:
    desk = Desk()
    desk.fail(1, 2)
    (notice,) = desk.thread.notices
    assert desk.thread.put_aside(notice, {2: MINUTE_MS})
    assert notice.opened == {1}
    assert [(each.event, each.opened, each.due_at) for each in desk.thread.notices[1:]] == [
        (Event.UPDATE, {2}, MINUTE_MS)
    ]
    assert not desk.thread.put_aside(notice, {1: 2 * MINUTE_MS})
    assert notice.due_at == 2 * MINUTE_MS


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["fail", "recover", "wait"]),
        st.integers(0, 9),
        st.sampled_from([0, SECOND_MS, GATHER_MS, MINUTE_MS, 20 * MINUTE_MS, DAY_MS]),
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(steps=STEPS, delay_ms=st.sampled_from([0, MINUTE_MS]))
def test_whatever_happens_opened_comes_before_resolved_and_nothing_is_lost(
    steps: list[tuple[str, int, int]], delay_ms: int
) -> None:
    desk = Desk(delay_ms=delay_ms)
    down: dict[int, int] = {}
    number = 0
    lasted: dict[int, int] = {}
    for what, mailbox, wait in steps:
        if what == "fail" and mailbox not in down:
            number += 1
            down[mailbox] = number
            lasted[number] = -desk.now
            desk.fail(number)
        elif what == "recover" and mailbox in down:
            lasted[down[mailbox]] += desk.now
            desk.recover(down.pop(mailbox))
        desk.advance(wait)
    for mailbox in list(down):
        lasted[down[mailbox]] += desk.now + 10 * DAY_MS
    desk.advance(10 * DAY_MS)
    for mailbox in list(down):
        desk.recover(down.pop(mailbox))
    desk.advance(DAY_MS)

    opened = [incident for notice in desk.told for incident in notice.opened]
    resolved = [incident for notice in desk.told for incident in notice.resolved]
    assert len(opened) == len(set(opened)), "told twice"
    assert sorted(opened) == sorted(resolved), "opened and never resolved, or the other way round"
    # Only what was over before it was to be told may be kept quiet.
    quiet = set(lasted) - set(opened)
    assert all(lasted[incident] <= max(delay_ms, GATHER_MS) for incident in quiet)
    seen: set[int] = set()
    for notice in desk.told:
        seen |= notice.opened
        assert notice.resolved <= seen
    events = [notice.event for notice in desk.told if notice.event in (Event.OPENED, Event.RESOLVED)]
    assert events == [Event.OPENED, Event.RESOLVED] * (len(events) // 2)
