"""Stories of one monitor, told to the incident engine and to the model beside it: they must agree on every page.

Checks come when they like: at once, late, twice, out of order; meanwhile the monitor is edited, stopped, put into
maintenance, and locations come and go. A story goes by numbers, so that it can be told again.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.result_recorder.incidents.engine import advance
from services.result_recorder.incidents.rules import Agreement, Rules, Thresholds
from services.result_recorder.incidents.state import State, state_as_json, state_from_json
from services.result_recorder.incidents.transitions import (
    CauseChanged,
    FlappingBegan,
    FollowUpAsked,
    FollowUpWithdrawn,
    GotPast,
    Observation,
    Opened,
    Resolution,
    Resolved,
    Seen,
    Settled,
    Stopped,
    TimePassed,
    Transition,
)
from shared.checks.vocabulary import REFUSALS, OutcomeKind
from tests.support.incidents.model import Event, Model
from tests.support.incidents.watch import BEGIN, HALF_HOUR, MINUTE, PHASES, seen

LOCATIONS = (1, 2, 3)
KINDS = tuple(PHASES)
PAUSES = (0, 1_000, 20_000, MINUTE, MINUTE, 5 * MINUTE, 29 * MINUTE, HALF_HOUR, 70 * MINUTE, 100 * MINUTE)
STEPS = 40


@dataclass(frozen=True, slots=True)
class Finding:
    """A story that ended badly: its number, and on which page."""

    number: int
    what: str


class Story:
    """One monitor, its engine, its model, and the messages that are on the way."""

    def __init__(self, *, confirm_after: int, agreement: Agreement, count: int, interval_ms: int) -> None:
        self.rules = Rules(
            thresholds=Thresholds(confirm_after, agreement, count),
            live=frozenset(LOCATIONS),
            interval_ms=interval_ms,
            retry_ms=MINUTE,
            alerting=True,
        )
        self.model = Model()
        self.state: State | None = None
        self.now = BEGIN
        self.revision = 1
        self.on_the_way: list[Seen | GotPast] = []
        self._open = False

    def check(self, location: int, kind: OutcomeKind, *, withheld: bool = False, at: int | None = None) -> None:
        """A check is made now; its message is on the way."""
        slot = self.now if at is None else at
        finding: Seen | GotPast = seen(location, slot - BEGIN, kind, revision=self.revision)
        if withheld and kind is OutcomeKind.OK:
            finding = GotPast(location, slot, self.revision)
        self.on_the_way.append(finding)

    def arrive(self, place: int, *, stays: bool = False) -> None:
        """One of the messages on the way arrives, perhaps not for the last time."""
        if self.on_the_way:
            place %= len(self.on_the_way)
            message = self.on_the_way[place] if stays else self.on_the_way.pop(place)
            del self.on_the_way[:-20]
            self.observe(message)
            unchanged, nothing = advance(self.state, message, self.rules, now=self.now)
            if self.state is not None and message.location_id in self.state.places:
                assert (unchanged, nothing) == (self.state, ()), "what was told twice has changed something"

    def answer_follow_up(self, kind: OutcomeKind) -> None:
        """The follow-up that waits is made in its time, and its message arrives."""
        if self.state is not None and self.state.pending is not None:
            self.now = max(self.now, self.state.pending.start_at)
            self.check(self.state.pending.location_id, kind, at=self.state.pending.start_at)
            self.arrive(-1)

    def pause(self, ms: int) -> None:
        """Time passes."""
        self.now += ms

    def edit(self) -> None:
        """What is checked changes."""
        self.revision += 1

    def work_at(self, locations: Sequence[int]) -> None:
        """From now on only these locations are at work."""
        self.rules = replace(self.rules, live=frozenset(locations))

    def maintain(self, *, begins: bool) -> None:
        """A maintenance window begins or ends."""
        self.rules = replace(self.rules, alerting=not begins)

    def observe(self, observed: Observation) -> None:
        """Both are told, and must answer alike."""
        before = self.state
        expected = self.model.feed(observed, self.rules, self.now)
        after, happened = advance(before, observed, self.rules, now=self.now)
        assert after is None or state_from_json(state_as_json(after)) == after, "what is stored is not what was meant"
        assert _words(happened) == expected, f"{observed}: {_words(happened)}, and the model says {expected}"
        self.state = after
        self._check_order(happened)
        self._check_state(observed)
        self._check_follow_up(before, observed, happened)

    def _check_order(self, happened: Sequence[Transition]) -> None:
        for each in happened:
            if isinstance(each, Opened | Resolved):
                assert self._open is isinstance(each, Resolved), "opened and resolved do not alternate"
                self._open = isinstance(each, Opened)
            if isinstance(each, Opened):
                assert self.rules.alerting
                assert self.state is not None
                assert each.started_at in [self.state.places[at].first_slot for at in each.locations]

    def _check_state(self, observed: Observation) -> None:
        if self.state is None:
            assert not self.model.known
            return
        assert self.model.known or self.state.pending is not None
        assert not isinstance(observed, Stopped)
        assert len(self.state.places) <= len(LOCATIONS)

    def _check_follow_up(self, before: State | None, observed: Observation, happened: Sequence[Transition]) -> None:
        asked = [each for each in happened if isinstance(each, FollowUpAsked)]
        withdrawn = [each for each in happened if isinstance(each, FollowUpWithdrawn)]
        assert len(asked) + len(withdrawn) <= 1
        pending = self.state.pending if self.state else None
        if asked:
            assert pending is not None
            assert (pending.location_id, pending.start_at) == (asked[0].location_id, asked[0].start_at)
            self._check_asked(observed, asked[0])
        elif pending is not None:
            assert before is not None
            assert before.pending == pending, "it came from nowhere"
        if withdrawn:
            assert before is not None
            assert before.pending is not None, "there was none"
            assert pending is None

    def _check_asked(self, observed: Observation, asked: FollowUpAsked) -> None:
        assert self.state is not None
        assert asked.location_id in self.rules.live, "nobody is at work there"
        assert self.now <= asked.start_at <= self.now + 5 * MINUTE
        place = self.state.places.get(asked.location_id)
        if place is not None and place.passes:
            return  # its second pass
        assert place is None or place.cause is None or place.cause.kind not in REFUSALS, "the ladder's"
        assert self.rules.interval_ms > MINUTE, "its slots come as often"
        assert self.rules.alerting or self.state.open, "nobody is to be told of it"


def tell(number: int, *, steps: int = STEPS) -> Finding | None:
    """The story of this number."""
    rng = random.Random(number)
    story = Story(
        confirm_after=rng.choice((1, 2, 3, 3)),
        agreement=rng.choice(tuple(Agreement)),
        count=rng.choice((1, 2, 2, 3)),
        interval_ms=rng.choice((MINUTE, 5 * MINUTE, HALF_HOUR, HALF_HOUR)),
    )
    favourites = [*rng.choices(KINDS, k=2), OutcomeKind.OK]
    for step in range(steps):
        try:
            _turn(story, rng, favourites)
        except AssertionError as error:
            return Finding(number, f"step {step}: {error}")
    return None


def _turn(story: Story, rng: random.Random, favourites: Sequence[OutcomeKind]) -> None:
    story.pause(rng.choice(PAUSES) if rng.random() < 0.5 else rng.randrange(90_000))
    kind = rng.choice(favourites if rng.random() < 0.8 else KINDS)
    what = rng.random()
    if what < 0.5:
        story.check(rng.choice(LOCATIONS), kind, withheld=rng.random() < 0.15)
        if rng.random() < 0.85:
            story.arrive(-1, stays=rng.random() < 0.1)
    elif what < 0.7:
        story.answer_follow_up(kind)
    elif what < 0.76:
        story.arrive(rng.randrange(20), stays=rng.random() < 0.3)
    elif what < 0.84:
        story.observe(TimePassed(follow_up_over=rng.random() < 0.5))
    elif what < 0.91:
        story.work_at([location for location in LOCATIONS if rng.random() < 0.7])
    elif what < 0.95:
        story.maintain(begins=rng.random() < 0.4)
    elif what < 0.98:
        story.edit()
    else:
        story.observe(Stopped(rng.choice((Resolution.DISABLED, Resolution.DELETED))))


def run(first: int, count: int) -> list[Finding]:
    """The findings of these stories, at most ten."""
    found: list[Finding] = []
    for number in range(first, first + count):
        finding = tell(number)
        if finding is not None:
            found.append(finding)
        if len(found) >= 10:
            break
    return found


def _words(happened: Sequence[Transition]) -> list[Event]:
    words: list[Event] = []
    for each in happened:
        match each:
            case Opened():
                cause = (str(each.cause.kind), str(each.cause.phase))
                words.append(("opened", each.started_at, each.locations, cause, each.quiet))
            case Resolved():
                words.append(("resolved", str(each.resolution), each.recovered_at, each.quiet))
            case CauseChanged(cause=changed):
                words.append(("cause", (str(changed.kind), str(changed.phase))))
            case FlappingBegan():
                words.append(("flapping",))
            case Settled(still_open=still_open):
                words.append(("settled", still_open))
    return words
