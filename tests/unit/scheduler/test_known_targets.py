"""What was made of a monitor is made again only where the monitor says something else."""

from typing import Any

import pytest

from services.scheduler.candidates import slot_check
from services.scheduler.known_targets import KnownTargets
from services.scheduler.plan import Queue
from shared.checks.target import CheckTarget
from tests.support.scheduled_checks import HERE, claimed


def test_a_monitor_that_stands_as_it_was_is_read_once() -> None:
    targets = KnownTargets()
    first, second = (slot_check(claimed(), HERE, targets) for _ in range(2))
    assert first is not None
    assert second is not None
    assert second.target is first.target


@pytest.mark.parametrize(
    "changes",
    [
        {"hostname": "other.example"},
        {"port": 1143},
        {"timeout_seconds": 20},
        {"config": {"protocol": "imap", "user": "berta", "tls": True}},
        {"sealed_password": "sealed anew"},
        {"monitor_id": 6, "hostname": "other.example"},
    ],
)
def test_whatever_a_target_is_made_of_makes_another_one(changes: dict[str, Any]) -> None:
    targets = KnownTargets()
    slot_check(claimed(), HERE, targets)
    changed = slot_check(claimed(**changes), HERE, targets)
    alone = slot_check(claimed(**changes), HERE, KnownTargets())
    assert changed is not None
    assert alone is not None
    assert changed.target == alone.target


def test_a_queue_of_the_other_protocol_knows_nothing_of_it() -> None:
    targets = KnownTargets()
    assert slot_check(claimed(), HERE, targets) is not None
    assert slot_check(claimed(), Queue(location_id=3, location="here", protocol="pop3"), targets) is None


def test_of_more_monitors_than_it_may_know_the_others_are_read_each_time() -> None:
    targets = KnownTargets(most=1)
    times: list[int] = []

    def read(row: dict[str, Any], _protocol: str) -> CheckTarget:
        times.append(row["monitor_id"])
        return CheckTarget.model_construct(hostname="mail.example", port=143)

    for number in (1, 2, 1, 2):
        targets.of(claimed(monitor_id=number), "imap", read)
    assert times == [1, 2, 2]
