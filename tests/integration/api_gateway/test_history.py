"""A monitor's past: incidents and messages in the documented words, uptime, charts, maintenance."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from shared.database.pool import NOTIFIER_ROLE, Pool, open_pool, organization_transaction
from tests.support.kept_history import KeptHistory, delivery

NOON = 1_772_107_200_000  # 2026-02-26T12:00:00Z
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@pytest_asyncio.fixture
async def history(world: Any) -> KeptHistory:
    """Half past noon; hours are added up until eleven."""
    await world.as_owner(
        f"""CREATE OR REPLACE FUNCTION mailprobe.clock_ms() RETURNS bigint LANGUAGE sql VOLATILE PARALLEL SAFE
            AS $$ SELECT {NOON + 30 * MINUTE}::bigint $$"""
    )
    await world.pipeline.execute("UPDATE rollup_progress SET hours_until = $1, rolling_until = $1", NOON - HOUR)
    await world.location("fra")
    return KeptHistory(world.pipeline)


@pytest_asyncio.fixture
async def notifier(database_dsn: str) -> AsyncIterator[Pool]:
    async with open_pool(database_dsn, role=NOTIFIER_ROLE, application_name="notifier", max_size=1) as pool:
        yield pool


async def add_up(world: Any, monitor: Any, from_ms: int, until_ms: int) -> None:
    """What the recorder would have kept of these hours."""
    columns = """checks, failures, total_ms_sum, total_ms_min, total_ms_max, up_ms, degraded_ms, down_ms, unknown_ms,
        maintenance_ms"""
    for span, length in (("hour", HOUR), ("day", DAY)):
        await world.pipeline.execute(
            f"""INSERT INTO rollups (monitor_id, organization_id, span, starts_at, {columns})
                SELECT monitor_id, organization_id, $1, starts_at, {columns}
                FROM roll_up(ARRAY[$2::bigint], $3::bigint, $4::bigint, $5::bigint)""",
            span,
            monitor["id"],
            from_ms // length * length,
            until_ms,
            length,
        )


def address(monitor: Any, what: str) -> str:
    return f"/api/imap-pop-monitors/{monitor['publicId']}/{what}"


async def test_incident_history_has_documented_texts_and_exact_times(world: Any, history: KeptHistory) -> None:
    monitor = await world.api.created()
    await history.incident(await world.api.created(name="other"), NOON, opened_at=NOON)
    past = await history.incident(
        monitor, NOON + 8 * MINUTE, opened_at=NOON + 10 * MINUTE, resolved_at=NOON + 12 * MINUTE + 30_000
    )
    present = await history.incident(monitor, NOON + 20 * MINUTE, opened_at=NOON + 25 * MINUTE)
    body = (await world.api.get(address(monitor, "incident-history"))).body
    assert body["total"] == 2
    active, resolved = body["incidents"]
    assert resolved == {
        "id": past["id"],
        "publicId": str(past["public_id"]),
        "type": "downtime",
        "status": "resolved",
        "startedAt": "Feb 26, 2026, 12:10:00",
        "endedAt": "Feb 26, 2026, 12:12:30",
        "duration": "2m 30s",
        "startedAtIso": "2026-02-26T12:10:00.000Z",
        "endedAtIso": "2026-02-26T12:12:30.000Z",
        "durationMs": 150_000,
        "outageStartedAtIso": "2026-02-26T12:08:00.000Z",
        "isOngoing": False,
        "cause": "auth_rejected",
        "details": "The server refused the password.",
    }
    assert (active["id"], active["status"], active["endedAt"], active["duration"]) == (
        present["id"],
        "active",
        None,
        "5m 0s",
    )


async def test_alert_history_has_what_was_sent_and_what_failed(
    world: Any, history: KeptHistory, notifier: Pool
) -> None:
    monitor = await world.api.created()
    incident = await history.incident(monitor, NOON, opened_at=NOON)
    sent = await delivery(notifier, incident, sent_at=NOON + MINUTE)
    failed = await delivery(notifier, incident, state="failed", error="no answer in time")
    for state in ("pending", "withdrawn"):
        await delivery(notifier, incident, state=state)
    body = (await world.api.get(address(monitor, "alert-history"))).body
    assert body["total"] == 2
    assert [alert["id"] for alert in body["alerts"]] == [failed, sent]
    assert body["alerts"][1] == {
        "id": sent,
        "incidentId": incident["id"],
        "incidentPublicId": str(incident["public_id"]),
        "type": "slack",
        "status": "sent",
        "channelName": "Ops Slack",
        "sentAt": "2026-02-26T12:01:00.000Z",
        "errorMessage": None,
        "event": "opened",
    }
    assert (body["alerts"][0]["sentAt"], body["alerts"][0]["errorMessage"]) == (None, "no answer in time")


async def test_a_monitor_without_a_past_has_a_page_all_the_same(world: Any, history: KeptHistory) -> None:
    monitor = await world.api.created()
    body = (await world.api.get(address(monitor, "details"))).body
    assert (body["imapPopMonitorId"], body["monitor"]["publicId"]) == (monitor["id"], monitor["publicId"])
    assert body["monitor"]["customer"]["id"] == 10
    assert body["monitor"]["config"]["password"] == "********"
    assert (body["latestCheck"], body["monitoringData"], body["incidents"], body["testResultLog"]) == (None, [], [], [])
    assert body["uptimeStats"]["day"] is None
    assert body["uptimeStats"]["yearAvgResponse"] is None
    assert body["maintenance"] == {"inMaintenance": False, "activeWindows": [], "allWindows": []}


async def test_uptime_is_that_of_kept_hours_and_of_those_not_added_up_yet(world: Any, history: KeptHistory) -> None:
    monitor = await world.api.created()
    await history.belief(monitor, NOON - 10 * DAY, "up")
    await history.belief(monitor, NOON - 5 * DAY, "down")
    await history.belief(monitor, NOON - 5 * DAY + 6 * HOUR, "degraded")
    await history.belief(monitor, NOON - 90 * MINUTE, "down")
    await history.belief(monitor, NOON - 60 * MINUTE, "unknown")
    await history.belief(monitor, NOON - 30 * MINUTE, "down")
    await history.belief(monitor, NOON, "up")
    for at, outcome, total_ms in (
        (NOON - 3 * HOUR, "ok", 100.0),
        (NOON - 2 * HOUR, "auth_rejected", 900.0),
        (NOON + MINUTE, "ok", 51.0),
        (NOON + 2 * MINUTE, "internal", 900.0),
    ):
        await history.result(monitor, at, outcome, total_ms=total_ms)
    await add_up(world, monitor, NOON - 11 * DAY, NOON - HOUR)
    body = (await world.api.get(address(monitor, "details"))).body
    stats, meta = body["uptimeStats"], body["uptimeStatsMeta"]
    day_up = 23 * HOUR
    known = {
        name: (each["upMs"] + each["degradedMs"], each["downMs"], each["unknownMs"]) for name, each in meta.items()
    }
    assert known["day"] == (day_up, 60 * MINUTE, 30 * MINUTE)
    assert known["month"] == known["year"] == (10 * DAY - 6 * HOUR - HOUR, 7 * HOUR, 30 * MINUTE)
    assert stats["day"] == day_up * 100_000 // (day_up + HOUR) / 1000
    assert stats["month"] == (10 * DAY - 7 * HOUR) * 100_000 // (10 * DAY) / 1000
    assert (stats["dayAvgResponse"], stats["yearAvgResponse"]) == (75.5, 75.5)
    assert (meta["day"]["checks"], meta["day"]["failures"]) == (3, 1)
    assert meta["day"]["since"] == "2026-02-25T12:00:00.000Z"
    assert body["latestCheck"]["timingImapPop"] == 900.0
    assert body["latestCheck"]["locationCode"] == "fra"


async def test_the_chart_has_hours_days_or_checks(world: Any, history: KeptHistory) -> None:
    monitor = await world.api.created()
    await history.belief(monitor, NOON - 30 * DAY, "up")
    await history.belief(monitor, NOON + 10 * MINUTE, "down")
    await history.result(monitor, NOON - DAY, total_ms=30.0)
    first = await history.result(monitor, NOON + MINUTE, total_ms=10.0)
    second = await history.result(monitor, NOON + 10 * MINUTE, "auth_rejected")
    await add_up(world, monitor, NOON - 40 * DAY, NOON - HOUR)
    hours = (await world.api.get(address(monitor, "details"))).body
    assert hours["monitoringDataMeta"]["granularity"] == "hour"
    assert len(hours["monitoringData"]) == 25
    last = hours["monitoringData"][-1]
    assert (last["checkedAt"], last["checks"], last["failures"], last["status"]) == (
        "2026-02-26T12:00:00.000Z",
        2,
        1,
        "failure",
    )
    assert (last["upMs"], last["downMs"], last["uptime"], last["timingImapPop"]) == (
        10 * MINUTE,
        20 * MINUTE,
        33.333,
        10.0,
    )
    days = (await world.api.get(address(monitor, "details?range=month"))).body["monitoringData"]
    assert len(days) == 31
    assert (days[-1]["checkedAt"], days[-1]["checks"], days[-1]["upMs"]) == (
        "2026-02-26T00:00:00.000Z",
        2,
        12 * HOUR + 10 * MINUTE,
    )
    assert days[-2]["timingImapPop"] == 30.0
    raw = (await world.api.get(address(monitor, "details?granularity=raw&startDate=2026-02-26"))).body
    assert [point["status"] for point in raw["monitoringData"]] == ["success", "failure"]
    assert raw["monitoringData"][1]["errorMessage"] == "The server refused the password."
    assert [check["id"] for check in raw["testResultLog"]][:2] == [str(second), str(first)]
    earlier = (await world.api.get(address(monitor, "details?date=2026-02-25"))).body
    assert len(earlier["monitoringData"]) == 24
    assert [check["status"] for check in earlier["testResultLog"]] == ["success"]


async def test_maintenance_is_drawn_and_leaves_uptime_unspoilt(world: Any, history: KeptHistory) -> None:
    monitor = await world.api.created()
    await history.belief(monitor, NOON - 2 * HOUR, "down")
    async with world.gateway_pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('mailprobe.organization', '1', true)")
        for name, starts_at, ends_at in (
            ("past", NOON - 2 * HOUR, NOON - HOUR),
            ("now", NOON - HOUR, NOON + HOUR),
            ("to come", NOON + DAY, NOON + 2 * DAY),
            ("long ago", NOON - 9 * DAY, NOON - 8 * DAY),
        ):
            window = await connection.fetchval(
                """INSERT INTO maintenance_windows (organization_id, customer_id, name, starts_at, ends_at,
                       whole_customer)
                   VALUES (1, 10, $1, to_timestamp($2::bigint / 1000), to_timestamp($3::bigint / 1000), true)
                   RETURNING id""",
                name,
                starts_at,
                ends_at,
            )
            await connection.execute(
                "INSERT INTO maintenance_occurrences VALUES ($1, 1, $2, $3)", window, starts_at, ends_at
            )
    body = (await world.api.get(address(monitor, "details"))).body
    maintenance = body["maintenance"]
    assert maintenance["inMaintenance"] is True
    assert [window["name"] for window in maintenance["activeWindows"]] == ["now"]
    assert [window["name"] for window in maintenance["allWindows"]] == ["past", "now", "to come"]
    assert maintenance["activeWindows"][0]["startTime"] == "2026-02-26T11:00:00.000Z"
    await add_up(world, monitor, NOON - 3 * HOUR, NOON - HOUR)
    body = (await world.api.get(address(monitor, "details"))).body
    assert (body["uptimeStats"]["day"], body["uptimeStatsMeta"]["day"]["downMs"]) == (None, 0)
    assert body["uptimeStatsMeta"]["day"]["maintenanceMs"] == 2 * HOUR + 30 * MINUTE
    other = await world.customer("Other")
    theirs = await world.api.created(customerId=other["id"], status="maintenance")
    shown = (await world.api.get(address(theirs, "details"))).body["maintenance"]
    assert shown == {"inMaintenance": True, "activeWindows": [], "allWindows": []}


async def test_incidents_of_the_page_are_those_of_its_time(world: Any, history: KeptHistory) -> None:
    monitor = await world.api.created()
    for started_at, resolved_at in ((NOON - 9 * DAY, NOON - 8 * DAY), (NOON - 3 * DAY, NOON - HOUR)):
        await history.incident(monitor, started_at, opened_at=started_at, resolved_at=resolved_at)
    present = await history.incident(monitor, NOON, opened_at=NOON)
    assert len((await world.api.get(address(monitor, "details"))).body["incidents"]) == 2
    assert len((await world.api.get(address(monitor, "details?range=month"))).body["incidents"]) == 3
    past = (await world.api.get(address(monitor, "details?date=2026-02-24"))).body["incidents"]
    assert [incident["id"] for incident in past] == [present["id"] - 1]


async def test_wrong_dates_are_named(world: Any, history: KeptHistory) -> None:
    monitor = await world.api.created()
    for query, pointer in (
        ("range=decade", "/range"),
        ("date=yesterday", "/date"),
        ("startDate=2026-02-30", "/startDate"),
        ("endDate=9999-12-31", "/endDate"),
        ("startDate=2026-02-20&endDate=2026-02-01", "/endDate"),
        ("startDate=2020-01-01", "/startDate"),
        ("date=%00", "/date"),
        ("granularity=" + "x" * 21, "/granularity"),
    ):
        answer = await world.api.get(address(monitor, f"details?{query}"))
        assert (answer.status, answer.pointers) == (400, [pointer]), query


async def test_a_past_is_seen_within_ones_scope_only(world: Any, history: KeptHistory) -> None:
    other = await world.customer("Other")
    monitor = await world.api.created(customerId=other["id"])
    await history.belief(monitor, NOON - HOUR, "up")
    await history.incident(monitor, NOON, opened_at=NOON)
    limited = await world.client("user", customer_id=10)
    stranger = await world.client("admin", organization_id=await world.another_organization())
    for what in ("details", "incident-history", "alert-history"):
        assert (await (await world.client("readonly")).get(address(monitor, what))).status == 200
        assert (await limited.get(address(monitor, what))).status == 403
        assert (await stranger.get(address(monitor, what))).status == 404
        assert (await world.api.by(None).get(address(monitor, what))).status == 401
        answer = await world.api.get(f"/api/imap-pop-monitors/{monitor['id']}/{what}")
        assert (answer.status, answer.body["message"]) == (400, "IMAP/POP monitor public ID (UUID) required")


async def test_the_database_itself_keeps_pasts_apart_and_lets_the_gateway_write_none(
    world: Any, history: KeptHistory
) -> None:
    monitor = await world.api.created()
    await history.belief(monitor, NOON - 3 * HOUR, "up")
    await history.incident(monitor, NOON, opened_at=NOON)
    await add_up(world, monitor, NOON - 3 * HOUR, NOON - HOUR)
    seen = {}
    for organization_id in (1, await world.another_organization()):
        async with organization_transaction(world.gateway_pool, organization_id) as connection:
            added = "SELECT * FROM roll_up(ARRAY[$1::bigint], $2::bigint, $3::bigint, 3600000)"
            seen[organization_id] = [
                len(await connection.fetch(added, monitor["id"], NOON - 2 * HOUR, NOON)),
                *[len(await connection.fetch(f"SELECT * FROM {table}")) for table in ("rollups", "incidents")],
            ]
    assert list(seen.values()) == [[2, 3, 1], [0, 0, 0]]
    for statement in (
        "UPDATE rollups SET up_ms = 0",
        "DELETE FROM health_changes",
        "UPDATE incidents SET resolved_at = 1",
        "UPDATE rollup_progress SET hours_until = 0",
        "INSERT INTO rollups_due VALUES (1, 0)",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await world.gateway_pool.execute(statement)
