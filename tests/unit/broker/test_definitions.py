"""The policies that are shipped: every queue has one, and it says what the design asks."""

import json
from pathlib import Path

import pytest

from shared.broker import definitions
from shared.broker.definitions import QueuePolicy, queue_policies
from shared.broker.topology import (
    DEAD_LETTERS,
    core_topology,
    events_queue,
    location_topology,
    reply_queue,
)

QUEUES = [
    *(queue.name for queue in core_topology().queues),
    *(queue.name for protocol in ("imap", "pop3") for queue in location_topology(protocol, "fra-1").queues),
    reply_queue("api_gateway@fra1:4711"),
    events_queue("api_gateway@fra1:4711"),
]


def policy_of(queue: str) -> QueuePolicy:
    [policy] = [policy for policy in queue_policies() if policy.covers(queue)]
    return policy


@pytest.mark.parametrize("queue", QUEUES)
def test_every_queue_has_exactly_one_policy_and_a_limit(queue: str) -> None:
    assert policy_of(queue).limit("max-length")


@pytest.mark.parametrize("queue", ["orders", "my.mailprobe.results", "mailprobe.results.copy", "mailprobe-checks"])
def test_queues_of_others_are_left_alone(queue: str) -> None:
    assert not [policy for policy in queue_policies() if policy.covers(queue)]


@pytest.mark.parametrize("queue", [name for name in QUEUES if ".checks." in name])
def test_check_queues_refuse_when_full_and_dead_letter_poison_but_nothing_by_age(queue: str) -> None:
    definition = policy_of(queue).definition
    assert definition["delivery-limit"] == 5
    assert definition["overflow"] == "reject-publish"
    assert definition["dead-letter-exchange"] == DEAD_LETTERS
    assert definition["dead-letter-strategy"] == "at-least-once"
    assert "message-ttl" not in definition


def test_results_are_never_given_up_for_having_come_back_often() -> None:
    definition = policy_of("mailprobe.results").definition
    assert isinstance(definition["delivery-limit"], int)
    assert definition["delivery-limit"] >= 1_000_000
    assert definition["overflow"] == "reject-publish"
    assert definition["dead-letter-exchange"] == DEAD_LETTERS


def test_dead_letters_have_nowhere_further_to_go() -> None:
    assert "dead-letter-exchange" not in policy_of("mailprobe.dead-letters").definition


def test_brokers_load_the_same_file_at_start() -> None:
    deployed = Path(__file__).parents[3] / "deploy" / "rabbitmq" / "definitions.json"
    packaged = Path(definitions.__file__).with_name("definitions.json")
    assert deployed.resolve() == packaged.resolve()
    document = json.loads(deployed.read_text())
    vhosts = {vhost["name"] for vhost in document["vhosts"]}
    assert {policy["vhost"] for policy in document["policies"]} == vhosts == {"mailprobe"}
