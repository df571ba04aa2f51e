"""Where a host refuses several accounts that had worked, they confirm each other."""

from services.result_recorder.incidents.transitions import Opened
from tests.support.incidents.watch import BEGIN, EXPIRED, FAILED, MINUTE, REFUSED, Watch


def test_the_first_refusal_opens_an_incident() -> None:
    watch = Watch(locations=(1, 2, 3))
    watch.change(host_refuses=True)
    (opened,) = watch.sees(2, 0, REFUSED)
    assert isinstance(opened, Opened)
    assert (opened.started_at, opened.locations) == (BEGIN, (2,))


def test_everything_else_is_confirmed_as_ever() -> None:
    watch = Watch()
    watch.change(host_refuses=True)
    for minute, kind in enumerate((FAILED, FAILED)):
        assert watch.sees(1, minute * MINUTE, kind) == []
    watch = Watch()
    watch.change(host_refuses=True)
    assert watch.sees(1, 0, EXPIRED) == []


def test_once_the_host_lets_people_in_again_two_are_wanted() -> None:
    watch = Watch()
    assert watch.sees(1, 0, REFUSED) == []
    watch.change(host_refuses=True)
    assert len(watch.sees(1, 5 * MINUTE, REFUSED)) == 1
