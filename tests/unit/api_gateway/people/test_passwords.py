"""People's passwords: what is kept, what it costs, and who waits."""

import asyncio
import threading
from typing import Any

import pytest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST

from services.api_gateway.people import passwords
from services.api_gateway.people.passwords import Passwords
from services.api_gateway.problems import Problem
from tests.support.waiting import until


async def test_what_is_kept_costs_what_rfc_9106_recommends_second() -> None:
    made = Passwords()
    kept = await made.hashed("correct horse battery")
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert await made.matches(kept, "correct horse battery")
    assert not await made.matches(kept, "correct horse batterz")
    assert not made.is_outdated(kept)


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> Passwords:
    monkeypatch.setattr(passwords, "COSTS", CHEAPEST)
    return Passwords()


async def test_an_account_there_is_not_is_compared_at_the_same_cost(
    cheap: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []

    class Noting(PasswordHasher):
        def verify(self, kept: str | bytes, password: str | bytes) -> Any:
            compared.append(str(kept))
            return super().verify(kept, password)

    monkeypatch.setattr(cheap, "_hasher", Noting.from_parameters(CHEAPEST))
    assert not await cheap.matches(None, "whatever it is")
    kept = await cheap.hashed("whatever it is")
    assert not await cheap.matches(kept, "something else")
    nobodys, somebodys = (each.split("$") for each in compared)
    assert nobodys[:4] == somebodys[:4]
    assert [len(part) for part in nobodys] == [len(part) for part in somebodys]


async def test_a_letter_put_together_differently_is_the_same_letter(cheap: Passwords) -> None:
    kept = await cheap.hashed("stra\u00dfenb\u00e4ume")
    assert await cheap.matches(kept, "stra\u00dfenba\u0308ume")


async def test_a_hash_that_is_none_matches_nothing(cheap: Passwords) -> None:
    assert not await cheap.matches("not a hash", "whatever it is")


async def test_two_at_once_and_a_short_line(cheap: Passwords, monkeypatch: pytest.MonkeyPatch) -> None:
    running = most = 0
    lock, go_on = threading.Lock(), threading.Event()

    class Slow:
        def hash(self, password: str) -> str:
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            go_on.wait(60)
            with lock:
                running -= 1
            return password

    monkeypatch.setattr(cheap, "_hasher", Slow())
    monkeypatch.setattr(passwords, "_MOST_WAITING", 5)
    tasks = [asyncio.create_task(cheap.hashed(str(number))) for number in range(10)]
    await until("two are at it", lambda: _is(running == 2))
    go_on.set()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    refused = [each for each in ended if isinstance(each, Problem)]
    assert most == 2
    assert len(refused) == 3  # two are at it, five wait
    assert {problem.status for problem in refused} == {503}


async def _is(so: bool) -> bool:
    return so


async def test_whoever_gives_up_waiting_leaves_their_place(cheap: Passwords) -> None:
    for _ in range(5):
        task = asyncio.create_task(cheap.hashed("given up at once"))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert await asyncio.wait_for(cheap.hashed("still in time"), 60)
