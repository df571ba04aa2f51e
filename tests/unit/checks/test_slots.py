"""Slots are spread evenly, stay where they are, and have one name each."""

from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from shared.checks import slots

intervals = st.integers(1, 2880).map(lambda halves: halves * 30_000)


@given(st.uuids(), st.integers(0, 1000), intervals)
def test_a_phase_lies_within_the_interval_and_never_changes(monitor: UUID, location: int, interval_ms: int) -> None:
    phase = slots.phase_ms(monitor, location, interval_ms)
    assert 0 <= phase < interval_ms
    assert phase == slots.phase_ms(monitor, location, interval_ms)


@given(st.integers(10**12, 3 * 10**12), intervals, st.data())
def test_the_newest_slot_is_due_and_the_one_after_it_is_not(now_ms: int, interval_ms: int, data: st.DataObject) -> None:
    phase = data.draw(st.integers(0, interval_ms - 1))
    slot = slots.newest_slot(now_ms, phase, interval_ms)
    assert slot <= now_ms < slot + interval_ms
    assert slot % interval_ms == phase


def test_locations_take_turns() -> None:
    monitor = uuid4()
    first = slots.phase_ms(monitor, 0, 60_000)
    offsets = [(slots.phase_ms(monitor, number, 60_000) - first) % 60_000 for number in range(4)]
    assert offsets == [0, 30_000, 15_000, 45_000]


def test_many_monitors_are_spread_evenly() -> None:
    quarters = [0, 0, 0, 0]
    for number in range(4000):
        quarters[slots.phase_ms(UUID(int=number), 0, 60_000) // 15_000] += 1
    assert all(850 < count < 1150 for count in quarters)


def test_a_check_has_the_same_id_wherever_it_is_named() -> None:
    monitor = UUID(int=7)
    assert slots.check_id(monitor, "default", 1000) == slots.check_id(monitor, "default", 1000)
    assert len({slots.check_id(monitor, place, at) for place in ("a", "b") for at in (1, 2)}) == 4


def test_a_job_is_stale_after_its_interval_or_a_minute() -> None:
    assert slots.not_after(1000, 30_000) == 31_000
    assert slots.not_after(1000, 3_600_000) == 61_000


def test_slots_and_their_names_are_the_same_in_each_release() -> None:
    """Two releases run beside each other; and a monitor whose phase moved would be checked twice, or late."""
    monitor = UUID("3d813cbb-47fb-42ba-91df-831e1593ac29")
    assert slots.phase_ms(monitor, 0, 60_000) == 12_819
    assert slots.phase_ms(monitor, 1, 300_000) == 42_819
    named = slots.check_id(monitor, "default", 1_767_225_600_000)
    assert named == UUID("e0cae701-ec38-5533-92f6-fb3a7056afd0")
