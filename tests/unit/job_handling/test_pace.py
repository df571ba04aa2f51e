"""How far apart checks begin, by a clock and a CPU of the test's own."""

import asyncio
from collections.abc import Callable

from shared.probing.job_handling.pace import (
    CROWD,
    LEARN_EVERY,
    MOST_LOAD,
    MOST_LOAD_IN_CROWDS,
    MOST_SECONDS,
    SOON_SECONDS,
    TOGETHER,
    TOO_LATE_SECONDS,
    Pace,
)


class Machine:
    """A clock that only waiting moves, and CPU that every check begun uses up."""

    def __init__(self, *, cost_seconds: float, late_seconds: float = 0.0) -> None:
        self.now = 100.0
        self.cpu = 0.0
        self.cost_seconds = cost_seconds
        self.late_seconds = late_seconds
        self.begun_at: list[float] = []
        self.pace = Pace(cpu_seconds=lambda: self.cpu, clock=lambda: self.now, later=self.later)

    def later(self, seconds: float, what: Callable[[], None]) -> None:
        def now() -> None:
            self.now += seconds + self.late_seconds
            what()

        # Once those let in before have begun: between two turns lies many a round of the loop.
        asyncio.get_running_loop().call_later(0, asyncio.get_running_loop().call_soon, now)

    async def check(self) -> None:
        await self.pace.turn()
        self.begun_at.append(self.now)
        self.cpu += self.cost_seconds

    async def burst(self, checks: int) -> None:
        await asyncio.gather(*(self.check() for _ in range(checks)))

    @property
    def last_distance(self) -> float:
        """Between the last two moments at which any began."""
        moments = sorted(set(self.begun_at))
        return moments[-1] - moments[-2]


async def test_a_check_alone_waits_for_nothing() -> None:
    machine = Machine(cost_seconds=0.001)
    await machine.check()
    machine.now += 1.0
    before = machine.now
    await machine.check()
    assert machine.now == before


async def test_a_burst_is_spread_by_what_a_check_was_seen_to_cost() -> None:
    for cost in (0.0002, 0.004):
        machine = Machine(cost_seconds=cost)
        await machine.burst(1 + LEARN_EVERY * 12)
        assert abs(machine.last_distance / TOGETHER - cost / MOST_LOAD) < cost * 0.05


async def test_no_more_begin_together_than_are_meant_to() -> None:
    machine = Machine(cost_seconds=0.001)
    await machine.burst(LEARN_EVERY * 4)
    for moment in set(machine.begun_at):
        assert machine.begun_at.count(moment) <= TOGETHER
    assert len(machine.begun_at) == LEARN_EVERY * 4


async def test_checks_begin_in_the_order_they_asked() -> None:
    machine = Machine(cost_seconds=0.001)
    began: list[int] = []

    async def check(number: int) -> None:
        await machine.check()
        began.append(number)

    await asyncio.gather(*(check(number) for number in range(50)))
    assert began == list(range(50))


async def test_cpu_used_while_nobody_waited_is_not_taken_for_the_cost_of_a_check() -> None:
    machine = Machine(cost_seconds=0.0002)
    await machine.burst(LEARN_EVERY * 12)
    for _ in range(LEARN_EVERY * 2):
        machine.now += 1.0
        machine.cpu += 0.5
        await machine.check()
    await machine.burst(3)
    assert machine.last_distance < 0.001 * TOGETHER


async def test_crowds_begin_while_the_last_in_line_would_be_too_late_and_pairs_again_after_that() -> None:
    cost = 0.012
    machine = Machine(cost_seconds=cost)
    checks = int(3 * TOO_LATE_SECONDS / cost)
    await machine.burst(checks)
    moments = sorted(set(machine.begun_at))
    together = [machine.begun_at.count(moment) for moment in moments]
    assert max(together) == CROWD
    assert sum(begun for begun in together if begun > TOGETHER) > checks / 2
    last_crowd = max(place for place, begun in enumerate(together) if begun > TOGETHER)
    assert moments[last_crowd] - moments[last_crowd - 1] <= CROWD * cost / MOST_LOAD_IN_CROWDS * 1.1
    left = sum(together[last_crowd + 1 :])
    assert SOON_SECONDS / 2 < left * cost / MOST_LOAD < SOON_SECONDS * 2
    assert abs(machine.last_distance / TOGETHER - cost / MOST_LOAD) < cost * 0.05


async def test_a_burst_that_is_over_in_time_begins_in_no_crowd() -> None:
    cost = 0.01
    machine = Machine(cost_seconds=cost)
    await machine.burst(int(TOO_LATE_SECONDS / cost * MOST_LOAD * 0.9))
    assert max(machine.begun_at.count(moment) for moment in set(machine.begun_at)) <= TOGETHER


async def test_a_loop_that_wakes_late_begins_less_often() -> None:
    machine = Machine(cost_seconds=0.0002, late_seconds=0.006)
    await machine.burst(LEARN_EVERY * 4)
    assert machine.last_distance >= 0.006 * 2


async def test_no_check_waits_longer_than_the_cap_for_the_one_before_it() -> None:
    machine = Machine(cost_seconds=3.0)
    await machine.burst(LEARN_EVERY * 8)
    assert machine.last_distance / TOGETHER <= MOST_SECONDS * 1.001


async def test_one_that_gives_up_waiting_holds_up_nobody() -> None:
    pace = Pace()
    await pace.turn()
    given_up = asyncio.ensure_future(pace.turn())
    await asyncio.sleep(0)
    given_up.cancel()
    async with asyncio.timeout(60):
        await pace.turn()
