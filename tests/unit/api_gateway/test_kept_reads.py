"""How often what takes a look at every row is read, by how many there are."""

import asyncio
from collections.abc import Hashable

from services.api_gateway.kept_reads import ALWAYS_READ, MOST_KEPT, MOST_SECONDS_KEPT, KeptReads, kept_seconds


class Table:
    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.read_times = 0
        self.now = 50.0
        self.reads = KeptReads[tuple[int, int]](lambda found: found[0], clock=lambda: self.now)

    async def read(self) -> tuple[int, int]:
        self.read_times += 1
        await asyncio.sleep(0)
        return self.rows, self.read_times

    async def found(self, key: Hashable = None) -> int:
        return (await self.reads.look(key, self.read))[1]


async def test_a_small_one_is_read_each_time() -> None:
    table = Table(ALWAYS_READ)
    assert [await table.found() for _ in range(3)] == [1, 2, 3]


async def test_a_million_rows_are_read_once_in_some_seconds_however_many_ask() -> None:
    table = Table(1_000_000)
    assert await asyncio.gather(*(table.found() for _ in range(5))) == [1] * 5
    table.now += kept_seconds(1_000_000) - 0.01
    assert await table.found() == 1
    table.now += 0.02
    assert await table.found() == 2


async def test_nobody_is_told_what_another_asked_for() -> None:
    table = Table(1_000_000)
    assert await table.found((1, None)) == 1
    assert await table.found((2, None)) == 2
    assert await table.found((1, (10,))) == 3
    assert [await table.found(key) for key in ((1, None), (2, None), (1, (10,)))] == [1, 2, 3]


async def test_so_many_answers_are_kept_and_no_more() -> None:
    table = Table(1_000_000)
    assert [await table.found(key) for key in range(MOST_KEPT + 1)] == list(range(1, MOST_KEPT + 2))
    assert await table.found(0) == 1
    assert await table.found(MOST_KEPT) == MOST_KEPT + 2


async def test_no_answer_is_kept_for_long_and_one_that_failed_not_at_all() -> None:
    assert kept_seconds(10**9) == MOST_SECONDS_KEPT
    table = Table(10**9)

    async def broken() -> tuple[int, int]:
        raise ConnectionError

    for _ in range(2):
        try:
            await table.reads.look(None, broken)
        except ConnectionError:
            continue
        raise AssertionError("it was read")
    assert await table.found() == 1
