"""What an outage that several customers share tells each of them: of the others, nothing."""

from typing import Any

import pytest

from shared.database.pool import NOTIFIER_ROLE, open_pool
from tests.support.kept_history import KeptHistory, delivery

INCIDENTS = "/api/incidents"
NOON = 1_772_107_200_000


@pytest.fixture
def history(world: Any) -> KeptHistory:
    return KeptHistory(world.pipeline)


async def test_how_many_others_are_down_is_theirs_to_know(world: Any, history: KeptHistory) -> None:
    other = await world.customer("Other")
    ours = await history.incident(await world.api.created(), NOON, opened_at=NOON)
    theirs = await history.incident(await world.api.created(customerId=other["id"]), NOON, opened_at=NOON)
    number = await world.pipeline.fetchval(
        """INSERT INTO incident_groups (organization_id, host, layer, open_members, opened_at)
           VALUES (1, 'mail.example.com', 'login', 2, 1) RETURNING id"""
    )
    both = [ours["id"], theirs["id"]]
    await world.as_pipeline("UPDATE incidents SET group_id = $1 WHERE id = ANY ($2::bigint[])", number, both)
    item = f"{INCIDENTS}/{ours['public_id']}"
    limited = await world.client("user", customer_id=10)
    assert (await world.api.get(item)).body["incident"]["group"]["openMembers"] == 2
    assert (await limited.get(item)).body["incident"]["group"]["openMembers"] == 1
    assert (await limited.post(f"{item}/acknowledge")).body["incident"]["group"]["openMembers"] == 1


async def test_a_monitor_that_went_to_another_customer_is_shown_as_it_was(world: Any, history: KeptHistory) -> None:
    other = await world.customer("Other")
    monitor = await world.api.created()
    ours = await history.incident(monitor, NOON, opened_at=NOON, resolved_at=NOON + 1)
    assert (await world.api.patch(monitor, {"customerId": other["id"], "name": "Secret project"})).status == 200
    limited = await world.client("user", customer_id=10)
    item = f"{INCIDENTS}/{ours['public_id']}"
    for api, name, status in ((limited, "Mailbox Access", None), (world.api, "Secret project", "active")):
        listed, shown = (await api.get(INCIDENTS)).body[0], (await api.get(item)).body["incident"]
        for each in (listed, shown):
            assert (each["imapPopMonitor"]["name"], each["imapPopMonitor"]["status"]) == (name, status)


async def test_why_a_channel_failed_is_for_those_who_may_see_it(world: Any, history: KeptHistory) -> None:
    monitor = await world.api.created()
    incident = await history.incident(monitor, NOON, opened_at=NOON)
    said = "no connection to hooks.intern.example:443"
    async with open_pool(world.dsn, role=NOTIFIER_ROLE, application_name="notifier", max_size=1) as notifier:
        everybodys, own, theirs = [await delivery(notifier, incident, state="failed", error=said) for _ in range(3)]
        await notifier.execute("UPDATE deliveries SET address = 'me@example.com' WHERE id = $1", own)
        for number, customer_id in ((everybodys, None), (theirs, 10)):
            body = {"name": "Ops", "type": "ntfy", "config": {"topic": "t"}, "customerId": customer_id}
            answer = await world.api.post("/api/notification-channels", body)
            assert answer.status == 201, answer.text
            await notifier.execute("UPDATE deliveries SET channel_id = $1 WHERE id = $2", answer.body["id"], number)
    limited = await world.client("user", customer_id=10)
    histories = f"/api/imap-pop-monitors/{monitor['publicId']}"
    for api, expected in (
        (limited, {everybodys: None, own: said, theirs: said}),
        (world.api, dict.fromkeys((everybodys, own, theirs), said)),
    ):
        for alerts in (
            (await api.get(f"{histories}/alert-history")).body["alerts"],
            (await api.get(f"{histories}/details")).body["alerts"],
            (await api.get(f"{INCIDENTS}/{incident['public_id']}")).body["timeline"]["alertEvents"],
        ):
            assert {alert["id"]: alert["errorMessage"] for alert in alerts} == expected


async def test_a_status_page_shows_no_outage_of_another_customers_time(world: Any, history: KeptHistory) -> None:
    other = await world.customer("Other")
    monitor = await world.api.created()
    now_ms = await world.pipeline.fetchval("SELECT clock_ms()")
    hour = 3_600_000
    await history.incident(monitor, now_ms - 9 * hour, opened_at=now_ms - 9 * hour, resolved_at=now_ms - 8 * hour)
    assert (await world.api.patch(monitor, {"customerId": other["id"]})).status == 200
    theirs = {**monitor, "customerId": other["id"]}
    await history.incident(theirs, now_ms - 2 * hour, opened_at=now_ms - 2 * hour, resolved_at=now_ms - hour)
    body = {"customerId": other["id"], "title": "How it goes", "showsMessages": True}
    slug = (await world.api.post("/api/status-pages", body)).body["slug"]
    feed = (await world.api.by(None).get(f"/status/{slug}/history.atom")).text
    assert feed.count("<entry>") == 1
