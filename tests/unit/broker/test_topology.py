"""Names at the console."""

import pytest

from shared.broker.topology import (
    CHECKS,
    DEAD_LETTERS,
    Binding,
    ExchangeKind,
    checks_key,
    checks_queue,
    core_topology,
    location_topology,
    reply_queue,
)


def test_a_location_has_a_queue_for_each_lane() -> None:
    assert [queue.name for queue in location_topology("imap", "fra-1").queues] == [
        "mailprobe.checks.imap.fra-1",
        "mailprobe.checks.imap.fra-1.now",
        "mailprobe.checks.imap.fra-1.retry",
    ]
    assert location_topology("imap", "fra-1").bindings == (
        Binding(CHECKS, "mailprobe.checks.imap.fra-1", "imap.fra-1.due"),
        Binding(CHECKS, "mailprobe.checks.imap.fra-1.now", "imap.fra-1.now"),
        Binding(CHECKS, "mailprobe.checks.imap.fra-1.retry", "imap.fra-1.retry"),
    )


@pytest.mark.parametrize("location", ["", "fra.now", "*", "#", "FRA", "fra 1", "fra\n"])
def test_a_location_that_would_read_the_jobs_of_another_is_refused(location: str) -> None:
    with pytest.raises(ValueError, match="location code"):
        checks_key("imap", location, "due")
    with pytest.raises(ValueError, match="location code"):
        checks_queue("imap", location, "due")


def test_an_unknown_lane_is_refused() -> None:
    with pytest.raises(ValueError, match="fast"):
        checks_queue("imap", "fra", "fast")


def test_every_binding_of_the_core_has_its_ends_declared() -> None:
    core = core_topology()
    exchanges = {exchange.name for exchange in core.exchanges}
    queues = {queue.name for queue in core.queues}
    assert all(binding.exchange in exchanges and binding.queue in queues for binding in core.bindings)


def test_dead_letters_arrive_whatever_their_key() -> None:
    [exchange] = [exchange for exchange in core_topology().exchanges if exchange.name == DEAD_LETTERS]
    assert exchange.kind is ExchangeKind.FANOUT


def test_a_reply_queue_says_whose_it_is() -> None:
    assert reply_queue("api_gateway@fra1:4711") == "mailprobe.replies.api_gateway@fra1:4711"
