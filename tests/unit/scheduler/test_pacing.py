"""How hard one host is asked."""

from uuid import UUID, uuid4

from services.scheduler.pacing import FULL_RETRY_MS, GRACE_MS, LONGEST_QUEUE_MS, Later, NoRoom, Pacer, Place, Start
from services.scheduler.windows import LOOK_AHEAD_MS

NOW = 1_800_000_000_000


def check(number: int) -> UUID:
    return UUID(int=number)


def place(pacer: Pacer, number: int, *, at: int = NOW, queues_up: bool = True, patience: int = 60_000) -> Place:
    return pacer.place("host", check(number), wanted_at=at, give_up_at=at + patience, now_ms=NOW, queues_up=queues_up)


def test_one_second_holds_no_more_than_the_pace_allows() -> None:
    pacer = Pacer(per_second=5, in_flight=1000)
    places = [place(pacer, number) for number in range(40)]
    starts = sorted(found.at for found in places)
    for start in starts:
        assert sum(start <= other < start + 1_000 for other in starts) <= 5


def test_what_does_not_begin_soon_waits_at_a_place_of_its_own() -> None:
    pacer = Pacer(per_second=5, in_flight=1000)
    places = [place(pacer, number) for number in range(40)]
    assert all(isinstance(found, Start) == (found.at <= NOW + LOOK_AHEAD_MS) for found in places)
    assert len({found.at for found in places}) == 40
    # Asked again when it is near, it is told the same.
    late = max(places, key=lambda found: found.at)
    number = places.index(late)
    again = pacer.place(
        "host", check(number), wanted_at=late.at, give_up_at=NOW + 60_000, now_ms=late.at - 1_000, queues_up=True
    )
    assert again == Start(late.at)


def test_demand_beyond_the_pace_has_no_room() -> None:
    pacer = Pacer(per_second=5, in_flight=1000)
    places = [place(pacer, number, patience=10_000) for number in range(100)]
    refused = [found for found in places if isinstance(found, NoRoom)]
    assert 45 <= len(refused) <= 60


def test_no_line_grows_longer_than_an_hour() -> None:
    pacer = Pacer(per_second=0.01, in_flight=1000)
    places = [place(pacer, number, patience=10**9) for number in range(50)]
    assert max(found.at for found in places if not isinstance(found, NoRoom)) <= NOW + LONGEST_QUEUE_MS


def test_a_long_line_does_not_keep_people_waiting() -> None:
    pacer = Pacer(per_second=5, in_flight=1000)
    for number in range(200):
        place(pacer, number)
    asked = place(pacer, 1_000, queues_up=False)
    assert asked.at <= NOW + LOOK_AHEAD_MS + 1_500


def test_other_hosts_are_not_held_up() -> None:
    pacer = Pacer(per_second=5, in_flight=10)
    for number in range(50):
        place(pacer, number)
    free = pacer.place("other", check(99), wanted_at=NOW, give_up_at=NOW + 1, now_ms=NOW, queues_up=True)
    assert free == Start(NOW)


def test_no_more_than_allowed_are_out_at_once() -> None:
    pacer = Pacer(per_second=1000, in_flight=10)
    for number in range(10):
        assert isinstance(place(pacer, number), Start)
        pacer.sent("host", check(number), slot_at=NOW, start_at=NOW, timeout_ms=30_000)
    waiting = place(pacer, 10)
    assert isinstance(waiting, Later)
    assert waiting.at >= NOW + FULL_RETRY_MS
    pacer.done("host", check(3))
    assert isinstance(place(pacer, 11), Start)


def test_a_place_is_free_again_when_its_check_must_have_ended() -> None:
    pacer = Pacer(per_second=1000, in_flight=1)
    pacer.sent("host", check(1), slot_at=NOW, start_at=NOW, timeout_ms=5_000)
    assert pacer.is_full("host", NOW + 5_000)
    assert not pacer.is_full("host", NOW + 5_000 + GRACE_MS)


def test_trials_are_counted_apart() -> None:
    pacer = Pacer(per_second=5, in_flight=10)
    pacer.sent("host", check(1), slot_at=NOW, start_at=NOW, timeout_ms=5_000, trial=True)
    pacer.sent("host", check(2), slot_at=NOW, start_at=NOW, timeout_ms=5_000)
    assert pacer.trials("host", NOW) == 1


def test_a_successor_keeps_the_places_given_before() -> None:
    pacer = Pacer(per_second=5, in_flight=10)
    pacer.keep_place("host", check(1), NOW + 30_000)
    assert place(pacer, 1, at=NOW + 29_000).at == NOW + 30_000


def test_nothing_is_kept_of_hosts_long_unheard_of() -> None:
    pacer = Pacer(per_second=5, in_flight=10)
    place(pacer, 1)
    pacer.sent("host", check(1), slot_at=NOW, start_at=NOW, timeout_ms=5_000)
    pacer.forget_past(NOW + 60_000)
    assert pacer.outstanding("host") == {}
    assert not pacer._tables
    assert not pacer._out


def test_a_job_sent_once_more_is_out_until_its_new_end() -> None:
    """A slot taken back by a clock that jumped: what ends first must not end what was sent last."""
    pacer, check_id = Pacer(per_second=1000, in_flight=1), uuid4()
    pacer.sent("mail", check_id, slot_at=0, start_at=0, timeout_ms=1_000)
    pacer.sent("mail", check_id, slot_at=0, start_at=10_000, timeout_ms=1_000)
    assert pacer.is_full("mail", 10_500)
    assert not pacer.is_full("mail", 10_000 + 1_000 + GRACE_MS)


def test_one_host_may_have_many_thousands_out() -> None:
    pacer = Pacer(per_second=100_000, in_flight=100_000)
    for place in range(20_000):
        assert not pacer.is_full("mail", place)
        pacer.sent("mail", uuid4(), slot_at=place, start_at=place, timeout_ms=1_000)
    assert len(pacer.outstanding("mail")) == 1_000 + GRACE_MS
