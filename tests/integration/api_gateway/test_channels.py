"""Notification channels: described, shown without their secrets, tried out; and whether anybody would be told."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from services.api_gateway.channels import trying
from shared.database.pool import NOTIFIER_ROLE, open_pool
from shared.notifications.channel_types import ChannelType, open_secrets
from tests.support.stored import everything_stored

CHANNELS = "/api/notification-channels"
COVERAGE = "/api/notification-coverage"
MARKER = "M4rker-secret"
EMAIL = {"type": "email", "name": "Ops", "config": {"email": "ops@example.org", "to": "Ops Team"}}
HOOK = {
    "type": "webhook",
    "name": "Hook",
    "config": {"url": "https://93.184.215.14/hook", "secret": MARKER, "headers": {"X-Key": MARKER}},
}


async def made(api: Any, body: Any, **more: Any) -> Any:
    answer = await api.post(CHANNELS, {**body, **more})
    assert answer.status == 201, answer.text
    return answer.body


async def patched(api: Any, channel: Any, body: Any) -> Any:
    return await api.call("PATCH", f"{CHANNELS}/{channel['id']}", body=body)


async def opened(world: Any, channel: Any) -> dict[str, Any]:
    """The stored secrets, as the notifier opens them."""
    async with notifier(world) as pool:
        row = await pool.fetchrow("SELECT * FROM notification_channels WHERE id = $1", channel["id"])
    return open_secrets(
        world.private_keys,
        row["sealed_secrets"],
        organization_id=1,
        channel_public_id=row["public_id"],
        channel_type=ChannelType(row["type"]),
        config=row["config"],
    )


@contextlib.asynccontextmanager
async def notifier(world: Any) -> AsyncIterator[Any]:
    async with open_pool(world.dsn, role=NOTIFIER_ROLE, application_name="notifier", max_size=2) as pool:
        yield pool


@contextlib.asynccontextmanager
async def sending(world: Any, statement: str) -> AsyncIterator[list[Any]]:
    """Somebody who ends every test that is asked for, by this change of its row."""
    seen: list[Any] = []

    async def work(pool: Any) -> None:
        while True:
            rows = await pool.fetch(
                f"UPDATE deliveries SET {statement} WHERE event = 'test' AND state = 'pending' AND attempts = 0"
                " RETURNING *"
            )
            seen.extend(rows)
            await asyncio.sleep(0.05)

    async with notifier(world) as pool:
        working = asyncio.create_task(work(pool))
        yield seen
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working


async def test_a_channel_is_described_shown_and_removed(api: Any) -> None:
    answer = await api.post(CHANNELS, EMAIL)
    channel = answer.body
    assert answer.headers["Location"] == f"{CHANNELS}/{channel['publicId']}"
    assert channel["config"] == {**EMAIL["config"], "recipients": []}
    assert (channel["category"], channel["hasSecret"], channel["customerId"]) == ("direct", False, None)
    assert (channel["priority"], channel["delaySeconds"], channel["conditions"]) == (1, 0, None)
    assert channel["health"] == {"lastSentAt": None, "failures": 0, "lastError": None, "restingUntil": None}
    item = {key: value for key, value in channel.items() if key != "nobodyWouldBeTold"}
    assert (await api.get(CHANNELS)).body == [item]
    for name in (channel["id"], channel["publicId"]):
        assert (await api.get(f"{CHANNELS}/{name}")).body == item
    assert (await api.call("DELETE", f"{CHANNELS}/{channel['id']}")).body["success"] is True
    for method in ("GET", "PATCH", "DELETE"):
        gone = await api.call(method, f"{CHANNELS}/{channel['id']}", body={} if method == "PATCH" else None)
        assert (gone.status, gone.body["message"]) == (404, "Notification channel not found")
    assert (await api.get(f"{CHANNELS}/ops")).body["message"] == "Invalid notification channel ID"


async def test_secrets_are_sealed_and_never_answered(world: Any) -> None:
    channel = await made(world.api, HOOK)
    assert channel["config"] == {
        "url": HOOK["config"]["url"],
        "method": "POST",
        "secret": None,
        "headers": None,
        "hasSecret": True,
    }
    assert await opened(world, channel) == {"secret": MARKER, "headers": {"X-Key": MARKER}}
    await patched(world.api, channel, {**channel, "name": "Other"})
    await world.api.get(CHANNELS)
    wrong = await world.api.post(CHANNELS, {**HOOK, "config": {**HOOK["config"], "secret": MARKER * 100}})
    assert (wrong.status, wrong.pointers) == (400, ["/config/secret"])
    assert all(MARKER not in answer.text for answer in world.api.answers)
    assert MARKER not in await everything_stored(world.dsn)


async def test_what_is_not_sent_stays_and_secrets_go_nowhere_else(world: Any) -> None:
    api, channel = world.api, await made(world.api, HOOK, priority=3, conditions={"minIncidentDuration": 300})
    again = (await patched(api, channel, channel)).body
    assert {**again, "updatedAt": None} == {**channel, "updatedAt": None}
    assert (await patched(api, channel, {"config": {**channel["config"], "secret": "new"}})).status == 200
    assert await opened(world, channel) == {"secret": "new", "headers": {"X-Key": MARKER}}
    elsewhere = {"url": "https://198.51.100.7/hook"}
    moved = await patched(api, channel, {"config": elsewhere})
    assert (moved.status, sorted(moved.pointers)) == (400, ["/config/headers", "/config/secret"])
    resent = {**elsewhere, "secret": "newer", "headers": {}}
    assert (await patched(api, channel, {"config": resent})).status == 200
    assert await opened(world, channel) == {"secret": "newer"}
    cleared = (await patched(api, channel, {"config": {**elsewhere, "secret": ""}, "conditions": None})).body
    assert (cleared["hasSecret"], cleared["conditions"], cleared["priority"]) == (False, None, 3)
    assert await opened(world, channel) == {}
    slack = await patched(api, channel, {"type": "slack"})
    assert (slack.status, "/config/secret" in slack.pointers) == (400, True)


async def test_what_failed_with_another_description_is_forgotten(world: Any) -> None:
    channel = await made(world.api, EMAIL)
    failed = "UPDATE notification_channels SET failures = 7, last_error = 'refused', resting_until = 5000"
    async with notifier(world) as pool:
        await pool.execute(failed)
        renamed = (await patched(world.api, channel, {"name": "Other"})).body
        assert renamed["health"]["failures"] == 7
        assert renamed["health"]["restingUntil"] == "1970-01-01T00:00:05.000Z"
        changed = (await patched(world.api, channel, {"config": {"email": "x@example.org"}})).body
        assert changed["health"] == {"lastSentAt": None, "failures": 0, "lastError": None, "restingUntil": None}
        await pool.execute(failed)
        assert (await patched(world.api, channel, {"isActive": False})).body["health"]["failures"] == 7
        assert (await patched(world.api, channel, {"isActive": True})).body["health"]["failures"] == 0


async def test_mail_that_goes_to_a_watched_host_is_warned_of(world: Any) -> None:
    other = await world.customer()
    await world.api.created(hostname="mx3.Example.org", customerId=other["id"])
    channel = await made(world.api, EMAIL)
    assert [warning["code"] for warning in channel["warnings"]] == ["watched_mail_host"]
    assert "mx3.example.org" in channel["warnings"][0]["text"]
    assert (await world.api.get(CHANNELS)).body[0]["warnings"] == channel["warnings"]
    assert (await made(world.api, EMAIL, customerId=10))["warnings"] == []
    assert (await made(world.api, {**EMAIL, "config": {"email": "me@notexample.org"}}))["warnings"] == []


async def test_a_receiver_that_may_not_be_connected_to_is_warned_of(api: Any) -> None:
    config = {"url": "http://127.0.0.1/", "secret": "x", "headers": {"X-Key": "y"}}
    channel = await made(api, {**HOOK, "config": config})
    assert [warning["code"] for warning in channel["warnings"]] == ["blocked_target", "plaintext_secret"]
    assert channel["warnings"][0]["text"].endswith(
        "to MAILPROBE_ALLOWED_PRIVATE_NETWORKS on this mailprobe's notifier."
    )
    # This one signs, and is not sent.
    signed = await made(api, {**HOOK, "config": {"url": "http://127.0.0.1/", "secret": "x"}})
    assert [warning["code"] for warning in signed["warnings"]] == ["blocked_target"]


async def test_whether_anybody_would_be_told_is_said(world: Any) -> None:
    api = world.api
    assert (await api.get(COVERAGE)).body == {"nobodyWouldBeTold": False, "customers": []}
    other = await world.customer()
    await api.created()
    await api.created(customerId=other["id"])
    missing = (await api.get(COVERAGE)).body
    assert missing["nobodyWouldBeTold"]
    assert [(each["customerId"], each["monitors"]) for each in missing["customers"]] == [(10, 1), (other["id"], 1)]
    only = await made(api, EMAIL, customerId=10)
    assert only["nobodyWouldBeTold"]
    assert [each["customerId"] for each in (await api.get(COVERAGE)).body["customers"]] == [other["id"]]
    default = await made(api, EMAIL)
    assert not default["nobodyWouldBeTold"]
    assert (await patched(api, default, {"isActive": False})).body["nobodyWouldBeTold"]
    of_customer = await world.client("admin", customer_id=10)
    assert not (await of_customer.get(COVERAGE)).body["nobodyWouldBeTold"]
    assert (await of_customer.call("DELETE", f"{CHANNELS}/{only['id']}")).body["nobodyWouldBeTold"]


async def test_a_fallback_is_another_channel_that_may_be_seen(world: Any) -> None:
    api, other = world.api, await world.customer()
    default, own, theirs = (
        await made(api, EMAIL),
        await made(api, EMAIL, customerId=10),
        await made(api, EMAIL, customerId=other["id"]),
    )
    assert (await patched(api, own, {"fallbackChannelId": default["publicId"]})).body["fallbackChannelId"] == default[
        "id"
    ]
    of_customer = await world.client("admin", customer_id=10)
    unseen = await made(api, EMAIL)
    for client, wrong in ((api, own["id"]), (api, theirs["id"]), (api, 999_999), (of_customer, unseen["id"])):
        answer = await patched(client, own, {"fallbackChannelId": wrong})
        assert (answer.status, answer.pointers) == (400, ["/fallbackChannelId"]), wrong
    shown = (await of_customer.get(f"{CHANNELS}/{own['id']}")).body
    assert (await patched(of_customer, own, shown)).body["fallbackChannelId"] == default["id"]
    assert (await patched(api, default, {"fallbackChannelId": own["id"]})).status == 400
    await api.call("DELETE", f"{CHANNELS}/{default['id']}")
    assert (await api.get(f"{CHANNELS}/{own['id']}")).body["fallbackChannelId"] is None


async def test_a_stored_channel_is_tried(world: Any) -> None:
    channel = await made(world.api, HOOK)
    async with sending(world, "state = 'sent', sent_at = clock_ms(), attempts = 1") as seen:
        answer = await world.api.post(f"{CHANNELS}/test", {"channelId": channel["publicId"]})
    assert (answer.status, answer.body["success"], answer.body["mode"], answer.body["error"]) == (
        200,
        True,
        "send",
        None,
    )
    assert answer.body["durationMs"] >= 0
    (row,) = seen
    assert (row["channel_id"], row["trial"], row["organization_id"]) == (channel["id"], None, 1)
    assert 20_000 < row["give_up_at"] - row["created_at"] < 30_000


async def test_a_channel_that_is_not_stored_is_tried_with_its_secrets_sealed(world: Any) -> None:
    async with sending(world, "attempts = 1, error = 'the receiver answered 500'") as seen:
        answer = await world.api.post(f"{CHANNELS}/test", {**HOOK, "priority": 5})
    # The first failure is told, whatever else is tried.
    assert (answer.status, answer.body["success"]) == (200, False)
    assert answer.body["error"] == "the receiver answered 500"
    (row,) = seen
    trial = row["trial"]
    assert (trial["type"], trial["name"], trial["config"]["url"]) == ("webhook", "Hook", HOOK["config"]["url"])
    assert MARKER not in json.dumps(trial)
    secrets = open_secrets(
        world.private_keys,
        trial["sealed_secrets"],
        organization_id=1,
        channel_public_id=UUID(trial["public_id"]),
        channel_type=ChannelType.WEBHOOK,
        config=trial["config"],
    )
    assert secrets["secret"] == MARKER
    assert (await world.api.get(CHANNELS)).body == []


async def test_a_dry_run_sends_nothing(world: Any) -> None:
    async with sending(world, "state = 'sent', sent_at = clock_ms(), attempts = 1") as seen:
        answer = await world.api.post(f"{CHANNELS}/test", {**HOOK, "dryRun": True})
    assert (answer.body["success"], answer.body["mode"], seen) == (True, "dryRun", [])


async def test_without_a_notifier_it_is_said(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trying, "PATIENCE_SECONDS", 1.0)
    answer = await world.api.post(f"{CHANNELS}/test", EMAIL)
    assert (answer.status, answer.body["message"]) == (504, "No notifier answered in time")


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/type"]),
        ({"type": "slack"}, ["/config/secret"]),
        ({"channelId": 1, "type": "email"}, ["/type"]),
        ({"channelId": 1, "config": {}}, ["/config"]),
        ({"channelId": "x", "dryRun": "no", "moon": 1}, ["/channelId", "/dryRun", "/moon"]),
    ],
)
async def test_what_cannot_be_tried_is_named(api: Any, body: Any, pointers: list[str]) -> None:
    answer = await api.post(f"{CHANNELS}/test", body)
    assert (answer.status, sorted(answer.pointers)) == (400, pointers)


async def test_roles_and_scope(world: Any) -> None:
    other = await world.customer()
    default, own, theirs = (
        await made(world.api, EMAIL),
        await made(world.api, EMAIL, customerId=10),
        await made(world.api, EMAIL, customerId=other["id"]),
    )
    for role in ("readonly", "supporter"):
        client = await world.client(role)
        assert len((await client.get(CHANNELS)).body) == 3
        assert (await client.post(CHANNELS, EMAIL)).status == 403
        assert (await client.post(f"{CHANNELS}/test", EMAIL)).status == 403
        assert (await patched(client, own, {"name": "x"})).status == 403
        assert (await client.call("DELETE", f"{CHANNELS}/{own['id']}")).status == 403
    of_customer = await world.client("admin", customer_id=10)
    assert [each["id"] for each in (await of_customer.get(CHANNELS)).body] == [own["id"]]
    assert (await of_customer.post(CHANNELS, EMAIL)).status == 403
    assert (await of_customer.post(CHANNELS, {**EMAIL, "customerId": other["id"]})).status == 403
    assert (await of_customer.post(CHANNELS, {**EMAIL, "customerId": 10})).status == 201
    for channel in (default, theirs):
        assert (await of_customer.get(f"{CHANNELS}/{channel['id']}")).status == 403
        assert (await patched(of_customer, channel, {"name": "x"})).status == 403
        assert (await of_customer.call("DELETE", f"{CHANNELS}/{channel['id']}")).status == 403
        assert (await of_customer.post(f"{CHANNELS}/test", {"channelId": channel["id"]})).status == 403
    assert (await of_customer.get(f"{CHANNELS}?customerId={other['id']}")).status == 403
    moved = await patched(world.api, own, {"customerId": other["id"]})
    assert (moved.status, moved.pointers) == (400, ["/customerId"])
    assert (await patched(world.api, own, {"customerId": 10})).status == 200
    assert (await world.api.by(None).get(CHANNELS)).status == 401


async def test_another_organizations_channels_do_not_exist(world: Any) -> None:
    others = await world.client("admin", organization_id=await world.another_organization())
    channel = await made(world.api, HOOK)
    await world.api.created()
    assert (await others.get(CHANNELS)).body == []
    for name in (channel["id"], channel["publicId"]):
        assert (await others.get(f"{CHANNELS}/{name}")).status == 404
        assert (await others.call("PATCH", f"{CHANNELS}/{name}", body={"name": "x"})).status == 404
        assert (await others.call("DELETE", f"{CHANNELS}/{name}")).status == 404
        assert (await others.post(f"{CHANNELS}/test", {"channelId": name})).status in (400, 404)
    assert (await others.post(CHANNELS, {**EMAIL, "customerId": 10})).status == 404
    assert (await others.post(CHANNELS, {**EMAIL, "fallbackChannelId": channel["id"]})).status == 400
    assert (await others.get(COVERAGE)).body["nobodyWouldBeTold"] is False
    assert (await world.api.get(f"{CHANNELS}?organizationId=999")).status == 404
