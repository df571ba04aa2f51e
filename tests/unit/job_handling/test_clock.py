"""The database's clock as a worker knows it from its jobs."""

from hypothesis import given
from hypothesis import strategies as st

from shared.probing.job_handling.clock import FleetClock

T0 = 1_800_000_000_000


class Hands:
    """A monotonic and a wall clock that move when told."""

    def __init__(self, wall_ms: int = 1_700_000_000_000) -> None:
        self.seconds = 5_000.0
        self.clock = FleetClock(monotonic=lambda: self.seconds, wall=lambda: wall_ms / 1000)

    def pass_ms(self, milliseconds: float) -> None:
        self.seconds += milliseconds / 1000


def test_before_the_first_job_it_is_the_wall_clock() -> None:
    assert Hands().clock.now_ms() == 1_700_000_000_000


def test_a_job_delivered_again_leaves_the_wall_clock_in_force_where_that_is_later() -> None:
    hands = Hands(wall_ms=T0)
    hands.clock.observe(T0 - 90_000, fresh=False)
    assert hands.clock.now_ms() == T0
    hands.clock.observe(T0 + 5_000, fresh=False)
    assert hands.clock.now_ms() == T0 + 5_000


def test_the_first_job_waits_for_what_is_delivered_with_it() -> None:
    hands = Hands()
    hands.clock.observe(T0)
    assert hands.clock.hears_for_seconds() > 0
    hands.clock.observe(T0 + 90_000)
    hands.pass_ms(hands.clock.hears_for_seconds() * 1000 + 1)
    assert hands.clock.now_ms() > T0 + 90_000
    assert hands.clock.hears_for_seconds() == 0


def test_soon_after_the_first_fresh_job_the_wall_clock_has_no_say() -> None:
    hands = Hands(wall_ms=T0 + 3_600_000)
    hands.clock.observe(T0)
    hands.pass_ms(10_000)
    assert hands.clock.now_ms() == T0 + 10_000


def test_what_waited_for_a_worker_to_come_is_not_taken_for_new() -> None:
    hands = Hands(wall_ms=T0)
    for waited in (90_000, 60_000, 30_000, 0):
        hands.clock.observe(T0 - waited)
        assert hands.clock.now_ms() == T0


def test_it_goes_on_from_when_a_job_was_published() -> None:
    hands = Hands()
    hands.clock.observe(T0)
    hands.pass_ms(1_234)
    assert hands.clock.now_ms() == T0 + 1_234


def test_the_quickest_delivery_counts() -> None:
    hands = Hands()
    hands.clock.observe(T0 - 5_000)  # waited in the queue
    assert hands.clock.now_ms() == T0 - 5_000
    hands.clock.observe(T0)
    hands.clock.observe(T0 - 3_000)
    assert hands.clock.now_ms() == T0


@given(st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 100_000)), min_size=1, max_size=50))
def test_it_is_never_ahead_of_the_database(deliveries: list[tuple[int, int]]) -> None:
    hands = Hands()
    true = T0
    for passed, waited in deliveries:
        hands.pass_ms(passed)
        true += passed
        hands.clock.observe(true - waited)
        assert hands.clock.now_ms() <= true + 1  # floats


def test_a_clock_set_forward_is_followed_at_once() -> None:
    hands = Hands()
    hands.clock.observe(T0)
    hands.clock.observe(T0 + 3_600_000)
    assert hands.clock.now_ms() == T0 + 3_600_000


def test_a_clock_set_back_is_followed_after_a_while() -> None:
    hands = Hands()
    hands.clock.observe(T0)
    for second in range(1, 40):
        hands.pass_ms(1_000)
        hands.clock.observe(T0 - 3_600_000 + second * 1_000)
    assert hands.clock.now_ms() == T0 - 3_600_000 + 39_000


def test_a_long_queue_being_worked_off_is_not_taken_for_a_clock_set_back() -> None:
    hands = Hands()
    hands.clock.observe(T0)
    hands.pass_ms(3_600_000)
    for step in range(600):  # a minute of old jobs, an hour's worth of them
        hands.pass_ms(100)
        hands.clock.observe(T0 + step * 5_000)
    assert hands.clock.now_ms() >= T0 + 3_600_000


def test_a_queue_that_stays_behind_does_not_drag_the_clock_along() -> None:
    hands = Hands()
    hands.clock.observe(T0)
    for second in range(1, 121):
        hands.pass_ms(1_000)
        hands.clock.observe(T0 + second * 1_000 - 20_000)
    assert hands.clock.now_ms() >= T0 + 119_000
