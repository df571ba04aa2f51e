"""A monitor that fails and has never passed: no incident, but word to whoever made it, once."""

from typing import Any

import pytest

from shared.checks.messages import CheckResult
from shared.checks.vocabulary import OutcomeKind
from tests.integration.result_recorder.test_incidents import at_work, hear
from tests.support.answers import answer, slot
from tests.support.recorder_desk import RecorderDesk


@pytest.fixture
async def newcomer(desk: RecorderDesk) -> RecorderDesk:
    """A desk whose monitors have never passed."""
    await at_work(desk, "here")
    await desk.run_as_owner("ALTER TABLE mailprobe.monitor_health ALTER COLUMN first_passed_at DROP DEFAULT")
    return desk


def fails(at: int, **more: Any) -> CheckResult:
    return answer(slot(at), OutcomeKind.CONNECT_REFUSED, **more)


def passes(at: int, **more: Any) -> CheckResult:
    return answer(slot(at), **more)


async def told(desk: RecorderDesk) -> list[tuple[str, int]]:
    return [(row["kind"], row["monitor_id"]) for row in await desk.rows("SELECT * FROM outbox ORDER BY id")]


async def test_no_incident_opens_and_its_maker_is_told_once(newcomer: RecorderDesk) -> None:
    for at in range(6):
        await hear(newcomer, fails(at))
    assert await told(newcomer) == [("never_passed", 1)]
    assert await newcomer.value("SELECT count(*) FROM incidents") == 0
    assert await newcomer.value("SELECT count(*) FROM check_requests WHERE kind = 'follow_up'") == 0
    assert (await newcomer.monitor_state())["health"] == "down"


async def test_once_it_has_passed_an_outage_is_an_incident(newcomer: RecorderDesk) -> None:
    await hear(newcomer, fails(0))
    await hear(newcomer, passes(1))
    assert (await newcomer.monitor_state())["first_passed_at"] == passes(1).started_at
    for at in range(2, 5):
        await hear(newcomer, fails(at))
    await hear(newcomer, passes(5))
    assert [kind for kind, _ in await told(newcomer)] == ["never_passed", "opened"]
    assert (await newcomer.monitor_state())["first_passed_at"] == passes(1).started_at


async def test_described_anew_its_maker_is_told_anew(newcomer: RecorderDesk) -> None:
    await hear(newcomer, fails(0))
    await newcomer.change_monitor(revision=2)
    await hear(newcomer, fails(1, revision=2), fails(2, revision=2))
    assert await told(newcomer) == [("never_passed", 1)] * 2


async def test_nobody_is_told_of_one_that_is_not_to_alert(newcomer: RecorderDesk) -> None:
    await newcomer.change_monitor(status="maintenance")
    await hear(newcomer, fails(0))
    assert await told(newcomer) == []


async def test_a_withheld_check_is_no_pass(newcomer: RecorderDesk) -> None:
    await hear(newcomer, passes(0, withheld=True))
    assert (await newcomer.monitor_state())["first_passed_at"] is None


async def test_a_monitor_of_before_counts_as_one_that_passed(newcomer: RecorderDesk) -> None:
    await hear(newcomer, fails(0))
    await newcomer.pool.execute("UPDATE monitor_health SET first_passed_at = 0")
    for at in range(1, 4):
        await hear(newcomer, fails(at))
    assert [kind for kind, _ in await told(newcomer)] == ["never_passed", "opened"]
