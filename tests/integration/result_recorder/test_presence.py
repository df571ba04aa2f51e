"""Locations get permanent numbers from 0, and those who plan are told when something new is possible."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from services.result_recorder.location_store import keep_presence
from services.result_recorder.recording import record
from shared.checks.messages import Presence
from shared.checks.vocabulary import MailProtocol
from shared.database.errors import DatabaseRejected
from shared.database.pool import connect, transaction
from tests.support.answers import BEGIN_MS, answer, slot
from tests.support.recorder_desk import RecorderDesk

Told = asyncio.Queue[str]


def seen(location: str, worker: str = "w1", protocol: MailProtocol = MailProtocol.IMAP, **more: object) -> Presence:
    fields = {"location_name": location.title(), "capacity": 10, **more}
    return Presence(location=location, protocol=protocol, worker=worker, **fields)  # type: ignore[arg-type]


async def keep(desk: RecorderDesk, *presences: Presence) -> list[str]:
    async with transaction(desk.pool) as connection:
        return await keep_presence(connection, presences)


@pytest_asyncio.fixture
async def told(desk: RecorderDesk) -> AsyncIterator[Told]:
    queue: Told = asyncio.Queue()
    listener = await connect(desk.dsn, role=None, application_name="listener")
    await listener.add_listener("mailprobe_locations", lambda *event: queue.put_nowait(event[-1]))
    yield queue
    await listener.close()


async def test_numbers_begin_at_zero_and_none_is_wasted(desk: RecorderDesk) -> None:
    await keep(desk, seen("fra"))
    for _ in range(5):
        await keep(desk, seen("fra"), seen("fra", "w2"))
    await asyncio.gather(keep(desk, seen("nyc")), keep(desk, seen("nyc", "w2")), keep(desk, seen("sin")))
    rows = await desk.rows("SELECT id, code FROM locations ORDER BY id")
    assert [row["id"] for row in rows] == [0, 1, 2]
    assert rows[0]["code"] == "fra"


async def test_news_are_told_and_repetitions_are_not(desk: RecorderDesk, told: Told) -> None:
    assert await keep(desk, seen("fra")) == ["fra"]
    assert await asyncio.wait_for(told.get(), 60) == "fra"
    assert await keep(desk, seen("fra"), seen("fra", "w2")) == []
    assert await keep(desk, seen("fra", protocol=MailProtocol.POP3)) == ["fra"]
    await desk.set_clock(BEGIN_MS + 3_600_000 + 120_001)
    assert await keep(desk, seen("fra")) == ["fra"]
    await asyncio.wait_for(told.get(), 60)
    await asyncio.wait_for(told.get(), 60)
    assert told.empty()


async def test_what_a_worker_says_of_itself_is_kept(desk: RecorderDesk) -> None:
    await keep(desk, seen("fra", country_code="DE", in_flight=3))
    await keep(desk, seen("fra", location_name="Frankfurt", country_code="DE", capacity=20))
    location = await desk.row("SELECT * FROM locations")
    assert (location["name"], location["country_code"]) == ("Frankfurt", "DE")
    worker = await desk.row("SELECT * FROM location_workers")
    assert (worker["capacity"], worker["in_flight"]) == (20, 0)
    assert worker["last_seen_at"] == location["last_seen_at"] == BEGIN_MS + 3_600_000


async def test_a_result_from_an_unannounced_location_gives_it_a_number_but_no_life(desk: RecorderDesk) -> None:
    await record(desk.pool, [answer(slot(1), location="early")])
    assert await desk.row("SELECT id, last_seen_at FROM locations") == {"id": 0, "last_seen_at": 0}
    assert await keep(desk, seen("early")) == ["early"]
    assert await desk.value("SELECT count(*) FROM locations") == 1


async def test_an_impossible_code_is_refused(desk: RecorderDesk) -> None:
    with pytest.raises(DatabaseRejected):
        await keep(desk, seen("Not A Code"))
