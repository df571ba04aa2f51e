"""What becomes of messages whose content is kept, cannot be kept now, or can never be kept."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from services.result_recorder import settling
from services.result_recorder.gathering import MANY, Gathering
from services.result_recorder.settling import Settler, Unacceptable
from shared.broker.envelope import UnreadableMessage
from shared.broker.seam import BrokerUnavailable
from shared.database.errors import DatabaseConflict, DatabaseRejected, DatabaseUnavailable


class FakeDelivery:
    """A delivery that remembers how it was settled."""

    type = "test"
    routing_key = ""
    headers: Mapping[str, Any] = {}
    correlation_id = None
    redelivered = False

    def __init__(self, body: bytes, *, lost: bool = False) -> None:
        self.body = body
        self.message_id = body.decode()
        self.fate: str | None = None
        self._lost = lost

    async def ack(self) -> None:
        if self._lost:
            raise BrokerUnavailable("the connection is gone")
        self.fate = "acked"

    async def reject(self, *, requeue: bool) -> None:
        self.fate = "requeued" if requeue else "dead"


def read(body: bytes, type: str) -> Sequence[str]:  # noqa: A002
    if body == b"?":
        raise UnreadableMessage("no words")
    return body.decode().split()


class Keeper:
    """Keeps words; what it does with a batch is for the test to say."""

    def __init__(self, refuse: Callable[[Sequence[str]], Exception | None] = lambda words: None) -> None:
        self.kept: list[str] = []
        self.calls: list[list[str]] = []
        self._refuse = refuse

    async def __call__(self, words: Sequence[str]) -> None:
        self.calls.append(list(words))
        if error := self._refuse(words):
            raise error
        self.kept += words


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "back_off_seconds", lambda *_, **__: 0.001)


async def settled(
    keeper: Keeper, bodies: Sequence[str], *, stop: asyncio.Event | None = None, lost: Sequence[str] = ()
) -> list[str | None]:
    """The fates of these messages, all of which were there when the settler began."""
    gathering: Gathering[str] = Gathering(read=read, prefetch=50, most=100, linger_seconds=0.01, patient_seconds=0.02)
    deliveries = [FakeDelivery(body.encode(), lost=body in lost) for body in bodies]
    handling = [asyncio.create_task(gathering.handle(each)) for each in deliveries]
    await asyncio.sleep(0)
    gathering.drained()
    settler: Settler[str] = Settler(gathering, keeper, about=lambda word: {"word": word})
    async with asyncio.timeout(60):
        await settler.run(stop or asyncio.Event())
        await asyncio.gather(*handling)
    return [each.fate for each in deliveries]


async def test_all_is_acknowledged_after_it_is_kept_in_one_go() -> None:
    keeper = Keeper()
    assert await settled(keeper, ["a b", "c"]) == ["acked", "acked"]
    assert keeper.calls == [["a", "b", "c"]]


async def test_an_unreadable_message_is_a_dead_letter_and_no_other_is() -> None:
    keeper = Keeper()
    assert await settled(keeper, ["a", "?", "b"]) == ["acked", "dead", "acked"]
    assert keeper.kept == ["a", "b"]


async def test_a_broken_database_is_waited_for_with_the_messages_in_hand() -> None:
    broken = iter([DatabaseUnavailable("down"), DatabaseConflict("deadlock"), DatabaseUnavailable("down")])
    keeper = Keeper(lambda words: next(broken, None))
    assert await settled(keeper, ["a", "b"]) == ["acked", "acked"]
    assert keeper.calls == [["a", "b"]] * 4


@pytest.mark.parametrize("error", [DatabaseRejected("too long"), Unacceptable("no interval")])
async def test_the_one_bad_item_is_found_and_everything_else_is_kept(error: Exception) -> None:
    keeper = Keeper(lambda words: error if "bad" in words else None)
    fates = await settled(keeper, ["a b c", "d bad e", "f", "g h"])
    assert fates == ["acked", "dead", "acked", "acked"]
    assert sorted(keeper.kept) == list("abcdefgh")


async def test_a_monitor_deleted_meanwhile_is_looked_at_again() -> None:
    errors = iter([DatabaseRejected("gone", constraint="location_health_monitor_id_fkey")])
    keeper = Keeper(lambda words: next(errors, None))
    assert await settled(keeper, ["a"]) == ["acked"]


async def test_when_told_to_stop_a_broken_database_gets_no_second_try() -> None:
    stop = asyncio.Event()
    stop.set()
    keeper = Keeper(lambda words: DatabaseUnavailable("down"))
    assert await settled(keeper, ["a", "b"], stop=stop) == ["requeued", "requeued"]
    assert len(keeper.calls) == 1


async def test_an_error_nobody_knows_is_traced_to_the_item_that_causes_it() -> None:
    keeper = Keeper(lambda words: KeyError("bug") if "bad" in words else None)
    assert await settled(keeper, ["a", "bad", "b"]) == ["acked", "dead", "acked"]
    assert sorted(keeper.kept) == ["a", "b"]


async def test_an_error_that_meets_everything_is_not_blamed_on_the_messages() -> None:
    tries = iter(range(12))
    keeper = Keeper(lambda words: KeyError("no table") if next(tries, None) is not None else None)
    assert await settled(keeper, ["a", "b"]) == ["acked", "acked"]


async def test_a_message_whose_connection_is_gone_holds_up_nobody() -> None:
    keeper = Keeper()
    assert await settled(keeper, ["a", "b"], lost=["a"]) == [None, "acked"]
    assert keeper.kept == ["a", "b"]


async def test_a_batch_is_full_at_its_size_and_does_not_wait_for_ever() -> None:
    gathering: Gathering[str] = Gathering(read=read, prefetch=50, most=3, linger_seconds=0.01, patient_seconds=0.02)
    handling = [asyncio.create_task(gathering.handle(FakeDelivery(body))) for body in (b"a b", b"c d", b"e")]
    async with asyncio.timeout(60):
        first = await gathering.batch()
        assert [list(waiting.content) for waiting in first] == [["a", "b"], ["c", "d"]]
        second = await gathering.batch()
        assert [list(waiting.content) for waiting in second] == [["e"]]
        for waiting in [*first, *second]:
            await waiting.ack()
        await asyncio.gather(*handling)
        gathering.drained()
        assert await gathering.batch() == []


@pytest.mark.parametrize(("there", "gathered"), [(MANY, MANY + 2), (MANY - 1, MANY - 1)])
async def test_a_batch_of_many_waits_for_more_and_one_of_few_does_not(there: int, gathered: int) -> None:
    gathering: Gathering[str] = Gathering(
        read=read, prefetch=50, most=MANY + 2, linger_seconds=0.0, patient_seconds=3600
    )
    handling = [asyncio.create_task(gathering.handle(FakeDelivery(b"a"))) for _ in range(there)]
    async with asyncio.timeout(60):
        batch = asyncio.create_task(gathering.batch())
        for _ in range(20):  # long enough for the first moment to be over
            await asyncio.sleep(0)
        handling += [asyncio.create_task(gathering.handle(FakeDelivery(b"b"))) for _ in range(2)]
        await asyncio.sleep(0)  # they have arrived
        found = await batch
        assert sum(len(waiting.content) for waiting in found) == gathered
        gathering.drained()
        for waiting in [*found, *(await gathering.batch() if there < MANY else [])]:
            await waiting.ack()
        await asyncio.gather(*handling)
