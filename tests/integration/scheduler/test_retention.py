"""Days of results: made ahead, filled from the DEFAULT partition, dropped on time and not before they are added up."""

from collections.abc import Sequence
from uuid import uuid4

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from services.result_recorder.rollups.keeping import keep_rollups
from services.scheduler import upkeep_store
from services.scheduler.upkeep import MOST_DROPPED, drop_past, make_partitions, tidy
from shared.database.errors import DatabaseConflict
from shared.database.pool import transaction
from shared.runtime import metrics
from tests.integration.scheduler.world import HOUR, START_MS, World

DAY = 24 * HOUR
KEPT_DAYS = 90


async def days(world: World) -> list[int]:
    """Days there are partitions of, counted from the first of the world; not those of the day the test is run."""
    found = [row["day"] - START_MS // DAY for row in await world.pool.fetch("SELECT day FROM results_days()")]
    return [day for day in found if day < 300]


@pytest_asyncio.fixture(autouse=True)
async def nothing_added_up(world: World) -> None:
    await world.pool.execute("UPDATE rollup_progress SET hours_until = $1, rolling_until = $1", START_MS - DAY)


async def store(world: World, slots: Sequence[int], monitor_id: int = 1) -> None:
    await world.pool.executemany(
        """INSERT INTO results (check_id, slot_at, organization_id, monitor_id, location_id, kind, revision, outcome,
               phase, passed, withheld, start_at, started_at, total_ms, message, detail)
           VALUES ($1, $2, 1, $3, 0, 'scheduled', 1, 'ok', 'logout', true, false, $2, $2, 40, '', '{}')""",
        [(uuid4(), slot, monitor_id) for slot in slots],
    )


async def to(world: World, day: int) -> None:
    await world.set_clock(START_MS + day * DAY)


async def roll(world: World) -> None:
    while await keep_rollups(world.pool):
        pass


async def out_of_place(world: World) -> int:
    return await upkeep_store.results_out_of_place(world.pool)


async def test_days_are_made_a_week_ahead_however_long_nobody_made_any(world: World) -> None:
    await make_partitions(world.term)
    assert await days(world) == list(range(-1, 8))
    await to(world, 40)
    await make_partitions(world.term)
    assert await days(world) == [*range(-1, 8), *range(39, 48)]


async def test_a_result_without_a_day_is_kept_said_and_moved_into_its_own(world: World) -> None:
    await to(world, 30)
    slots = [START_MS + day * DAY + 5 for day in (20, 20, 25, 30, 60)]  # none of these days was made
    await store(world, slots)
    assert await out_of_place(world) == 5
    with capture_logs() as said:
        await make_partitions(world.term)
    assert {"event": "results_without_partition", "found": 5, "left": 1, "log_level": "warning"} in said
    assert metrics.RESULTS_OUT_OF_PLACE._value.get() == 1, "what lies a month ahead waits for its day"
    assert {20, 25, 30} <= set(await days(world))
    assert sorted(row["slot_at"] for row in await world.pool.fetch("SELECT slot_at FROM results")) == sorted(slots)
    await to(world, 55)
    await make_partitions(world.term)
    assert await out_of_place(world) == 0


async def test_months_of_days_go_when_their_time_is_up_and_none_before(world: World) -> None:
    for day in range(0, 201, 8):
        await to(world, day)
        await make_partitions(world.term)
    await store(world, [START_MS + day * DAY + 7 for day in range(201)])
    await to(world, 200)
    await roll(world)
    looks = 0
    while (await days(world))[0] < 200 - KEPT_DAYS:
        before = await days(world)
        await drop_past(world.term, kept_days=KEPT_DAYS)
        after = await days(world)
        assert before[-len(after) :] == after, "the oldest go first"
        assert 0 < len(before) - len(after) <= MOST_DROPPED
        looks += 1
    assert looks > 40
    await drop_past(world.term, kept_days=KEPT_DAYS)
    assert (await days(world))[0] == 200 - KEPT_DAYS
    assert metrics.RESULTS_OVERDUE_DAYS._value.get() == 0
    oldest = await world.pool.fetchval("SELECT min(slot_at) FROM results")
    assert oldest == START_MS + (200 - KEPT_DAYS) * DAY + 7
    assert await world.pool.fetchval("SELECT count(*) FROM results") == KEPT_DAYS + 1


async def test_a_day_stays_until_its_hours_are_added_up(world: World) -> None:
    await make_partitions(world.term)
    await world.add_monitor()
    await to(world, 200)
    await drop_past(world.term, kept_days=KEPT_DAYS)
    assert (await days(world))[0] == -1
    assert metrics.RESULTS_OVERDUE_DAYS._value.get() == 200 - KEPT_DAYS + 1
    await roll(world)
    await world.pool.execute("INSERT INTO rollups_due VALUES (1, $1)", START_MS - HOUR)
    await drop_past(world.term, kept_days=KEPT_DAYS)
    assert (await days(world))[0] == -1, "an hour of it is to be added up anew"
    await roll(world)
    await drop_past(world.term, kept_days=KEPT_DAYS)
    assert (await days(world))[0] == MOST_DROPPED - 1


async def test_what_comes_late_to_a_day_that_is_gone_leaves_its_sums_alone_and_goes(world: World) -> None:
    await make_partitions(world.term)
    await world.add_monitor()
    monitor_id = await world.pool.fetchval("SELECT id FROM monitors")
    await store(world, [START_MS + minute * 60_000 for minute in range(30)], monitor_id)
    await to(world, 100)
    await roll(world)
    while await upkeep_store.drop_result_partition(world.pool, kept_days=KEPT_DAYS):
        pass
    assert await world.pool.fetchval("SELECT count(*) FROM results") == 0
    sums = "SELECT span, starts_at, checks, timing_counts FROM rollups ORDER BY span, starts_at"
    before = await world.pool.fetch(sums)
    assert [(row["span"], row["checks"], row["timing_counts"]) for row in before] == [
        ("day", 30, [30]),
        ("hour", 30, [30]),
    ]
    await store(world, [START_MS + 31 * 60_000], monitor_id)
    await world.pool.execute("INSERT INTO rollups_due VALUES ($1, $2)", monitor_id, START_MS)
    await roll(world)
    assert await world.pool.fetch(sums) == before
    assert await world.pool.fetchval("SELECT count(*) FROM rollups_due") == 0
    await make_partitions(world.term)
    assert await out_of_place(world) == 0
    assert (await days(world))[0] > 0, "the day is not made again"


async def test_who_reads_for_long_is_not_waited_for_and_nobody_waits_behind_us(world: World) -> None:
    await make_partitions(world.term)
    await to(world, 100)
    await roll(world)
    async with transaction(world.pool) as reading:
        await reading.fetch("SELECT * FROM results LIMIT 1")
        with pytest.raises(DatabaseConflict):
            await upkeep_store.drop_result_partition(world.pool, kept_days=KEPT_DAYS)
    assert await upkeep_store.drop_result_partition(world.pool, kept_days=KEPT_DAYS) is not None


async def test_the_schedule_of_monitors_long_gone_and_logins_of_long_ago_go_as_well(world: World) -> None:
    await world.pool.executemany(
        """INSERT INTO schedule (monitor_id, location_id, organization_id, monitor_public_id, protocol, interval_ms,
               phase_ms, revision, active, since_slot, last_slot)
           VALUES ($1, 0, 1, gen_random_uuid(), 'imap', 60000, 0, 1, $2, 0, $3)""",
        [(901, False, START_MS), (902, False, START_MS + 60 * DAY), (903, True, START_MS)],
    )
    await world.pool.executemany(
        "INSERT INTO login_grants VALUES ($1, 'u', gen_random_uuid(), 0, $2)",
        [("old.example", START_MS), ("new.example", START_MS + 100 * DAY)],
    )
    await to(world, 100)
    await drop_past(world.term, kept_days=KEPT_DAYS)
    assert {row["monitor_id"] for row in await world.pool.fetch("SELECT monitor_id FROM schedule")} == {902, 903}
    assert [row["host"] for row in await world.pool.fetch("SELECT host FROM login_grants")] == ["new.example"]


async def test_finished_requests_go_however_many_there_were(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.scheduler.upkeep.MOST_DELETED", 10)
    await world.pool.execute(
        """INSERT INTO check_requests (check_id, kind, organization_id, monitor_id, monitor_public_id, location_id,
               slot_at, start_at, give_up_at, state, inserted_at)
           SELECT gen_random_uuid(), 'scheduled', 1, 1, gen_random_uuid(), 0, 0, 0, 0, 'finished', $1::bigint
           FROM generate_series(1, 35)""",
        START_MS - 2 * DAY,
    )
    await tidy(world.term)
    assert await world.pool.fetchval("SELECT count(*) FROM check_requests") == 0
