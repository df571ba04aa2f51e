"""Windows go on opening as time passes, and nothing that a change did away with comes back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.result_recorder.maintenance import WINDOWS_AT_ONCE, plan_ahead
from shared.checks.maintenance import DAY_MS
from shared.database.pool import GATEWAY_ROLE, open_pool, organization_transaction
from tests.support.recorder_desk import RecorderDesk
from tests.support.waiting import until

HOUR_MS = 3_600_000
DAILY = {"frequency": "daily"}


@asynccontextmanager
async def as_gateway(desk: RecorderDesk) -> AsyncIterator[Any]:
    async with (
        open_pool(desk.dsn, role=GATEWAY_ROLE, application_name="test", max_size=1) as pool,
        organization_transaction(pool, 1) as connection,
    ):
        yield connection


async def now_ms(desk: RecorderDesk) -> int:
    async with desk.pool.acquire() as connection:
        found: int = await connection.fetchval("SELECT clock_ms()")
        return found


async def add_window(
    desk: RecorderDesk, begins: int, ends: int, *, pattern: Any = None, deleted: bool = False, active: bool = True
) -> int:
    async with as_gateway(desk) as connection:
        number: int = await connection.fetchval(
            """INSERT INTO maintenance_windows (organization_id, customer_id, name, starts_at, ends_at,
                   recurrence_pattern, whole_customer, deleted_at, is_active)
               VALUES (1, 10, 'w', to_timestamp($1::bigint / 1000.0), to_timestamp($2::bigint / 1000.0), $3, true,
                   CASE WHEN $4 THEN now() END, $5) RETURNING id""",
            begins,
            ends,
            pattern,
            deleted,
            active,
        )
    return number


async def openings(desk: RecorderDesk, window: int) -> list[tuple[int, int]]:
    async with desk.pool.acquire() as connection:
        rows = await connection.fetch(
            "SELECT starts_at, ends_at FROM maintenance_occurrences WHERE window_id = $1 ORDER BY starts_at", window
        )
    return [(row["starts_at"], row["ends_at"]) for row in rows]


async def test_what_comes_within_five_weeks_is_worked_out_once(desk: RecorderDesk) -> None:
    now = await now_ms(desk)
    first = now + HOUR_MS - now % 1000
    window = await add_window(desk, first, first + HOUR_MS, pattern=DAILY)
    later = await add_window(desk, now + 60 * DAY_MS, now + 61 * DAY_MS)
    assert await plan_ahead(desk.pool) == 35
    assert await openings(desk, window) == [(first + day * DAY_MS, first + day * DAY_MS + HOUR_MS) for day in range(35)]
    assert await openings(desk, later) == []
    assert await plan_ahead(desk.pool) == 0
    await desk.set_clock(now + 30 * DAY_MS)
    assert await plan_ahead(desk.pool) == 31
    assert len(await openings(desk, window)) == 65
    assert len(await openings(desk, later)) == 1


async def test_one_that_is_open_is_not_opened_again(desk: RecorderDesk) -> None:
    now = await now_ms(desk)
    window = await add_window(desk, now - HOUR_MS, now + HOUR_MS, pattern=DAILY)
    async with desk.pool.acquire() as connection:
        # As the gateway has it: it opened when it was planned.
        await connection.execute(
            "INSERT INTO maintenance_occurrences VALUES ($1, 1, $2, $3)", window, now - 1000, now + HOUR_MS
        )
    await plan_ahead(desk.pool)
    assert (await openings(desk, window))[0] == (now - 1000, now + HOUR_MS)
    assert (await openings(desk, window))[1][0] > now


async def test_one_that_nobody_worked_out_opens_now(desk: RecorderDesk) -> None:
    now = await now_ms(desk)
    await desk.set_clock(now)
    window = await add_window(desk, now - 2 * DAY_MS - HOUR_MS, now - 2 * DAY_MS + HOUR_MS, pattern=DAILY)
    await plan_ahead(desk.pool)
    start, end = (await openings(desk, window))[0]
    assert (start, end - now) == (now, HOUR_MS)


@pytest.mark.parametrize("off", [{"active": False}, {"deleted": True}])
async def test_what_was_called_off_does_not_open(desk: RecorderDesk, off: dict[str, bool]) -> None:
    now = await now_ms(desk)
    window = await add_window(desk, now + HOUR_MS, now + 2 * HOUR_MS, pattern=DAILY, **off)
    assert await plan_ahead(desk.pool) == 0
    assert await openings(desk, window) == []


async def test_one_that_is_not_understood_holds_up_no_other(desk: RecorderDesk) -> None:
    now = await now_ms(desk)
    strange = await add_window(desk, now + HOUR_MS, now + 2 * HOUR_MS, pattern=DAILY)
    stranger = await add_window(desk, now + HOUR_MS, now + 2 * HOUR_MS, pattern={"frequency": "at full moon"})
    sound = await add_window(desk, now + HOUR_MS, now + 2 * HOUR_MS)
    async with as_gateway(desk) as connection:
        await connection.execute("UPDATE maintenance_windows SET time_zone = 'Mars/Olympus' WHERE id = $1", strange)
    assert await plan_ahead(desk.pool) == 1
    assert len(await openings(desk, sound)) == 1
    assert await openings(desk, strange) == await openings(desk, stranger) == []


async def test_more_windows_than_are_looked_at_at_once(desk: RecorderDesk) -> None:
    now = await now_ms(desk)
    async with as_gateway(desk) as connection:
        await connection.execute(
            """INSERT INTO maintenance_windows (organization_id, customer_id, name, starts_at, ends_at, whole_customer)
               SELECT 1, 10, 'w' || n, to_timestamp($1::bigint / 1000.0), to_timestamp($2::bigint / 1000.0), true
               FROM generate_series(1, $3::int) AS n""",
            now + HOUR_MS,
            now + 2 * HOUR_MS,
            WINDOWS_AT_ONCE * 2,
        )
    assert await plan_ahead(desk.pool) == WINDOWS_AT_ONCE * 2


async def test_it_waits_for_a_change_that_is_under_way(desk: RecorderDesk) -> None:
    now = await now_ms(desk)
    window = await add_window(desk, now + HOUR_MS, now + 2 * HOUR_MS, pattern=DAILY)
    async with as_gateway(desk) as connection:
        await connection.execute("SELECT pg_advisory_xact_lock_shared(hashtext('mailprobe.maintenance'))")
        planning = asyncio.create_task(plan_ahead(desk.pool))

        async def waits() -> bool:
            return bool(await desk.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"))

        await until("the plan waits for the change", waits)
        await connection.execute("UPDATE maintenance_windows SET deleted_at = now() WHERE id = $1", window)
    assert await planning == 0
    assert await openings(desk, window) == []
