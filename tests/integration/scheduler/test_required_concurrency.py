"""How many checks at once the schedule asks for, which workers are scaled by, is known per protocol and location."""

import pytest

from shared.runtime import metrics
from tests.integration.scheduler.world import MINUTE, World


def required(protocol: str, location: str) -> float | None:
    return metrics.REGISTRY.get_sample_value(
        "mailprobe_required_concurrency", {"protocol": protocol, "location": location}
    )


async def test_it_is_how_often_checks_are_due_times_how_long_they_took(world: World) -> None:
    await world.add_location("there", protocols=["imap", "pop3"])
    for _ in range(6):
        await world.add_monitor(interval_ms=MINUTE)
    await world.reconcile()
    assert (required("imap", "here"), required("pop3", "there")) == (pytest.approx(6 / 60), None)  # a second each
    monitor = await world.add_monitor(interval_ms=MINUTE, protocol="pop3")
    await world.pool.execute("UPDATE monitor_health SET total_ms = 30000 WHERE monitor_id = $1", monitor)
    await world.reconcile()
    assert required("pop3", "there") == pytest.approx(30 / 60)
    assert required("pop3", "here") is None
    await world.change_monitor(monitor, status="disabled")
    await world.reconcile()
    assert required("pop3", "there") is None
