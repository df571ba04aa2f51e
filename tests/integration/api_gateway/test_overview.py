"""Monitors at a glance: the last checks, percentiles, uptime and certificate of each, and the order that begins with
what is worst."""

from typing import Any

import pytest_asyncio

from tests.support.kept_history import KeptHistory

MONITORS = "/api/imap-pop-monitors"
NOON = 1_772_107_200_000  # 2026-02-26T12:00:00Z
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@pytest_asyncio.fixture
async def history(world: Any) -> KeptHistory:
    """Noon; hours are added up until eleven."""
    await world.as_owner(
        f"""CREATE OR REPLACE FUNCTION mailprobe.clock_ms() RETURNS bigint LANGUAGE sql VOLATILE PARALLEL SAFE
            AS $$ SELECT {NOON}::bigint $$"""
    )
    await world.pipeline.execute("UPDATE rollup_progress SET hours_until = $1, rolling_until = $1", NOON - HOUR)
    await world.location("fra")
    return KeptHistory(world.pipeline)


async def overview_of(world: Any, monitor: Any) -> dict[str, Any]:
    items = (await world.api.get(f"{MONITORS}?view=overview")).body["items"]
    found: dict[str, Any] = next(item["overview"] for item in items if item["publicId"] == monitor["publicId"])
    return found


async def test_a_list_carries_an_overview_only_where_it_is_asked_for(world: Any, history: KeptHistory) -> None:
    await world.api.created()
    assert [item["overview"] for item in (await world.api.get(MONITORS)).body["items"]] == [None]
    assert (await world.api.get(f"{MONITORS}?view=everything")).pointers == ["/view"]


async def test_a_monitor_without_checks_has_an_empty_overview(world: Any, history: KeptHistory) -> None:
    assert await overview_of(world, await world.api.created()) == {
        "recent": [],
        "p50Ms": None,
        "p95Ms": None,
        "uptimeDay": None,
        "uptimeMonth": None,
        "certificateDaysLeft": None,
    }


async def test_the_last_checks_stand_in_order_with_what_each_told(world: Any, history: KeptHistory) -> None:
    monitor = await world.api.created()
    await history.result(monitor, NOON - 6 * MINUTE)
    await history.result(monitor, NOON - 5 * MINUTE, "auth_rejected")
    await history.result(monitor, NOON - 4 * MINUTE, "auth_rejected", withheld=True)
    await history.result(monitor, NOON - 3 * MINUTE, "mailbox_locked")
    await history.result(monitor, NOON - 2 * MINUTE, "internal")
    await world.result(
        monitor, 0, slot_at=NOON - MINUTE, detail={"warnings": [{"code": "certificate_expiring", "text": "soon"}]}
    )
    await world.result(monitor, 0, slot_at=NOON, detail={"warnings": [{"code": "plaintext_password", "text": "!"}]})
    assert (await overview_of(world, monitor))["recent"] == [
        "up", "down", "unknown", "degraded", "unknown", "degraded", "up",
    ]  # fmt: skip


async def test_no_more_than_sixty_checks_are_shown_and_none_of_another_monitor(
    world: Any, history: KeptHistory
) -> None:
    monitor, other = await world.api.created(), await world.api.created(name="other")
    for number in range(70):
        await history.result(monitor, NOON - number * MINUTE, "ok" if number < 60 else "auth_rejected")
    await history.result(other, NOON, "auth_rejected")
    assert (await overview_of(world, monitor))["recent"] == ["up"] * 60
    assert (await overview_of(world, other))["recent"] == ["down"]


async def test_checks_of_long_ago_are_shown_where_they_are_rare(world: Any, history: KeptHistory) -> None:
    rare, frequent = await world.api.created(checkInterval=1440), await world.api.created(checkInterval=1)
    for monitor in (rare, frequent):
        await history.result(monitor, NOON - 40 * DAY)
    assert (await overview_of(world, rare))["recent"] == ["up"]
    assert (await overview_of(world, frequent))["recent"] == []


async def test_percentiles_are_of_checks_that_passed(world: Any, history: KeptHistory) -> None:
    monitor = await world.api.created()
    for number in range(1, 22):
        await history.result(monitor, NOON - number * MINUTE, total_ms=float(number * 10))
    await history.result(monitor, NOON, "auth_rejected", total_ms=9_000.0)
    overview = await overview_of(world, monitor)
    assert (overview["p50Ms"], overview["p95Ms"]) == (110.0, 200.0)


async def test_uptime_is_that_of_the_page_of_the_monitor(world: Any, history: KeptHistory) -> None:
    monitor = await world.api.created()
    await history.belief(monitor, NOON - 5 * DAY, "up")
    await history.belief(monitor, NOON - 3 * DAY, "down")
    await history.belief(monitor, NOON - 2 * DAY, "up")
    await history.belief(monitor, NOON - 2 * HOUR, "down")
    await history.belief(monitor, NOON - HOUR - 30 * MINUTE, "up")
    await history.belief(monitor, NOON - 10 * MINUTE, "down")
    for span, length in (("hour", HOUR), ("day", DAY)):
        await world.pipeline.execute(
            """INSERT INTO rollups SELECT monitor_id, organization_id, $1, starts_at, checks, failures, total_ms_sum,
                   total_ms_min, total_ms_max, up_ms, degraded_ms, down_ms, unknown_ms, maintenance_ms
               FROM roll_up(ARRAY[$2::bigint], $3::bigint, $4::bigint, $5::bigint)""",
            span,
            monitor["id"],
            (NOON - 6 * DAY) // DAY * DAY,
            NOON - HOUR if span == "hour" else NOON // DAY * DAY,
            length,
        )
    overview = await overview_of(world, monitor)
    stats = (await world.api.get(f"{MONITORS}/{monitor['publicId']}/details")).body["uptimeStats"]
    assert (overview["uptimeDay"], overview["uptimeMonth"]) == (stats["day"], stats["month"])
    assert overview["uptimeDay"] == 97.222  # 40 minutes of 24 hours
    assert overview["uptimeMonth"] == 79.444  # and a day of five


async def test_the_certificate_is_the_newest_seen(world: Any, history: KeptHistory) -> None:
    monitor = await world.api.created()
    for age, days in ((3, 1), (2, 17)):
        certificate = {"certificate": {"notAfterMs": NOON + days * DAY + HOUR}}
        await world.result(monitor, 0, slot_at=NOON - age * MINUTE, detail=certificate)
    await world.result(monitor, 0, slot_at=NOON - MINUTE, passed=False, detail={"certificate": None})
    assert (await overview_of(world, monitor))["certificateDaysLeft"] == 17


async def test_worst_first_is_what_needs_somebody_first(world: Any, history: KeptHistory) -> None:
    beliefs = [
        ("well", "active", "up", 1),
        ("paused", "disabled", "down", 1),
        ("down for long", "active", "down", 1),
        ("never checked", "active", None, 0),
        ("at work", "maintenance", "down", 9),
        ("down of late", "active", "down", 5),
        ("slow", "active", "degraded", 1),
    ]
    for name, status, health, since in beliefs:
        monitor = await world.api.created(name=name, status=status)
        if health:
            await world.pipeline.execute(
                "INSERT INTO monitor_health (monitor_id, organization_id, health, since, last_checked_at)"
                " VALUES ($1, 1, $2, $3, $3)",
                monitor["id"],
                health,
                NOON + since,
            )
    worst_first = ["down of late", "down for long", "slow", "never checked", "at work", "well", "paused"]
    found = (await world.api.get(f"{MONITORS}?sort=worst")).body["items"]
    assert [item["name"] for item in found] == worst_first
    paged = [
        item["name"]
        for page in range(1, 5)
        for item in (await world.api.get(f"{MONITORS}?sort=worst&perPage=2&page={page}")).body["items"]
    ]
    assert paged == worst_first
    for health, wanted in (
        ("down", ["down of late", "down for long", "at work", "paused"]),
        ("unknown", ["never checked"]),
    ):
        found = (await world.api.get(f"{MONITORS}?sort=worst&health={health}")).body["items"]
        assert [item["name"] for item in found] == wanted
    assert (await world.api.get(f"{MONITORS}?sort=-worst")).pointers == ["/sort"]


async def test_a_history_can_be_asked_for_what_passed(world: Any, history: KeptHistory) -> None:
    monitor = await world.api.created()
    good = await history.result(monitor, NOON - 2 * MINUTE)
    bad = await history.result(monitor, NOON - MINUTE, "auth_rejected")
    address = f"{MONITORS}/{monitor['publicId']}/check-history"
    assert [check["id"] for check in (await world.api.get(f"{address}?status=success")).body["data"]] == [str(good)]
    assert [check["id"] for check in (await world.api.get(f"{address}?status=failure")).body["data"]] == [str(bad)]
    assert (await world.api.get(f"{address}?status=perhaps")).pointers == ["/status"]


async def test_a_chart_of_checks_tells_their_phases_and_certificates(world: Any, history: KeptHistory) -> None:
    monitor = await world.api.created()
    seen = {"phasesMs": {"dns": 1.5, "tls": 20.0}, "certificate": {"fingerprintSha256": "ab12", "notAfterMs": NOON}}
    await world.result(monitor, 0, slot_at=NOON - MINUTE, detail=seen)
    answer = await world.api.get(f"{MONITORS}/{monitor['publicId']}/details?granularity=raw")
    (point,) = answer.body["monitoringData"]
    assert (point["phasesMs"], point["certificate"]) == ({"dns": 1.5, "tls": 20.0}, "ab12")
