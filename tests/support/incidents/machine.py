"""The stories as Hypothesis tells them: it looks for the shortest one in which engine and model differ."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from services.result_recorder.incidents.rules import Agreement
from services.result_recorder.incidents.transitions import Resolution, Stopped, TimePassed
from tests.support.incidents.story import KINDS, LOCATIONS, PAUSES, Story
from tests.support.incidents.watch import HALF_HOUR, MINUTE

_LOCATION = st.sampled_from(LOCATIONS)
_KIND = st.sampled_from(KINDS)


class IncidentMachine(RuleBasedStateMachine):
    """Any order, duplication and delay of results; edits, pauses, windows, deletes."""

    @initialize(
        confirm_after=st.integers(1, 3),
        agreement=st.sampled_from(Agreement),
        count=st.integers(1, 3),
        interval_ms=st.sampled_from([MINUTE, 5 * MINUTE, HALF_HOUR]),
    )
    def begin(self, confirm_after: int, agreement: Agreement, count: int, interval_ms: int) -> None:
        self.story = Story(confirm_after=confirm_after, agreement=agreement, count=count, interval_ms=interval_ms)

    @rule(location=_LOCATION, kind=_KIND, withheld=st.booleans())
    def check_arrives_at_once(self, location: int, kind: object, withheld: bool) -> None:
        self.story.check(location, kind, withheld=withheld)  # type: ignore[arg-type]
        self.story.arrive(-1)

    @rule(location=_LOCATION, kind=_KIND, withheld=st.booleans())
    def check_is_on_the_way(self, location: int, kind: object, withheld: bool) -> None:
        self.story.check(location, kind, withheld=withheld)  # type: ignore[arg-type]

    @rule(place=st.integers(0, 19), stays=st.booleans())
    def one_arrives(self, place: int, stays: bool) -> None:
        self.story.arrive(place, stays=stays)

    @rule(kind=_KIND)
    def follow_up(self, kind: object) -> None:
        self.story.answer_follow_up(kind)  # type: ignore[arg-type]

    @rule(ms=st.sampled_from(PAUSES) | st.integers(0, 3 * HALF_HOUR))
    def time_passes(self, ms: int) -> None:
        self.story.pause(ms)

    @rule(follow_up_over=st.booleans())
    def somebody_looks(self, follow_up_over: bool) -> None:
        self.story.observe(TimePassed(follow_up_over))

    @rule(locations=st.sets(_LOCATION))
    def locations_come_and_go(self, locations: set[int]) -> None:
        self.story.work_at(sorted(locations))

    @rule(begins=st.booleans())
    def maintenance(self, begins: bool) -> None:
        self.story.maintain(begins=begins)

    @rule()
    def edit(self) -> None:
        self.story.edit()

    @rule(resolution=st.sampled_from([Resolution.DISABLED, Resolution.DELETED]))
    def stop(self, resolution: Resolution) -> None:
        self.story.observe(Stopped(resolution))
