"""A status page as anybody sees it: states, days, incidents, planned work; for people, programs and other pages."""

import asyncio
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import pytest_asyncio

from services.api_gateway.status_pages.view_store import read_seen
from shared.database.pool import organization_transaction
from tests.integration.api_gateway.conftest import DOCUMENTED_CUSTOMER, Answer, Api
from tests.support.kept_history import KeptHistory
from tests.support.read_page import Read

NOON = 1_772_107_200_000  # 2026-02-26T12:00:00Z
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
HOSTILE = "<img src=x onerror=alert(1)>\x1b[31m\u202e<script>alert(2)</script> &amp; مرحبا"
SVG = "{http://www.w3.org/2000/svg}"
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest_asyncio.fixture
async def history(world: Any) -> KeptHistory:
    """Half past noon; hours are added up until eleven."""
    await world.as_owner(
        f"""CREATE OR REPLACE FUNCTION mailprobe.clock_ms() RETURNS bigint LANGUAGE sql VOLATILE PARALLEL SAFE
            AS $$ SELECT {NOON + 30 * MINUTE}::bigint $$"""
    )
    await world.pipeline.execute("UPDATE rollup_progress SET hours_until = $1, rolling_until = $1", NOON - HOUR)
    return KeptHistory(world.pipeline)


async def page_of(api: Api, **fields: Any) -> str:
    answer = await api.post("/api/status-pages", {"title": "Example Mail", "customerId": DOCUMENTED_CUSTOMER, **fields})
    assert answer.status == 201, answer.text
    return f"/status/{answer.body['slug']}"


async def believed(world: Any, monitor: Mapping[str, Any], health: str) -> None:
    await world.pipeline.execute(
        "INSERT INTO monitor_health (monitor_id, organization_id, health, since, last_checked_at)"
        " VALUES ($1, 1, $2, $3, $3)",
        monitor["id"],
        health,
        NOON,
    )


async def day_spent(world: Any, monitor: Mapping[str, Any], days_ago: int, *, up: int, down: int = 0) -> None:
    await world.pipeline.execute(
        """INSERT INTO rollups (monitor_id, organization_id, span, starts_at, checks, failures, total_ms_sum, up_ms,
               degraded_ms, down_ms, unknown_ms, maintenance_ms)
           VALUES ($1, 1, 'day', $2, 1, 0, 1, $3, 0, $4, 0, 0)""",
        monitor["id"],
        NOON // DAY * DAY - days_ago * DAY,
        up,
        down,
    )


async def window(world: Any, name: str, starts_at: int, ends_at: int, monitor: Mapping[str, Any] | None = None) -> None:
    async with organization_transaction(world.gateway_pool, 1) as connection:
        number = await connection.fetchval(
            """INSERT INTO maintenance_windows (organization_id, customer_id, name, starts_at, ends_at, whole_customer)
               VALUES (1, 10, $1, to_timestamp($2::bigint / 1000), to_timestamp($3::bigint / 1000), $4) RETURNING id""",
            name,
            starts_at,
            ends_at,
            monitor is None,
        )
        await connection.execute(
            "INSERT INTO maintenance_occurrences VALUES ($1, 1, $2, $3)", number, starts_at, ends_at
        )
        if monitor is not None:
            await connection.execute(
                "INSERT INTO maintenance_targets (window_id, organization_id, monitor_id) VALUES ($1, 1, $2)",
                number,
                monitor["id"],
            )


async def anybody(api: Api, path: str, **headers: str) -> Answer:
    return await api.by(None).call("GET", path, headers=headers)


async def summary_of(api: Api, path: str) -> Any:
    answer = await anybody(api, f"{path}/summary.json")
    assert answer.status == 200, answer.text
    return answer.body


async def test_a_page_without_monitors_says_so(api: Api, history: KeptHistory) -> None:
    path = await page_of(api, text="Below\nthe title")
    answer = await anybody(api, path)
    read = Read(answer.text)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Nothing is shown here yet." in read.text
    assert "Below\nthe title" in read.text
    assert (await summary_of(api, path))["status"] == {"indicator": "none", "description": "Nothing Is Shown Yet"}


async def test_states_are_said_in_words_for_each_and_for_all(world: Any, api: Api, history: KeptHistory) -> None:
    monitors = {name: await api.created(name=name) for name in ("Alpha", "Beta", "Gamma", "Delta", "Epsilon", "Off")}
    for name, health in (("Alpha", "up"), ("Beta", "down"), ("Gamma", "down"), ("Delta", "up")):
        await believed(world, monitors[name], health)
    await api.patch(monitors["Off"], {"status": "disabled"})
    await history.incident(monitors["Gamma"], NOON, opened_at=NOON + MINUTE)
    await window(world, "Work", NOON, NOON + HOUR, monitors["Delta"])
    path = await page_of(api)
    shown = await summary_of(api, path)
    assert {each["name"]: each["status"] for each in shown["components"]} == {
        "Alpha": "operational",
        "Beta": "degraded_performance",  # not confirmed
        "Gamma": "major_outage",
        "Delta": "under_maintenance",
        "Epsilon": "degraded_performance",  # nothing is known
    }
    assert shown["status"] == {"indicator": "major", "description": "Partial System Outage"}
    text = Read((await anybody(api, path)).text).text
    for words in ("Partial System Outage", "Alpha✓ Operational", "Gamma✕ Outage", "Delta◆ Under maintenance"):
        assert words in text.replace("\n", "")
    assert "Epsilon? No recent data" in text
    assert "Off" not in text


async def test_ninety_days_are_drawn_and_added_up(world: Any, api: Api, history: KeptHistory) -> None:
    monitor = await api.created(name="Inbox")
    await believed(world, monitor, "up")
    await history.belief(monitor, NOON - HOUR, "up")
    for days_ago in (89, 88, 3, 2):
        await day_spent(world, monitor, days_ago, up=DAY)
    await day_spent(world, monitor, 90, up=0, down=DAY)
    await day_spent(world, monitor, 1, up=DAY - 12 * HOUR, down=12 * HOUR)
    read = Read((await anybody(api, await page_of(api))).text)
    assert read.drawn() == [
        ("up", "M0 12h10"),
        ("nothing", "M12 12h502"),
        ("up", "M516 12h10"),
        ("down", "M528 12h4"),
        ("up", "M534 12h4"),
    ]
    assert "25 Feb 2026: 50 % available" in read.text
    # Four days and an hour and a half of today, of which ninety minutes have been added up only now.
    up = 4 * DAY + 12 * HOUR + 90 * MINUTE
    uptime = up * 10_000 // (up + 12 * HOUR)
    assert f"The last 90 days: {uptime // 100}.{uptime % 100:02} % available, 1 day with disturbances" in "".join(
        read.attributes("aria-label")
    )


async def test_a_tag_is_one_line_or_a_heading(world: Any, api: Api, history: KeptHistory) -> None:
    tag = (await api.post("/api/tags", {"name": "europe"})).body
    for name, health in (("One", "up"), ("Two", "up")):
        monitor = await api.created(name=name)
        await believed(world, monitor, health)
        await api.post("/api/monitor-tags", {"monitorType": "imap_pop", "monitorId": monitor["id"], "tagId": tag["id"]})
        await day_spent(world, monitor, 1, up=DAY if name == "One" else 0, down=0 if name == "One" else DAY)
    await history.incident(monitor, NOON, opened_at=NOON)
    together = await page_of(api, components=[{"tagId": tag["id"], "name": "Mail in Europe"}])
    (line,) = (await summary_of(api, together))["components"]
    assert (line["name"], line["status"], line["group"]) == ("Mail in Europe", "partial_outage", False)
    assert "25 Feb 2026: 50 % available" in Read((await anybody(api, together)).text).text
    apart = await page_of(api, components=[{"tagId": tag["id"], "combined": False}])
    heading, one, two = (await summary_of(api, apart))["components"]
    assert (heading["name"], heading["status"], heading["group"]) == ("europe", "partial_outage", True)
    assert heading["components"] == [one["id"], two["id"]]
    assert [(each["name"], each["status"], each["group_id"]) for each in (one, two)] == [
        ("One", "operational", heading["id"]),
        ("Two", "major_outage", heading["id"]),
    ]


async def test_open_and_past_incidents_have_their_times(world: Any, api: Api, history: KeptHistory) -> None:
    monitor, other = await api.created(name="Inbox"), await api.created(name="Outbox")
    await history.incident(monitor, NOON - 2 * DAY, opened_at=NOON - 2 * DAY, resolved_at=NOON - 2 * DAY + 65 * MINUTE)
    await history.incident(monitor, NOON - 20 * DAY, opened_at=NOON - 20 * DAY, resolved_at=NOON - 15 * DAY)
    present = await history.incident(monitor, NOON, opened_at=NOON + MINUTE)
    group = await world.pipeline.fetchval(
        "INSERT INTO incident_groups (organization_id, host, layer, opened_at) VALUES (1, 'h', 'login', 1) RETURNING id"
    )
    await history.incident(other, NOON + 2 * MINUTE, opened_at=NOON + 3 * MINUTE)
    await world.pipeline.execute("UPDATE incidents SET group_id = $1 WHERE resolved_at IS NULL", group)
    await api.post(f"/api/incidents/{present['public_id']}/acknowledge")
    path = await page_of(api)
    text = Read((await anybody(api, path)).text).text
    assert "Signing in fails: Inbox, Outbox" in text, "one outage is told once"
    assert "Since 26 Feb 2026, 12:00 UTC. Somebody has been looking after it since" in text
    assert "From 24 Feb 2026, 12:00 UTC until 24 Feb 2026, 13:05 UTC, 1 h 5 min." in text
    assert "6 Feb 2026" not in text.replace("26 Feb 2026", ""), "what ended more than 14 days ago"
    (incident,) = (await summary_of(api, path))["incidents"]
    assert (incident["name"], incident["status"], incident["impact"], incident["resolved_at"]) == (
        "Signing in fails: Inbox, Outbox",
        "identified",
        "critical",
        None,
    )
    assert incident["started_at"] == "2026-02-26T12:00:00.000Z"
    assert [each["status"] for each in incident["incident_updates"]] == ["identified", "investigating"]
    assert [each["name"] for each in incident["components"]] == ["Inbox", "Outbox"]


async def test_work_under_way_and_to_come_is_told(world: Any, api: Api, history: KeptHistory) -> None:
    await api.created(name="Inbox")
    await window(world, "Moving house", NOON, NOON + HOUR)
    await window(world, "New disks", NOON + DAY, NOON + DAY + HOUR)
    await window(world, "Restart of mail.example.com", NOON + 2 * DAY, NOON + 3 * DAY)
    await window(world, "Long over", NOON - 2 * DAY, NOON - DAY)
    path = await page_of(api)
    text = Read((await anybody(api, path)).text).text
    assert "Moving houseFrom 26 Feb 2026, 12:00 UTC until 26 Feb 2026, 13:00 UTC." in text
    assert "New disksFrom 27 Feb 2026, 12:00 UTC" in text
    assert "Planned maintenanceFrom 28 Feb 2026" in text
    assert "Long over" not in text
    work = (await summary_of(api, path))["scheduled_maintenances"]
    assert [(each["name"], each["status"], each["scheduled_for"]) for each in work] == [
        ("Moving house", "in_progress", "2026-02-26T12:00:00.000Z"),
        ("New disks", "scheduled", "2026-02-27T12:00:00.000Z"),
        ("Planned maintenance", "scheduled", "2026-02-28T12:00:00.000Z"),
    ]


async def test_hosts_and_accounts_are_shown_only_where_that_is_asked_for(
    world: Any, api: Api, history: KeptHistory
) -> None:
    named = await api.created(name="mx1.secret.example", hostname="mx1.secret.example")
    await api.created(name="monitor@example.com")
    await api.created(name="The shop")
    await history.incident(named, NOON, opened_at=NOON)
    await world.as_pipeline("UPDATE incidents SET message = 'mx1.secret.example says no to someone'")
    closed = await page_of(api)
    for what in ("", "/summary.json", "/badge.svg", "/history.atom"):
        said = (await anybody(api, closed + what)).text
        for secret in ("mx1", "monitor@example.com", "someone", "93.184"):
            assert secret not in said, (what, secret)
    # In this order, which is not that of the names they have.
    shown = [each["name"] for each in (await summary_of(api, closed))["components"]]
    assert shown == ["The shop", "Mailbox 1", "Mailbox 2"]
    asked = await page_of(api, showsHostnames=True, showsUsers=True, showsMessages=True)
    text = Read((await anybody(api, asked)).text).text
    assert "mx1.secret.example says no to someone" in text
    assert "monitor@example.com" in text
    chosen = await page_of(api, components=[{"monitorId": named["id"], "name": "The mx1.secret.example"}])
    assert "The mx1.secret.example" in Read((await anybody(api, chosen)).text).text


async def test_hostile_text_is_text_everywhere(world: Any, api: Api, history: KeptHistory) -> None:
    monitor = await api.created(name=HOSTILE.replace("\x1b", ""))
    await history.incident(monitor, NOON, opened_at=NOON)
    await world.as_pipeline("UPDATE incidents SET message = $1", HOSTILE)
    fields = {
        "title": "<b>Mail</b> \u202eliam & co",
        "text": "<i>hi</i>",
        "showsHostnames": True,
        "showsMessages": True,
    }
    path = await page_of(api, **fields)
    answer = await anybody(api, path)
    read = Read(answer.text)
    assert not {tag for tag, _ in read.found} & {"img", "script", "b", "i", "iframe"}
    assert not [name for _, attributes in read.found for name in attributes if name.startswith("on") or name == "style"]
    assert "<img src=x onerror=alert(1)>␛[31m<script>alert(2)</script> &amp; مرحبا" in read.text
    assert "<b>Mail</b> liam & co" in read.text
    assert "<i>hi</i>" in read.text
    for what in ("", "/summary.json", "/badge.svg", "/history.atom"):
        said = (await anybody(api, path + what)).text
        assert not re.search("[\x00-\x09\x0b-\x1f\u202a-\u202e]|\\\\u001b|\\\\u202e", said), what
    title = ElementTree.fromstring((await anybody(api, f"{path}/badge.svg")).text).findtext(f"{SVG}title")
    assert title == "<b>Mail</b> liam & co: outage"
    feed = ElementTree.fromstring((await anybody(api, f"{path}/history.atom")).text)
    assert "<script>alert(2)</script>" in (feed.findtext(f"{ATOM}entry/{ATOM}title") or "")


async def test_the_page_loads_nothing_and_runs_nothing(api: Api, history: KeptHistory) -> None:
    await api.created(name="Inbox")
    path = await page_of(api)
    answer = await anybody(api, path)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    read = Read(answer.text)
    assert set(read.attributes("href")) == {f"{path}/history.atom"}
    assert read.attributes("src") == []
    assert not re.search(r"@import|url\(", answer.text)
    assert (answer.headers["Referrer-Policy"], answer.headers["X-Robots-Tag"]) == ("no-referrer", "noindex")
    assert "Set-Cookie" not in answer.headers
    headings = [int(tag[1]) for tag, _ in read.found if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(headings))


async def test_answers_may_be_kept_shortly_and_are_known_again(world: Any, api: Api, history: KeptHistory) -> None:
    monitor = await api.created(name="Inbox")
    path = await page_of(api)
    for what in ("", "/summary.json", "/badge.svg", "/history.atom"):
        first = await anybody(api, path + what)
        assert first.headers["Cache-Control"] == "public, max-age=30"
        again = await anybody(api, path + what, **{"If-None-Match": first.headers["ETag"]})
        assert (again.status, again.headers["ETag"]) == (304, first.headers["ETag"])
        assert (await anybody(api, path + what, **{"If-None-Match": '"other"'})).status == 200
    before = await anybody(api, path)
    await believed(world, monitor, "up")
    after = await anybody(api, path, **{"If-None-Match": before.headers["ETag"]})
    assert after.status == 200
    assert (await anybody(api, f"{path}/summary.json")).headers["Access-Control-Allow-Origin"] == "*"


async def test_the_badge_says_how_it_is_to_those_who_do_not_see_it(world: Any, api: Api, history: KeptHistory) -> None:
    await believed(world, await api.created(name="Inbox"), "up")
    answer = await anybody(api, f"{await page_of(api)}/badge.svg")
    image = ElementTree.fromstring(answer.text)
    assert answer.headers["Content-Type"].startswith("image/svg+xml")
    assert (image.get("role"), image.get("aria-labelledby")) == ("img", "title")
    assert image.findtext(f"{SVG}title") == "Example Mail: operational"


async def test_the_feed_has_an_entry_for_each_incident(world: Any, api: Api, history: KeptHistory) -> None:
    monitor = await api.created(name="Inbox")
    await history.incident(monitor, NOON - DAY, opened_at=NOON - DAY, resolved_at=NOON - DAY + HOUR)
    await history.incident(monitor, NOON, opened_at=NOON)
    feed = ElementTree.fromstring((await anybody(api, f"{await page_of(api)}/history.atom")).text)
    assert [each.findtext(f"{ATOM}updated") for each in feed.findall(f"{ATOM}entry")] == [
        "2026-02-26T12:00:00Z",
        "2026-02-25T13:00:00Z",
    ]
    assert "It lasted 1 h." in (feed.findall(f"{ATOM}entry")[1].findtext(f"{ATOM}content") or "")


async def test_monitors_of_others_are_never_shown(world: Any, api: Api, history: KeptHistory) -> None:
    monitor = await api.created(name="Moved away")
    tag = (await api.post("/api/tags", {"name": "red"})).body
    await api.post("/api/monitor-tags", {"monitorType": "imap_pop", "monitorId": monitor["id"], "tagId": tag["id"]})
    path = await page_of(api, components=[{"monitorId": monitor["id"]}, {"tagId": tag["id"]}])
    assert len((await summary_of(api, path))["components"]) == 2
    another = await world.customer()
    assert (await api.patch(monitor, {"customerId": another["id"]})).status == 200
    assert (await summary_of(api, path))["components"] == []


async def test_whoever_asks_too_often_is_told_when_to_come_back(world: Any, api: Api, history: KeptHistory) -> None:
    path = await page_of(api)
    few = await world.another_gateway(rate_limit_anonymous=3)
    answers = await asyncio.gather(*(anybody(few, path) for _ in range(4)))
    assert sorted(each.status for each in answers) == [200, 200, 200, 429]
    assert next(each for each in answers if each.status == 429).headers["Retry-After"]


class _Counting:
    """A connection that counts what it is asked."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        self.asked += 1
        return getattr(self._connection, name)


async def test_five_hundred_monitors_are_asked_for_as_one_is(world: Any, api: Api, history: KeptHistory) -> None:
    first = await api.created(name="Mailbox 0")

    async def statements() -> tuple[int, int]:
        async with organization_transaction(world.gateway_pool, 1) as connection:
            counting = _Counting(connection)
            seen = await read_seen(counting, 1, 10, monitor_ids=None, tag_ids=(), with_days=True)
        return counting.asked, len(seen.monitors)

    alone = await statements()
    async with organization_transaction(world.gateway_pool, 1) as connection:
        await connection.execute(
            """INSERT INTO monitors (public_id, organization_id, customer_id, name, hostname, protocol, status,
                   interval_ms, timeout_seconds, config)
               SELECT gen_random_uuid(), 1, 10, 'Mailbox ' || number, hostname, protocol, status, interval_ms,
                   timeout_seconds, config FROM monitors, generate_series(1, 499) AS number WHERE id = $1""",
            first["id"],
        )
    await world.pipeline.execute(
        """INSERT INTO rollups (monitor_id, organization_id, span, starts_at, checks, failures, total_ms_sum, up_ms,
               degraded_ms, down_ms, unknown_ms, maintenance_ms)
           SELECT id, 1, 'day', day * $1::bigint, 1, 0, 1, $1 - 1000, 0, CASE WHEN day % 30 = 0 THEN 1000 ELSE 0 END,
               0, 0
           FROM monitors, generate_series($2::bigint - 89, $2 - 1) AS day""",
        DAY,
        NOON // DAY,
    )
    assert await statements() == (alone[0], 500)
    answer = await anybody(api, await page_of(api))
    assert len(Read(answer.text).attributes("aria-label")) == 500
    assert len(answer.text) < 1_000_000
