"""Hours and days added up: once, whatever arrives late, and the same whoever does it and in whatever steps."""

import asyncio
from typing import Any

import pytest

from services.result_recorder.recording import record
from services.result_recorder.rollups.keeping import keep_rollups
from services.result_recorder.rollups.rollup_store import DAY_MS, HOUR_MS, PATIENCE_MS
from services.result_recorder.sweeping import sweep
from shared.checks.vocabulary import LoginOutcome, OutcomeKind, Phase
from tests.support.answers import BEGIN_MS, answer
from tests.support.recorder_desk import RecorderDesk

# The first full hour of the day, so that a day can be looked at as a whole.
DAY = (BEGIN_MS // DAY_MS + 1) * DAY_MS
MINUTE = 60_000


async def standing_at(desk: RecorderDesk, at_ms: int) -> None:
    """Everything before this hour counts as added up."""
    await desk.pool.execute("UPDATE rollup_progress SET hours_until = $1, rolling_until = $1, next_monitor = 0", at_ms)


async def believe(desk: RecorderDesk, since: int, health: str, monitor_id: int = 1) -> None:
    await desk.pool.execute("DELETE FROM health_changes WHERE monitor_id = $1 AND since = $2", monitor_id, since)
    await desk.pool.execute("INSERT INTO health_changes VALUES ($1, 1, $2, $3)", monitor_id, since, health)


async def hours(desk: RecorderDesk, span: str = "hour", monitor_id: int = 1) -> dict[int, dict[str, Any]]:
    rows = await desk.rows("SELECT * FROM rollups WHERE span = $1 AND monitor_id = $2", span, monitor_id)
    return {row["starts_at"]: row for row in rows}


def spent(row: dict[str, Any]) -> tuple[int, ...]:
    """Minutes up, degraded, down, unknown, in maintenance."""
    names = ("up", "degraded", "down", "unknown", "maintenance")
    return tuple(row[f"{name}_ms"] // MINUTE for name in names)


async def window(desk: RecorderDesk, starts_at: int, ends_at: int, *, whole: bool = True) -> None:
    await desk.run_as_owner(
        f"""INSERT INTO mailprobe.maintenance_windows (organization_id, customer_id, name, starts_at, ends_at,
                whole_customer)
            VALUES (1, 10, 'w', now(), now() + interval '1 hour', {str(whole).lower()})"""
    )
    await desk.pool.execute(
        "INSERT INTO maintenance_occurrences SELECT max(id), 1, $1, $2 FROM maintenance_windows", starts_at, ends_at
    )


async def test_an_hour_is_added_up_when_it_is_over_and_its_results_had_time_to_come(desk: RecorderDesk) -> None:
    await standing_at(desk, DAY)
    await believe(desk, DAY, "up")
    await desk.set_clock(DAY + HOUR_MS + PATIENCE_MS - 1)
    assert await keep_rollups(desk.pool) == 0
    assert await hours(desk) == {}
    await desk.set_clock(DAY + HOUR_MS + PATIENCE_MS)
    assert await keep_rollups(desk.pool) == 1
    assert {at: spent(row) for at, row in (await hours(desk)).items()} == {DAY: (60, 0, 0, 0, 0)}
    assert await keep_rollups(desk.pool) == 0


async def test_time_is_weighed_by_what_was_believed_and_windows_are_left_out(desk: RecorderDesk) -> None:
    await standing_at(desk, DAY)
    await believe(desk, DAY + 10 * MINUTE, "up")  # nothing was believed before
    await believe(desk, DAY + 20 * MINUTE, "degraded")
    await believe(desk, DAY + 25 * MINUTE, "down")
    await believe(desk, DAY + 100 * MINUTE, "unknown")
    await believe(desk, DAY + 110 * MINUTE, "up")
    await window(desk, DAY + 30 * MINUTE, DAY + 50 * MINUTE)
    await window(desk, DAY + 40 * MINUTE, DAY + 65 * MINUTE)  # the two overlap, over the end of the hour
    await desk.set_clock(DAY + 4 * HOUR_MS)
    await keep_rollups(desk.pool)
    assert {(at - DAY) // HOUR_MS: spent(row) for at, row in (await hours(desk)).items()} == {
        0: (10, 5, 5, 0, 30),
        1: (10, 0, 35, 10, 5),
        2: (60, 0, 0, 0, 0),
    }
    assert {at: spent(row) for at, row in (await hours(desk, "day")).items()} == {DAY: (80, 5, 40, 10, 35)}


async def test_only_checks_that_tell_something_of_the_server_are_counted(desk: RecorderDesk) -> None:
    await standing_at(desk, DAY)
    await desk.set_clock(DAY + 30 * MINUTE)
    refused = {"phase": Phase.AUTH, "login": LoginOutcome.REFUSED}
    await record(
        desk.pool,
        [
            answer(DAY, total_ms=100.0),
            answer(DAY + MINUTE, total_ms=300.0),
            answer(DAY + 2 * MINUTE, OutcomeKind.INTERNAL),
            answer(DAY + 3 * MINUTE, OutcomeKind.CONNECT_REFUSED, total_ms=9000.0),
            answer(DAY + 4 * MINUTE, OutcomeKind.AUTH_REJECTED, **refused),
            answer(DAY + 5 * MINUTE, withheld=True),  # shows the refusal behind it
            answer(DAY + 6 * MINUTE, OutcomeKind.CONNECT_REFUSED, withheld=True),
        ],
    )
    await desk.set_clock(DAY + 2 * HOUR_MS)
    await keep_rollups(desk.pool)
    row = (await hours(desk))[DAY]
    assert (row["checks"], row["failures"]) == (5, 3)
    assert (row["total_ms_sum"], row["total_ms_min"], row["total_ms_max"]) == (400.0, 100.0, 300.0)


async def test_a_result_that_comes_late_has_its_hour_added_up_anew(desk: RecorderDesk) -> None:
    await standing_at(desk, DAY)
    await desk.set_clock(DAY + HOUR_MS)
    await record(desk.pool, [answer(DAY)])
    assert await desk.value("SELECT count(*) FROM rollups_due") == 0  # in time
    await desk.set_clock(DAY + 3 * HOUR_MS)
    await keep_rollups(desk.pool)
    late = [answer(DAY + MINUTE), answer(DAY + 2 * MINUTE), answer(DAY + HOUR_MS)]
    await record(desk.pool, late)
    noted = await desk.rows("SELECT monitor_id, starts_at FROM rollups_due ORDER BY starts_at")
    assert [(row["monitor_id"], row["starts_at"]) for row in noted] == [(1, DAY), (1, DAY + HOUR_MS)]
    await record(desk.pool, late)  # told again
    assert await keep_rollups(desk.pool) == 1
    assert {(at - DAY) // HOUR_MS: row["checks"] for at, row in (await hours(desk)).items()} == {0: 3, 1: 1}
    assert (await hours(desk, "day"))[DAY]["checks"] == 4
    assert await desk.value("SELECT count(*) FROM rollups_due") == 0


async def test_a_belief_that_turns_out_otherwise_has_all_its_hours_added_up_anew(desk: RecorderDesk) -> None:
    await standing_at(desk, DAY)
    await believe(desk, DAY, "up")
    await believe(desk, DAY + 200 * MINUTE, "unknown")
    await desk.set_clock(DAY + 5 * HOUR_MS)
    await desk.pool.execute("DELETE FROM rollups_due")
    await keep_rollups(desk.pool)
    await believe(desk, DAY + 30 * MINUTE, "down")
    assert await desk.value("SELECT array_agg(starts_at ORDER BY starts_at) FROM rollups_due") == [
        DAY,
        DAY + HOUR_MS,
        DAY + 2 * HOUR_MS,
        DAY + 3 * HOUR_MS,
    ]
    await keep_rollups(desk.pool)
    assert spent((await hours(desk, "day"))[DAY]) == (30, 0, 170, 40, 0)


async def test_an_hour_still_to_be_added_up_keeps_its_note_until_then(desk: RecorderDesk) -> None:
    await standing_at(desk, DAY)
    await desk.set_clock(DAY + HOUR_MS + 400_000)
    await record(desk.pool, [answer(DAY)])
    await keep_rollups(desk.pool)
    assert await desk.value("SELECT count(*) FROM rollups_due") == 1
    await desk.set_clock(DAY + 2 * HOUR_MS)
    await keep_rollups(desk.pool)
    assert await desk.value("SELECT count(*) FROM rollups_due") == 0
    assert (await hours(desk))[DAY]["checks"] == 1


async def test_adding_up_goes_on_where_it_was_stopped_and_side_by_side(desk: RecorderDesk) -> None:
    for monitor_id in range(2, 8):
        await desk.add_monitor(monitor_id)
    for monitor_id in range(1, 8):
        await believe(desk, DAY, "up", monitor_id)
    await standing_at(desk, DAY)
    await desk.set_clock(DAY + 60 * HOUR_MS)
    await desk.pool.execute("DELETE FROM rollups_due")
    assert await keep_rollups(desk.pool, monitors_at_once=2, most_steps=2) == 2
    assert await desk.value("SELECT count(DISTINCT monitor_id) FROM rollups") == 4
    assert await desk.value("SELECT hours_until FROM rollup_progress") == DAY
    while sum(await asyncio.gather(*(keep_rollups(desk.pool, monitors_at_once=2) for _ in range(3)))):
        pass
    assert await desk.value("SELECT hours_until FROM rollup_progress") == DAY + 59 * HOUR_MS
    rows = await desk.rows("SELECT monitor_id, span, sum(up_ms) AS up FROM rollups GROUP BY 1, 2")
    assert {(row["monitor_id"], row["span"], int(row["up"])) for row in rows} == {
        (monitor_id, span, 59 * HOUR_MS) for monitor_id in range(1, 8) for span in ("hour", "day")
    }


async def test_a_note_about_what_is_not_committed_yet_is_not_taken_away(desk: RecorderDesk) -> None:
    await standing_at(desk, DAY)
    await desk.set_clock(DAY + 3 * HOUR_MS)
    await keep_rollups(desk.pool)
    await record(desk.pool, [answer(DAY)])
    async with desk.pool.acquire() as other, other.transaction():
        await other.execute("INSERT INTO health_changes VALUES (1, 1, $1, 'down')", DAY + 10 * MINUTE)
        await keep_rollups(desk.pool)
        assert await desk.value("SELECT count(*) FROM rollups_due WHERE starts_at = $1", DAY) == 1
    await keep_rollups(desk.pool)
    row = (await hours(desk))[DAY]
    assert (row["checks"], row["down_ms"]) == (1, 50 * MINUTE)


async def test_deleting_a_monitor_takes_its_hours_along_and_leaves_no_notes(desk: RecorderDesk) -> None:
    await standing_at(desk, DAY)
    for at in range(20):
        await believe(desk, DAY + at * HOUR_MS, "up" if at % 2 else "down")
    await desk.set_clock(DAY + 30 * HOUR_MS)
    await keep_rollups(desk.pool)
    assert len(await hours(desk)) == 29
    await desk.pool.execute("DELETE FROM rollups_due")
    await desk.delete_monitor()
    assert await desk.value("SELECT count(*) FROM rollups") == 0
    assert await desk.value("SELECT count(*) FROM rollups_due") == 0


@pytest.mark.parametrize("whole", [True, False])
async def test_a_window_of_others_leaves_the_hour_alone(desk: RecorderDesk, whole: bool) -> None:
    await standing_at(desk, DAY)
    await believe(desk, DAY, "up")
    await window(desk, DAY, DAY + HOUR_MS, whole=whole)
    await desk.set_clock(DAY + 2 * HOUR_MS)
    await keep_rollups(desk.pool)
    assert spent((await hours(desk))[DAY]) == ((0, 0, 0, 0, 60) if whole else (60, 0, 0, 0, 0))


async def test_what_checks_found_becomes_time_up_and_down(desk: RecorderDesk) -> None:
    await standing_at(desk, DAY)
    for minute in range(90):
        at = DAY + minute * MINUTE
        await desk.set_clock(at + 2_000)
        broken = 20 <= minute < 40 or minute == 70
        await record(desk.pool, [answer(at, OutcomeKind.CONNECT_REFUSED if broken else OutcomeKind.OK)])
    await desk.set_clock(DAY + 4 * HOUR_MS)
    assert await sweep(desk.pool) == 1  # nothing was told since
    await keep_rollups(desk.pool)
    assert {(at - DAY) // HOUR_MS: spent(row) for at, row in (await hours(desk)).items()} == {
        0: (40, 0, 20, 0, 0),
        1: (59, 0, 1, 0, 0),
        2: (60, 0, 0, 0, 0),
    }
    counted = [(row["checks"], row["failures"]) for _, row in sorted((await hours(desk)).items())]
    assert counted == [(60, 20), (30, 1), (0, 0)]
