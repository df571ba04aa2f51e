"""Live events: told in order and soon, none skipped, to nobody who may not know."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import pytest_asyncio

from services.api_gateway.events import feed, feeds, stream
from shared.broker.heralding import Herald
from shared.database.pool import organization_transaction
from tests.support.event_stream import EventReader
from tests.support.kept_history import KeptHistory

EVENTS = "/api/events"
MONITORS = "/api/imap-pop-monitors"
NOON = 1_772_107_200_000  # 2026-02-26T12:00:00Z


async def opened(api: Any, query: str = "", *, last_event_id: str | None = None) -> EventReader:
    """A stream that is told what happens from here on."""
    headers = {"Authorization": f"Bearer {api.token}"}
    if last_event_id is not None:
        headers["Last-Event-ID"] = last_event_id
    response = await api.client.get(f"{EVENTS}{query}", headers=headers)
    assert response.status == 200, await response.text()
    reader = EventReader(response)
    await reader.until_position()
    return reader


async def set_health(world: Any, monitor: Mapping[str, Any], health: str, since: int) -> None:
    """What the recorder would write."""
    await world.as_pipeline(
        """INSERT INTO monitor_health (monitor_id, organization_id, health, since, last_checked_at, outcome, message)
           VALUES ($1, 1, 'unknown', 1, 1, NULL, NULL) ON CONFLICT DO NOTHING""",
        monitor["id"],
    )
    await world.as_pipeline(
        """UPDATE monitor_health SET health = $2::text, since = $3, last_checked_at = $3, outcome = $4, message = $5
           WHERE monitor_id = $1""",
        monitor["id"],
        health,
        since,
        "ok" if health == "up" else "connect_refused",
        "All is well." if health == "up" else "Nobody listens there.",
    )


@pytest.fixture
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway that nobody tells anything looks soon."""
    monkeypatch.setattr(feed, "LOOK_SECONDS", 0.1)


@pytest_asyncio.fixture
async def herald(world: Any) -> AsyncIterator[Herald]:
    """The recorder's voice."""
    made = Herald(world.broker)
    speaking = asyncio.create_task(made.run())
    yield made
    speaking.cancel()


async def test_a_stream_says_how_to_read_it(world: Any) -> None:
    async with await opened(world.api) as reader:
        headers = reader.response.headers
        assert headers["Content-Type"] == "text/event-stream"
        assert headers["Cache-Control"] == "no-store, no-transform"
        assert headers["X-Accel-Buffering"] == "no"
        assert headers["X-Request-Id"]
        assert headers["X-RateLimit-Remaining"]
        assert "Content-Length" not in headers
        assert reader.retry_ms is not None
    head = await world.api.client.head(EVENTS, headers={"Authorization": f"Bearer {world.api.token}"})
    assert (head.status, head.headers["Content-Type"]) == (200, "text/event-stream")


async def test_changes_are_told_in_the_order_they_were_made(world: Any, herald: Herald) -> None:
    monitor = await world.api.created(name="First")
    async with await opened(world.api) as reader:
        for number in range(5):
            await set_health(world, monitor, "down" if number % 2 else "up", NOON + number)
            herald.tell([1])
        told = [(await reader.next()).data for _ in range(5)]
    assert [each["health"] for each in told] == ["up", "down", "up", "down", "up"]
    assert told[1] == {
        "monitorId": monitor["publicId"],
        "health": "down",
        "healthSince": "2026-02-26T12:00:00.001Z",
        "message": "Nobody listens there.",
        "kind": "connect_refused",
        "lastCheckedAt": "2026-02-26T12:00:00.001Z",
    }


async def test_a_check_that_changes_no_belief_is_no_event(world: Any, looks_often: None) -> None:
    monitor = await world.api.created()
    await set_health(world, monitor, "up", NOON)
    async with await opened(world.api) as reader:
        await world.as_pipeline("UPDATE monitor_health SET last_checked_at = $1, total_ms = 3, message = 'x'", NOON + 1)
        await set_health(world, monitor, "down", NOON + 2)
        assert (await reader.next()).data["health"] == "down"


async def test_what_people_do_to_monitors_is_told_at_once(world: Any) -> None:
    async with await opened(world.api) as reader:
        monitor = await world.api.created()
        await world.api.patch(monitor, {"name": "Another name"})
        other = await world.customer("Other")
        await world.api.patch(monitor, {"customerId": other["id"]})
        await world.api.call("DELETE", f"{MONITORS}/{monitor['publicId']}")
        told = [await reader.next() for _ in range(5)]
    assert {each.name for each in told} == {"monitor"}
    assert {each.data["monitorId"] for each in told} == {monitor["publicId"]}
    assert [each.data["change"] for each in told] == ["created", "changed", "deleted", "created", "deleted"]


async def test_incidents_are_told_from_their_beginning_to_their_end(world: Any, looks_often: None) -> None:
    await world.location("fra")
    monitor = await world.api.created()
    async with await opened(world.api) as reader:
        incident = await KeptHistory(world.pipeline).incident(monitor, NOON, opened_at=NOON + 500)
        begun = (await reader.named("incident")).data
        await world.api.post(f"/api/incidents/{incident['public_id']}/acknowledge")
        known = (await reader.named("incident")).data
        await world.as_pipeline("UPDATE incidents SET resolved_at = $1, resolution = 'recovered'", NOON + 900)
        ended = (await reader.named("incident")).data
    assert (begun["publicId"], begun["monitorId"]) == (str(incident["public_id"]), monitor["publicId"])
    assert (begun["status"], begun["startedAt"], begun["outageStartedAt"]) == (
        "open",
        "2026-02-26T12:00:00.500Z",
        "2026-02-26T12:00:00.000Z",
    )
    assert (begun["errorMessage"], begun["cause"]) == ("The server refused the password.", "auth_rejected")
    assert (begun["acknowledgedBy"], known["acknowledgedBy"], known["status"]) == (None, "test", "open")
    assert (ended["status"], ended["resolution"], ended["resolvedAt"]) == (
        "resolved",
        "recovered",
        "2026-02-26T12:00:00.900Z",
    )


async def test_results_are_told_of_watched_monitors_only(world: Any, herald: Herald) -> None:
    location = await world.location("fra")
    watched, other = await world.api.created(name="Watched"), await world.api.created(name="Other")
    async with await opened(world.api, f"?watch={watched['publicId']}") as reader:
        ours = await world.result(watched, location, slot_at=NOON)
        theirs = await world.result(other, location, slot_at=NOON)
        herald.tell(checks=[(watched["id"], ours, NOON), (other["id"], theirs, NOON)])
        event = await reader.next()
        assert (event.name, event.data["monitorId"]) == ("result", watched["publicId"])
        history = (await world.api.get(f"{MONITORS}/{watched['publicId']}/check-history")).body["data"]
        assert event.data["check"] == history[0]
        herald.tell(checks=[(watched["id"], ours, NOON), (other["id"], theirs, NOON)])
        await world.api.patch(other, {"name": "The next thing told"})
        assert (await reader.next()).name == "monitor"


async def test_what_nobody_spoke_of_is_found_all_the_same(world: Any, looks_often: None) -> None:
    location = await world.location("fra")
    monitor = await world.api.created()
    now_ms = await world.pipeline.fetchval("SELECT clock_ms()")
    async with await opened(world.api, f"?watch={monitor['publicId']}") as reader:
        check_id = await world.result(monitor, location, slot_at=now_ms)
        assert (await reader.named("result")).data["check"]["id"] == str(check_id)
        await set_health(world, monitor, "down", now_ms)
        assert (await reader.named("health")).data["health"] == "down"


async def test_an_event_that_commits_late_is_skipped_by_nobody(world: Any, looks_often: None) -> None:
    slow, fast = await world.api.created(name="Slow"), await world.api.created(name="Fast")
    for monitor in (slow, fast):
        await set_health(world, monitor, "up", NOON)
    async with await opened(world.api) as reader, world.pipeline.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("UPDATE monitor_health SET health = 'down' WHERE monitor_id = $1", slow["id"])
        await set_health(world, fast, "down", NOON + 1)
        first = await reader.next()
        assert first.data["monitorId"] == fast["publicId"]
        # Whoever leaves now has seen a newer event than the one to come.
        async with await opened(world.api, last_event_id=first.last_event_id) as returned:
            await transaction.commit()
            seen = [(await each.named("health")).data["monitorId"] for each in (reader, returned, returned)]
    assert seen[0] == slow["publicId"]
    assert slow["publicId"] in seen[1:]


async def test_whoever_comes_back_is_told_what_they_missed(world: Any, looks_often: None) -> None:
    location = await world.location("fra")
    monitor = await world.api.created()
    now_ms = await world.pipeline.fetchval("SELECT clock_ms()")
    async with await opened(world.api) as reader:
        position = reader.last_event_id
    await set_health(world, monitor, "down", now_ms)
    await world.api.patch(monitor, {"name": "Renamed"})
    check_id = await world.result(monitor, location, slot_at=now_ms)
    async with await opened(world.api, f"?watch={monitor['publicId']}", last_event_id=position) as reader:
        told = [await reader.next() for _ in range(3)]
    assert [each.name for each in told] == ["health", "monitor", "result"]
    assert told[2].data["check"]["id"] == str(check_id)
    async with await opened(world.api, f"?lastEventId={told[2].last_event_id}") as reader:
        await world.api.patch(monitor, {"name": "Again"})
        assert ((await reader.next()).data, reader.response.status) == (
            {"monitorId": monitor["publicId"], "change": "changed"},
            200,
        )


async def test_whoever_was_away_too_long_is_told_to_begin_anew(world: Any) -> None:
    for position in ("0-0", "1-1", "9223372036854775807-9999999999999", "garbage", "1-1-1", "-"):
        async with await opened(world.api, last_event_id=position) as reader:
            assert (await reader.next()).name == "reset", position


async def test_more_than_can_be_told_again_is_a_reset(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monitor = await world.api.created()
    async with await opened(world.api) as reader:
        position = reader.last_event_id
    monkeypatch.setattr(feed, "MOST_AT_ONCE", 3)
    for number in range(3):
        await world.api.patch(monitor, {"name": f"Name {number}"})
    async with await opened(world.api, last_event_id=position) as reader:
        assert (await reader.next()).name == "reset"


async def test_a_flood_is_told_whole_and_in_order(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MOST_AT_ONCE", 7)
    monitor = await world.api.created()
    await set_health(world, monitor, "up", NOON)
    async with await opened(world.api) as reader:
        async with world.pipeline.acquire() as connection, connection.transaction():
            for number in range(1, 51):
                await connection.execute("UPDATE monitor_health SET since = $1", NOON + number)
        await world.api.patch(monitor, {"name": "Wakes it"})
        told = [(await reader.named("health")).data["healthSince"] for _ in range(50)]
    assert told == sorted(told)
    assert len(set(told)) == 50


async def test_everybody_is_told_only_what_they_may_see(world: Any, herald: Herald) -> None:
    location = await world.location("fra")
    other = await world.customer("Other")
    strangers = await world.another_organization()
    ours, theirs = await world.api.created(), await world.api.created(customerId=other["id"])
    limited = await world.client("user", customer_id=other["id"])
    stranger = await world.client("admin", organization_id=strangers)
    watch = f"?watch={ours['publicId']},{theirs['publicId']}"
    async with (
        await opened(limited, watch) as by_limited,
        await opened(stranger, watch) as by_stranger,
        await opened(world.api, watch) as by_all,
    ):
        for monitor in (ours, theirs):
            await set_health(world, monitor, "down", NOON)
            check_id = await world.result(monitor, location, slot_at=NOON)
            herald.tell([1], [(monitor["id"], check_id, NOON)])
            await world.api.patch(monitor, {"name": "Renamed"})
        seen = [await by_all.next() for _ in range(6)]
        assert {each.data["monitorId"] for each in seen} == {ours["publicId"], theirs["publicId"]}
        mine = [await by_limited.next() for _ in range(3)]
        assert {each.data["monitorId"] for each in mine} == {theirs["publicId"]}
        assert {each.name for each in mine} == {"health", "result", "monitor"}
        customer = await world.customer("Theirs", organization_id=strangers)
        own = await stranger.created(customerId=customer["id"])
        assert (await by_stranger.next()).data["monitorId"] == own["publicId"]
    assert (await limited.get(f"{EVENTS}?organizationId={strangers}")).status == 404


async def test_a_monitor_that_moves_away_is_gone_for_those_who_may_not_follow(world: Any) -> None:
    other = await world.customer("Other")
    monitor = await world.api.created()
    before = await world.client("user", customer_id=10)
    after = await world.client("user", customer_id=other["id"])
    async with await opened(before) as leaving, await opened(after) as coming:
        await world.api.patch(monitor, {"customerId": other["id"]})
        assert (await leaving.next()).data == {"monitorId": monitor["publicId"], "change": "deleted"}
        assert (await coming.next()).data == {"monitorId": monitor["publicId"], "change": "created"}


async def test_a_revoked_token_ends_its_stream(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(stream, "STANDING_SECONDS", 0.2)
    leaving = await world.client("user")
    async with await opened(leaving) as reader, await opened(world.api) as staying:
        await reader.until_comment()
        async with organization_transaction(world.gateway_pool, 1) as connection:
            await connection.execute("DELETE FROM tokens WHERE name = 'a user'")
        assert await reader.until_end() == []
        await world.api.created()
        assert (await staying.next()).name == "monitor"


async def test_there_is_an_end_to_how_many_streams_one_may_open(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "MOST_STREAMS_OF_ONE", 2)
    monkeypatch.setattr(stream, "HEARTBEAT_SECONDS", 0.1)
    async with await opened(world.api), await opened(world.api) as second:
        refused = await world.api.get(EVENTS)
        assert (refused.status, refused.headers["Retry-After"]) == (429, "10")
        assert (await opened(await world.client("user"))).response.status == 200
        monkeypatch.setattr(feeds, "MOST_STREAMS", 3)
        assert (await (await world.client("readonly", customer_id=10)).get(EVENTS)).status == 503
        second.response.close()
        await world.until(lambda: _is_let_in(world.api))


async def _is_let_in(api: Any) -> bool:
    response = await api.client.get(EVENTS, headers={"Authorization": f"Bearer {api.token}"})
    response.close()
    return bool(response.status == 200)


async def test_a_gateway_that_ends_ends_its_streams(world: Any) -> None:
    gateway = await world.another_gateway(rate_limit_token=600, rate_limit_anonymous=100)
    async with await opened(gateway) as reader:
        async with asyncio.timeout(60):
            await gateway.client.server.close()
        assert await reader.until_end() == []


async def test_a_wrong_question_is_answered_before_any_stream(world: Any) -> None:
    some = "11111111-1111-4111-8111-111111111111"
    for query in (
        "watch=1",
        f"watch={some},x",
        "watch=" + ",".join([some] * 201),
        "organizationId=x",
        "lastEventId=" + "1" * 61,
        "watch=a&watch=b",
    ):
        answer = await world.api.get(f"{EVENTS}?{query}")
        assert (answer.status, len(answer.pointers)) == (400, 1), query


async def test_without_a_token_there_is_no_stream(world: Any) -> None:
    assert (await world.api.by(None).get(EVENTS)).status == 401
