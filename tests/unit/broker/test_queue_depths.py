"""Every queue of ours has words that an operator can use."""

import pytest

from shared.broker.definitions import queue_policies
from shared.broker.queue_depths import Standing, _meaning
from shared.broker.topology import checks_queue, core_topology, events_queue, reply_queue
from shared.checks.vocabulary import Lane

QUEUES = [
    *(queue.name for queue in core_topology().queues),
    *(checks_queue("imap", "here", lane) for lane in Lane),
    reply_queue("api_gateway@here:1"),
    events_queue("api_gateway@here:1"),
]


@pytest.mark.parametrize("name", QUEUES)
def test_a_queue_that_is_served_is_known_and_well(name: str) -> None:
    standing, meaning = _meaning(name, 0, 0, 1)
    assert standing is Standing.WELL
    assert "none of the queues" not in meaning


@pytest.mark.parametrize("name", QUEUES)
def test_a_queue_has_a_policy_with_a_limit(name: str) -> None:
    (policy,) = [policy for policy in queue_policies() if policy.covers(name)]
    assert "max-length" in policy.definition


def test_another_one_is_said_to_be_unknown() -> None:
    assert "none of the queues this release knows" in _meaning("mailprobe.something", 0, 0, 1)[1]
