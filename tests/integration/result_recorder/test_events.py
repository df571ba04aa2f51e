"""What the recorder stores leaves events for those who watch, in the same transaction, and says where."""

import asyncio
from typing import Any

from services.result_recorder.answers import keep_answers
from services.result_recorder.event_store import KEPT_MS, forget_events
from services.result_recorder.incidents.upkeep import look_after_incidents
from services.result_recorder.recording import record
from services.result_recorder.sweeping import sweep
from shared.broker.envelope import read_news
from shared.broker.heralding import Herald
from shared.broker.in_process import InProcessBroker
from shared.broker.seam import Delivery
from shared.broker.topology import EVENTS, core_topology, events_queue
from shared.checks.messages import News
from shared.checks.vocabulary import OutcomeKind
from tests.support.answers import BEGIN_MS, answer, public_id_of, slot
from tests.support.recorder_desk import RecorderDesk

MINUTE = 60_000


async def events(desk: RecorderDesk) -> list[dict[str, Any]]:
    return await desk.rows(
        "SELECT kind, customer_id, monitor_public_id, payload FROM events WHERE kind <> 'monitor' ORDER BY id"
    )


async def test_a_change_of_health_is_an_event_and_a_check_that_changes_nothing_is_none(desk: RecorderDesk) -> None:
    first = await record(desk.pool, [answer(slot(1))])
    second = await record(desk.pool, [answer(slot(2))])
    third = await record(desk.pool, [answer(slot(3), OutcomeKind.CONNECT_REFUSED)])
    assert [first.told, second.told, third.told] == [[1], [], [1]]
    told = [each for each in await events(desk) if each["kind"] == "health"]
    assert [each["payload"]["health"] for each in told] == ["up", "down"]
    assert {(each["customer_id"], each["monitor_public_id"]) for each in told} == {(10, public_id_of(1))}
    assert told[1]["payload"]["kind"] == "connect_refused"


async def test_an_incident_is_told_when_it_opens_and_when_it_ends(desk: RecorderDesk) -> None:
    await record(desk.pool, [answer(slot(0))])
    await desk.schedule(await desk.value("SELECT id FROM locations"))
    for number in range(1, 4):
        await desk.set_clock(slot(number) + 1500)
        await record(desk.pool, [answer(slot(number), OutcomeKind.CONNECT_REFUSED)])
    await desk.change_monitor(status="disabled")
    heard: list[list[int]] = []

    class Listening(Herald):
        def tell(self, organizations: Any = (), checks: Any = ()) -> None:
            heard.append(list(organizations))

    await look_after_incidents(desk.pool, Listening(InProcessBroker()))
    assert heard == [[1]]
    told = [each["payload"] for each in await events(desk) if each["kind"] == "incident"]
    assert [each["resolvedAt"] is None for each in told] == [True, False]
    assert (told[1]["resolution"], told[0]["kind"]) == ("disabled", "connect_refused")


async def test_silence_is_told_too(desk: RecorderDesk) -> None:
    await record(desk.pool, [answer(slot(1))])
    await desk.set_clock(BEGIN_MS + 24 * 60 * MINUTE)
    assert await sweep(desk.pool) == 1
    assert [each["payload"]["health"] for each in await events(desk)] == ["up", "unknown"]


async def test_what_is_rolled_back_was_never_told(desk: RecorderDesk) -> None:
    async with desk.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(
            "INSERT INTO monitor_health (monitor_id, organization_id, health, since, last_checked_at)"
            " VALUES (1, 1, 'unknown', 1, 1)"
        )
        await connection.execute("UPDATE monitor_health SET health = 'down'")
        assert await connection.fetchval("SELECT count(*) FROM events WHERE kind = 'health'") == 1
        await transaction.rollback()
    assert await events(desk) == []


async def test_gateways_are_told_after_the_commit_where_to_look(desk: RecorderDesk) -> None:
    broker = InProcessBroker()
    await broker.open()
    await broker.declare(core_topology())
    heard: asyncio.Queue[News] = asyncio.Queue()

    async def hear(delivery: Delivery) -> None:
        assert await desk.value("SELECT count(*) FROM results") == 2, "it is there already"
        heard.put_nowait(read_news(delivery.body, delivery.type))
        await delivery.ack()

    await broker.consume(events_queue("here"), hear, prefetch=1, exclusive_copies_of=EVENTS)
    herald = Herald(broker)
    telling = asyncio.create_task(herald.run())
    batch = [answer(slot(1)), answer(slot(2))]
    await keep_answers(desk.pool, batch, herald=herald)
    async with asyncio.timeout(60):
        news = await heard.get()
    assert news.organizations == (1,)
    assert set(news.checks) == {(1, each.check_id, each.slot_at) for each in batch}
    telling.cancel()
    await broker.close()


async def test_events_are_forgotten_after_two_days_and_not_before(desk: RecorderDesk) -> None:
    await record(desk.pool, [answer(slot(1))])
    there = await desk.value("SELECT count(*) FROM events")
    assert there >= 2
    now_ms = await desk.value("SELECT clock_ms()")
    await desk.set_clock(now_ms + KEPT_MS - MINUTE)
    assert await forget_events(desk.pool) == 0
    await desk.set_clock(now_ms + KEPT_MS + MINUTE)
    assert await forget_events(desk.pool) == there
