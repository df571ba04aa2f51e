"""How often a schedule is read as a whole, by its size."""

import asyncio
from collections.abc import Mapping
from typing import Any

from services.api_gateway.system.schedule_watch import ALWAYS_READ, MOST_SECONDS_KEPT, ScheduleWatch, kept_seconds


class Schedule:
    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.read_times = 0
        self.now = 50.0
        self.watch = ScheduleWatch(clock=lambda: self.now)

    async def read(self) -> Mapping[str, Any]:
        self.read_times += 1
        await asyncio.sleep(0)
        return {"scheduled": self.rows, "late": self.read_times}

    async def late(self) -> int:
        found: int = (await self.watch.look(self.read))["late"]
        return found


async def test_a_small_one_is_read_each_time() -> None:
    schedule = Schedule(ALWAYS_READ)
    assert [await schedule.late() for _ in range(3)] == [1, 2, 3]


async def test_a_million_rows_are_read_once_in_some_seconds_however_many_ask() -> None:
    schedule = Schedule(1_000_000)
    assert await asyncio.gather(*(schedule.late() for _ in range(5))) == [1] * 5
    schedule.now += kept_seconds(1_000_000) - 0.01
    assert await schedule.late() == 1
    schedule.now += 0.02
    assert await schedule.late() == 2


async def test_no_answer_is_kept_for_long_and_one_that_failed_not_at_all() -> None:
    assert kept_seconds(10**9) == MOST_SECONDS_KEPT
    schedule = Schedule(10**9)

    async def broken() -> Mapping[str, Any]:
        raise ConnectionError

    for _ in range(2):
        try:
            await schedule.watch.look(broken)
        except ConnectionError:
            continue
        raise AssertionError("it was read")
    assert await schedule.late() == 1
