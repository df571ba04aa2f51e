"""A database's clock that ran an hour ahead and is right again: what is true from now on counts from now on."""

from services.result_recorder.recording import record
from shared.checks.vocabulary import OutcomeKind
from tests.integration.result_recorder.test_incidents import at_work, hear, incident, told
from tests.support.answers import answer, slot
from tests.support.recorder_desk import RecorderDesk

FAILED = OutcomeKind.CONNECT_REFUSED
HOUR = 60  # in slots


async def health(desk: RecorderDesk) -> tuple[str, int, int]:
    row = await desk.row("SELECT health, since, last_checked_at FROM monitor_health")
    return row["health"], row["since"], row["last_checked_at"]


async def history(desk: RecorderDesk) -> list[tuple[str, int]]:
    return [
        (row["health"], row["since"])
        for row in await desk.rows("SELECT health, since FROM health_changes ORDER BY since")
    ]


async def test_an_outage_after_it_is_noticed_at_once(desk: RecorderDesk) -> None:
    await at_work(desk, "here")
    await hear(desk, answer(slot(0)), answer(slot(HOUR + 1)), answer(slot(HOUR + 2)))
    await hear(desk, answer(slot(3), FAILED))
    assert await health(desk) == ("down", slot(3), slot(3) + 500)
    await hear(desk, answer(slot(4), FAILED), answer(slot(5), FAILED))
    assert ((await incident(desk))["started_at"], await told(desk)) == (slot(3), ["opened"])
    await hear(desk, answer(slot(6)), answer(slot(7)))
    assert await health(desk) == ("up", slot(6), slot(7) + 500)
    assert await told(desk) == ["opened", "resolved"]
    assert await history(desk) == [("up", slot(0)), ("down", slot(3)), ("up", slot(6))]


async def test_one_that_was_confirmed_by_it_ends_in_its_time(desk: RecorderDesk) -> None:
    await at_work(desk, "here")
    await hear(desk, answer(slot(0)), *(answer(slot(HOUR + n), FAILED) for n in range(1, 4)))
    assert await told(desk) == ["opened"]
    await hear(desk, answer(slot(5), FAILED))
    assert await health(desk) == ("down", slot(5) + 1000, slot(5) + 500), "it is down, and not from a time to come"
    assert await history(desk) == [("up", slot(0)), ("down", slot(5) + 1000)]
    await hear(desk, answer(slot(6)), answer(slot(7)))
    assert await told(desk) == ["opened", "resolved"]
    assert await health(desk) == ("up", slot(6), slot(7) + 500)
    assert await history(desk) == [("up", slot(0)), ("down", slot(5) + 1000), ("up", slot(6))]
    over = await incident(desk)
    assert over["started_at"] <= over["opened_at"] <= over["resolved_at"] == slot(7) + 1000


async def test_what_came_late_is_not_told_by_what_it_was_told_to_come(desk: RecorderDesk) -> None:
    await at_work(desk, "here")
    await hear(desk, answer(slot(0)), answer(slot(HOUR)))
    await hear(desk, answer(slot(5), FAILED))
    await record(desk.pool, [answer(slot(4), FAILED)])
    assert await health(desk) == ("down", slot(4), slot(5) + 500)


async def test_a_step_of_seconds_changes_nothing(desk: RecorderDesk) -> None:
    """Slots are claimed ahead, and clocks are corrected all the time."""
    await at_work(desk, "here")
    await hear(desk, answer(slot(1)))
    await desk.set_clock(slot(1) - 20_000)
    await record(desk.pool, [answer(slot(0), FAILED)])
    assert await health(desk) == ("up", slot(1), slot(1) + 500)
