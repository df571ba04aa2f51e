"""No job is done twice by a delivery repeated."""

import asyncio
from uuid import uuid4

import pytest

from shared.probing.job_handling.ledger import Ledger, Settled


class Settling:
    def __init__(self, *answers: Settled) -> None:
        self._answers = list(answers)
        self.times = 0
        self.let_go = asyncio.Event()

    async def __call__(self) -> Settled:
        self.times += 1
        await self.let_go.wait()
        return self._answers.pop(0)


async def test_a_job_under_way_is_waited_for() -> None:
    ledger, check, settling = Ledger(), uuid4(), Settling(Settled.ANSWERED)
    both = [asyncio.ensure_future(ledger.once(check, settling)) for _ in range(2)]
    await asyncio.sleep(0)
    settling.let_go.set()
    assert await asyncio.gather(*both) == [Settled.ANSWERED] * 2
    assert settling.times == 1


async def test_an_answered_job_is_answered() -> None:
    ledger, check, settling = Ledger(), uuid4(), Settling(Settled.ANSWERED)
    settling.let_go.set()
    for _ in range(3):
        assert await ledger.once(check, settling) is Settled.ANSWERED
    assert settling.times == 1


@pytest.mark.parametrize("first", [Settled.HANDED_ON, Settled.ABANDONED])
async def test_a_job_that_left_unanswered_may_come_again(first: Settled) -> None:
    ledger, check, settling = Ledger(), uuid4(), Settling(first, Settled.ANSWERED)
    settling.let_go.set()
    assert await ledger.once(check, settling) is first
    assert await ledger.once(check, settling) is Settled.ANSWERED
    assert settling.times == 2


async def test_a_job_handed_on_that_comes_back_before_that_is_known_is_not_lost() -> None:
    ledger, check = Ledger(), uuid4()
    leaving, returning = Settling(Settled.HANDED_ON), Settling(Settled.ANSWERED)
    returning.let_go.set()
    first = asyncio.ensure_future(ledger.once(check, leaving))
    await asyncio.sleep(0)
    copy = asyncio.ensure_future(ledger.once(check, returning))
    await asyncio.sleep(0)
    leaving.let_go.set()
    assert await first is Settled.HANDED_ON
    assert await copy is Settled.ANSWERED
    assert returning.times == 1


async def test_a_job_that_broke_is_settled_by_the_next_who_has_it() -> None:
    ledger, check = Ledger(), uuid4()
    begun = asyncio.Event()

    async def breaks() -> Settled:
        await begun.wait()
        raise ZeroDivisionError

    first = asyncio.ensure_future(ledger.once(check, breaks))
    settling = Settling(Settled.ANSWERED)
    settling.let_go.set()
    second = asyncio.ensure_future(ledger.once(check, settling))
    await asyncio.sleep(0)
    begun.set()
    assert await second is Settled.ANSWERED
    with pytest.raises(ZeroDivisionError):
        await first


async def test_it_forgets_the_oldest_answers() -> None:
    ledger, checks = Ledger(kept=2), [uuid4() for _ in range(3)]
    settling = Settling(*[Settled.ANSWERED] * 9)
    settling.let_go.set()
    for check in checks:
        await ledger.once(check, settling)
    await ledger.once(checks[2], settling)
    await ledger.once(checks[1], settling)
    assert settling.times == 3
    await ledger.once(checks[0], settling)
    assert settling.times == 4
