"""Incidents: listed, read with everything that happened, acknowledged, annotated, snoozed."""

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from shared.database.pool import NOTIFIER_ROLE, Pool, open_pool
from tests.support.kept_history import KeptHistory, delivery

INCIDENTS = "/api/incidents"
NOON = 1_772_107_200_000  # 2026-02-26T12:00:00Z
MINUTE = 60_000


@pytest_asyncio.fixture
async def history(world: Any) -> KeptHistory:
    await world.location("fra")
    return KeptHistory(world.pipeline)


@pytest_asyncio.fixture
async def notifier(database_dsn: str) -> AsyncIterator[Pool]:
    async with open_pool(database_dsn, role=NOTIFIER_ROLE, application_name="notifier", max_size=1) as pool:
        yield pool


def address(incident: Any, action: str = "") -> str:
    return f"{INCIDENTS}/{incident['public_id']}{action}"


async def test_the_list_has_the_documented_fields_newest_first(
    world: Any, history: KeptHistory, notifier: Pool
) -> None:
    monitor = await world.api.created()
    first = await history.incident(monitor, NOON, opened_at=NOON + 2 * MINUTE, resolved_at=NOON + 9 * MINUTE)
    second = await history.incident(monitor, NOON + 20 * MINUTE, opened_at=NOON + 22 * MINUTE)
    await delivery(notifier, second, sent_at=NOON + 23 * MINUTE)
    await delivery(notifier, second, sent_at=NOON + 33 * MINUTE, event="reminder")
    listed = (await world.api.get(INCIDENTS)).body
    assert [item["id"] for item in listed] == [second["id"], first["id"]]
    expected = {
        "status": "open",
        "severity": "downtime",
        "started_at": "2026-02-26T12:22:00.000Z",
        "outage_started_at": "2026-02-26T12:20:00.000Z",
        "resolved_at": None,
        "last_notified_at": "2026-02-26T12:33:00.000Z",
        "error_message": "The server refused the password.",
        "status_code": None,
        "response_time_ms": None,
        "imapPopMonitorId": monitor["id"],
        "cause": "auth_rejected",
        "server_words": "NO [AUTHENTICATIONFAILED]",
    }
    assert {name: listed[0][name] for name in expected} == expected
    assert listed[0]["imapPopMonitor"] == {
        "id": monitor["id"],
        "publicId": monitor["publicId"],
        "name": "Mailbox Access",
        "hostname": "mail.example.com",
        "status": "active",
    }
    assert (listed[0]["customer"]["id"], listed[0]["customer"]["company"]) == (10, "My mailboxes")
    assert (listed[1]["status"], listed[1]["resolution"]) == ("resolved", "recovered")


async def test_the_list_is_narrowed_and_paged(world: Any, history: KeptHistory) -> None:
    other = await world.customer("Other")
    ours, theirs = await world.api.created(), await world.api.created(customerId=other["id"])
    await history.incident(theirs, NOON, opened_at=NOON)
    for number in range(3):
        await history.incident(ours, NOON + number, opened_at=NOON, resolved_at=NOON + MINUTE)
    page = (await world.api.get(f"{INCIDENTS}?includeTotal=1&limit=2&offset=1")).body
    assert (len(page["incidents"]), page["total"], page["limit"], page["offset"]) == (2, 4, 2, 1)
    assert [item["customer"]["id"] for item in (await world.api.get(f"{INCIDENTS}?status=open")).body] == [other["id"]]
    found = (await world.api.get(f"{INCIDENTS}?customerId={other['publicId']}&includeTotal=true")).body
    assert found["total"] == 1
    for wrong in ("limit=0", "limit=501", "offset=-1", "status=active", "includeTotal=yes", "customerId=x"):
        assert (await world.api.get(f"{INCIDENTS}?{wrong}")).status == 400, wrong
    assert (await world.api.get(f"{INCIDENTS}?organizationId=7")).status == 404


async def test_an_incident_tells_what_happened_in_order(world: Any, history: KeptHistory, notifier: Pool) -> None:
    monitor = await world.api.created()
    await history.result(monitor, NOON - 5 * MINUTE, "auth_rejected")  # before it all
    first = await history.result(monitor, NOON, "auth_rejected")
    proof = await history.result(monitor, NOON + MINUTE, "auth_rejected")
    await history.result(monitor, NOON + 2 * MINUTE, "internal")
    await history.result(monitor, NOON + 3 * MINUTE, "auth_rejected", withheld=True)
    passed = [await history.result(monitor, NOON + minute * MINUTE) for minute in (8, 9)]
    await history.result(monitor, NOON + 20 * MINUTE)
    incident = await history.incident(
        monitor,
        NOON,
        opened_at=NOON + MINUTE + 500,
        recovered_at=NOON + 8 * MINUTE,
        resolved_at=NOON + 9 * MINUTE + 700,
        first=first,
        evidence=(proof, NOON + MINUTE),
    )
    await history.event(incident, "resolved", at=NOON + 9 * MINUTE + 700)
    await delivery(notifier, incident, sent_at=NOON + 2 * MINUTE)
    await delivery(notifier, incident, state="failed", error="the receiver answered 500", event="resolved")
    await delivery(notifier, incident, state="withdrawn")
    body = (await world.api.get(address(incident))).body
    assert (body["incident"]["status"], body["incident"]["startedAt"]) == ("resolved", "2026-02-26T12:01:00.500Z")
    assert (body["incident"]["locationCodes"], body["incident"]["group"]) == (["fra"], None)
    timeline = body["timeline"]
    assert (timeline["outageStartedAt"], timeline["confirmationAt"]) == (
        "2026-02-26T12:00:00.000Z",
        "2026-02-26T12:01:00.500Z",
    )
    assert timeline["outageStartedCheck"]["id"] == str(first)
    assert timeline["outageStartedCheck"]["location"] == {"id": 0, "code": "fra", "name": "FRA"}
    assert [check["id"] for check in timeline["failedChecks"]] == [str(first), str(proof)]
    assert timeline["failedChecksTotal"] == 2
    assert [check["id"] for check in timeline["recoveryChecks"]] == [str(check_id) for check_id in passed]
    assert timeline["recoveryChecksTotal"] == 2
    assert [(event["status"], event["sentAt"], event["errorMessage"]) for event in timeline["alertEvents"]] == [
        ("sent", "2026-02-26T12:02:00.000Z", None),
        ("failed", None, "the receiver answered 500"),
    ]
    assert [event["kind"] for event in timeline["events"]] == ["opened", "resolved"]
    assert body["evidenceCheck"]["id"] == str(proof)
    assert body["evidenceCheck"]["diagnostics"]["serverWords"] == "NO [AUTHENTICATIONFAILED]"
    assert (body["evidenceCheck"]["hasScreenshot"], body["evidenceCheck"]["screenshotUrl"]) == (False, None)


async def test_an_incident_outlives_its_checks_and_its_monitor(world: Any, history: KeptHistory) -> None:
    monitor = await world.api.created()
    incident = await history.incident(monitor, NOON, opened_at=NOON, resolved_at=NOON + MINUTE, resolution="deleted")
    await world.api.call("DELETE", f"/api/imap-pop-monitors/{monitor['publicId']}")
    body = (await world.api.get(address(incident))).body
    assert (body["evidenceCheck"], body["timeline"]["outageStartedCheck"]) == (None, None)
    assert body["incident"]["imapPopMonitor"]["status"] is None
    assert body["incident"]["imapPopMonitor"]["name"] == "Mailbox Access"


async def test_whoever_acknowledges_first_stays_the_one_who_did(world: Any, history: KeptHistory) -> None:
    incident = await history.incident(await world.api.created(), NOON, opened_at=NOON)
    answer = await world.api.post(address(incident, "/acknowledge"))
    assert (answer.status, answer.body["success"]) == (200, True)
    assert answer.body["incident"]["acknowledgedBy"] == "test"
    at = answer.body["incident"]["acknowledgedAt"]
    again = (await (await world.client("user")).post(address(incident, "/acknowledge"))).body["incident"]
    assert (again["acknowledgedAt"], again["acknowledgedBy"]) == (at, "test")
    events = (await world.api.get(address(incident))).body["timeline"]["events"]
    assert [(event["kind"], event["actor"]) for event in events] == [("opened", None), ("acknowledged", "test")]


async def test_a_note_stands_in_the_timeline(world: Any, history: KeptHistory) -> None:
    incident = await history.incident(await world.api.created(), NOON, opened_at=NOON, resolved_at=NOON + MINUTE)
    assert (await world.api.post(address(incident, "/notes"), {"text": "Disk was full."})).status == 200
    (_, note) = (await world.api.get(address(incident))).body["timeline"]["events"]
    assert (note["kind"], note["actor"], note["text"]) == ("note", "test", "Disk was full.")
    for wrong in ({}, {"text": ""}, {"text": " "}, {"text": "x" * 2001}, {"text": 1}, {"text": "x", "by": "me"}):
        assert (await world.api.post(address(incident, "/notes"), wrong)).status == 400, wrong


async def test_a_snooze_ends_by_itself_or_by_hand(world: Any, history: KeptHistory) -> None:
    incident = await history.incident(await world.api.created(), NOON, opened_at=NOON)
    answer = await world.api.post(address(incident, "/snooze"), {"minutes": 30})
    assert answer.body["incident"]["snoozedUntil"] is not None
    answer = await world.api.post(address(incident, "/snooze"), {"minutes": 0})
    assert answer.body["incident"]["snoozedUntil"] is None
    events = (await world.api.get(address(incident))).body["timeline"]["events"]
    assert [event["kind"] for event in events] == ["opened", "snoozed", "snoozed"]
    assert (events[1]["text"].startswith("until "), events[2]["text"]) == (True, "ended")
    for wrong in ({}, {"minutes": -1}, {"minutes": 43_201}, {"minutes": 1.5}, {"minutes": None}):
        assert (await world.api.post(address(incident, "/snooze"), wrong)).status == 400, wrong


async def test_a_resolved_incident_is_neither_acknowledged_nor_snoozed(world: Any, history: KeptHistory) -> None:
    incident = await history.incident(await world.api.created(), NOON, opened_at=NOON, resolved_at=NOON + MINUTE)
    for action, body in (("/acknowledge", None), ("/snooze", {"minutes": 5})):
        answer = await world.api.post(address(incident, action), body)
        assert (answer.status, answer.body["message"]) == (409, "The incident is resolved")


async def test_incidents_are_seen_and_touched_within_ones_scope_only(world: Any, history: KeptHistory) -> None:
    other = await world.customer("Other")
    theirs = await history.incident(await world.api.created(customerId=other["id"]), NOON, opened_at=NOON)
    ours = await history.incident(await world.api.created(), NOON, opened_at=NOON)
    everything = (
        ("GET", "", None),
        ("POST", "/acknowledge", None),
        ("POST", "/notes", {"text": "x"}),
        ("POST", "/snooze", {"minutes": 5}),
    )
    limited = await world.client("user", customer_id=10)
    stranger = await world.client("admin", organization_id=await world.another_organization())
    assert [item["id"] for item in (await limited.get(INCIDENTS)).body] == [ours["id"]]
    assert (await limited.get(f"{INCIDENTS}?customerId={other['id']}")).status == 403
    assert (await stranger.get(INCIDENTS)).body == []
    for method, action, body in everything:
        assert (await limited.call(method, address(theirs, action), body=body)).status == 403, action
        assert (await stranger.call(method, address(theirs, action), body=body)).status == 404, action
        assert (await world.api.by(None).call(method, address(theirs, action), body=body)).status == 401, action
        assert (await world.api.call(method, f"{INCIDENTS}/{ours['id']}{action}", body=body)).status == 400, action
    for role in ("readonly", "supporter"):
        client = await world.client(role)
        assert (await client.get(address(ours))).status == 200
        for method, action, body in everything[1:]:
            assert (await client.call(method, address(ours, action), body=body)).status == 403, (role, action)
    shown = (await world.api.get(address(ours))).body
    assert [event["kind"] for event in shown["timeline"]["events"]] == ["opened"]
    assert (await limited.post(address(ours, "/acknowledge"))).status == 200


async def test_whoever_was_told_of_it_is_seen_to_be_reminded_until_it_is_over(
    world: Any, history: KeptHistory, notifier: Pool
) -> None:
    incident = await history.incident(await world.api.created(), NOON, opened_at=NOON, resolved_at=NOON + 9 * MINUTE)
    told = await delivery(notifier, incident, sent_at=NOON)
    await notifier.execute("UPDATE deliveries SET group_id = 7, told_at = $2 WHERE id = $1", told, NOON)
    for event, address_of, group_id, after in (
        ("reminder", None, 7, 2),
        ("update", None, 7, 3),
        ("reminder", None, 7, 10),  # about others of the same outage
        ("reminder", "somebody@example.com", 7, 4),  # who joined later, and never was told of this one
        ("reminder", None, 8, 4),
    ):
        await notifier.execute(
            """INSERT INTO deliveries (organization_id, address, channel_type, channel_name, event, state, group_id,
                   created_at, due_at, give_up_at, told_at, sent_at)
               VALUES ($1, $2, 'slack', 'Ops Slack', $3, 'sent', $4, 1, 1, 2, $5, $5)""",
            *(incident["organization_id"], address_of, event, group_id, NOON + after * MINUTE),
        )
    timeline = (await world.api.get(address(incident))).body["timeline"]
    assert [event["event"] for event in timeline["alertEvents"]] == ["opened", "reminder", "update"]
