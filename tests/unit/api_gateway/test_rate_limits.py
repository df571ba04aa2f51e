"""How often one may ask, on a clock of the test's own; and whose address counts."""

from ipaddress import ip_network

import pytest

from services.api_gateway import rate_limits
from services.api_gateway.client_address import client_address, counted_address
from services.api_gateway.rate_limits import RateLimit


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_full_bucket_may_be_spent_at_once_and_refills_evenly() -> None:
    clock = Clock()
    limit = RateLimit(60, clock=clock)
    assert [limit.take("a") for _ in range(61)] == [True] * 60 + [False]
    assert (limit.remaining("a"), limit.retry_after_seconds("a")) == (0, 1)
    clock.now += 2.5
    assert limit.remaining("a") == 2
    assert [limit.take("a") for _ in range(3)] == [True, True, False]
    clock.now += 3600
    assert limit.remaining("a") == 60


def test_keys_do_not_share() -> None:
    limit = RateLimit(1, clock=Clock())
    assert limit.take("a")
    assert limit.exhausted("a")
    assert limit.take("b")
    assert limit.knows("a")
    assert not limit.knows("c")


def test_waiting_as_long_as_said_is_enough() -> None:
    clock = Clock()
    limit = RateLimit(7, clock=clock)
    while limit.take("a"):
        pass
    clock.now += limit.retry_after_seconds("a")
    assert limit.take("a")


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "MOST_BUCKETS", 10)
    limit = RateLimit(1, clock=Clock())
    for number in range(100):
        limit.take(number)
    assert [number for number in range(100) if limit.knows(number)] == list(range(90, 100))


PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "counted"),
    [
        ("198.51.100.1", [], "198.51.100.1"),
        ("198.51.100.1", ["203.0.113.9"], "198.51.100.1"),
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["1.2.3.4, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", ["203.0.113.9", "10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", ["nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.3"], "10.0.0.3"),
        ("::ffff:10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", [], "2001:db8:1:2::/64"),
        ("fd00::1", ["[2001:db8:1:2::9]"], "2001:db8:1:2::/64"),
        (None, [], "unknown"),
    ],
)
def test_only_what_trusted_proxies_wrote_is_believed(peer: str | None, forwarded: list[str], counted: str) -> None:
    assert counted_address(client_address(peer, forwarded, PROXIES)) == counted
