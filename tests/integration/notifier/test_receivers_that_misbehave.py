"""Receivers that are down, slow, refuse, hang, reset, pour or lead elsewhere; channels that rest; and who stands in."""

import asyncio
import json

import pytest

from services.notifier import delivery_store
from shared.database.pool import transaction
from shared.notifications.channel_models import ChannelType
from shared.sealing import generate_key_rings
from tests.support.notifier_desk import CUSTOMER, MINUTE, NotifierDesk
from tests.support.receivers import Mailbox, Receiver, http_receiver


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("500", "it answered 500: no, not with ********"),
        ("hang", "did not answer within"),
        ("reset", "hung up"),
        ("endless", "it answered 500"),
        ("redirect", "a redirect, which is not followed"),
    ],
)
async def test_a_message_is_tried_until_the_receiver_takes_it_with_the_same_key(
    desk: NotifierDesk, receiver: Receiver, behaviour: str, words: str
) -> None:
    desk.try_seconds = 3.0 if behaviour == "hang" else 60.0
    await desk.add_monitors(1, 1)
    channel = await desk.add_channel(ChannelType.WEBHOOK, {"url": receiver.url, "secret": "hunter2"})
    planning, sending = desk.sending()
    receiver.behaviour = behaviour
    await desk.fail(1)
    await desk.run(planning, sending, for_ms=4000, step_ms=2000)
    (pending,) = await desk.deliveries()
    assert pending["state"] == "pending"
    assert words in pending["error"]
    assert "hunter2" not in pending["error"]
    assert await desk.value("SELECT last_error FROM notification_channels WHERE id = $1", channel) == pending["error"]
    assert receiver.requests == []
    receiver.behaviour = "ok"
    await desk.run(planning, sending, for_ms=MINUTE, step_ms=5000)
    (request,) = receiver.requests
    assert request.headers["webhook-id"] == str(pending["public_id"])
    assert int(request.headers["x-webhook-attempt"]) >= 2
    assert request.path == "/hook"
    assert await desk.value("SELECT failures FROM notification_channels WHERE id = $1", channel) == 0


async def test_a_slow_receiver_holds_up_no_other(desk: NotifierDesk, receiver: Receiver) -> None:
    desk.try_seconds = 60.0
    await desk.add_monitors(1, 1)
    async with http_receiver() as hanging:
        hanging.behaviour = "hang"
        await desk.add_channel(ChannelType.WEBHOOK, {"url": hanging.url})
        await desk.add_channel(ChannelType.WEBHOOK, {"url": receiver.url})
        planning, sending = desk.sending()
        await desk.fail(1)
        await desk.set_clock(desk.now + 3000)
        working = asyncio.create_task(desk.run(planning, sending))
        async with asyncio.timeout(60):
            await receiver.got.wait()
        assert hanging.tried == 1
        hanging.released.set()
        await working


async def test_a_receiver_s_wish_to_be_asked_later_is_granted(desk: NotifierDesk, receiver: Receiver) -> None:
    await desk.add_monitors(1, 1)
    await desk.add_channel(ChannelType.WEBHOOK, {"url": receiver.url})
    planning, sending = desk.sending()
    receiver.behaviour, receiver.headers = "429", {"Retry-After": "600"}
    await desk.fail(1)
    await desk.run(planning, sending, for_ms=9 * MINUTE, step_ms=MINUTE)
    assert receiver.tried == 1
    await desk.run(planning, sending, for_ms=3 * MINUTE, step_ms=MINUTE)
    assert receiver.tried == 2


async def test_after_a_day_a_failure_is_final_and_to_be_seen(desk: NotifierDesk, receiver: Receiver) -> None:
    await desk.add_monitors(1, 1)
    await desk.add_channel(ChannelType.WEBHOOK, {"url": receiver.url})
    planning, sending = desk.sending()
    receiver.behaviour = "500"
    await desk.fail(1)
    await desk.run(planning, sending, for_ms=23 * 60 * MINUTE, step_ms=10 * MINUTE)
    assert (await desk.deliveries())[0]["state"] == "pending"
    await desk.run(planning, sending, for_ms=2 * 60 * MINUTE, step_ms=10 * MINUTE)
    first = (await desk.deliveries())[0]
    assert (first["state"], first["error"][:15]) == ("failed", "it answered 500")


async def test_a_channel_that_fails_again_and_again_rests(desk: NotifierDesk, receiver: Receiver) -> None:
    await desk.add_monitors(1, 1)
    channel = await desk.add_channel(ChannelType.WEBHOOK, {"url": receiver.url})
    planning, sending = desk.sending()
    receiver.behaviour = "500"
    await desk.fail(1)
    await desk.run(planning, sending, for_ms=5 * MINUTE, step_ms=2000)
    row = await desk.pool.fetchrow("SELECT failures, resting_until FROM notification_channels WHERE id = $1", channel)
    assert row["failures"] >= 5
    tried = receiver.tried
    assert row["resting_until"] > desk.now
    await desk.as_gateway("UPDATE notification_channels SET resting_until = $1", desk.now + 60 * MINUTE)
    await desk.run(planning, sending, for_ms=30 * MINUTE, step_ms=MINUTE)
    assert receiver.tried == tried
    receiver.behaviour = "ok"
    await desk.run(planning, sending, for_ms=31 * MINUTE, step_ms=MINUTE)
    assert len(receiver.requests) >= 1


async def test_another_channel_stands_in_for_one_that_rests_and_for_what_is_refused_for_good(
    desk: NotifierDesk, receiver: Receiver, box: Mailbox
) -> None:
    await desk.add_monitors(1, 4, host="mx{}.example.com")
    mail = await desk.add_channel(ChannelType.EMAIL, {"email": "ops@example.com"}, name="mail", customer_id=None)
    await desk.add_channel(ChannelType.WEBHOOK, {"url": receiver.url}, customer_id=10, fallback_channel_id=mail)
    planning, sending = desk.sending(box=box)
    receiver.behaviour = "410"
    await desk.fail(1)
    await desk.run(planning, sending, for_ms=3000)
    assert [mail["Subject"] for mail in box.mails] == ["[mailprobe] DOWN: mailbox 1 (mx1.example.com, login)"]
    (failed,) = await desk.deliveries(state="failed")
    assert "told by the channel mail instead" in failed["error"]
    receiver.behaviour = "500"
    await desk.as_gateway("UPDATE notification_channels SET failures = 4 WHERE type = 'webhook'")
    await desk.fail(2)
    await desk.run(planning, sending, for_ms=3000)
    assert len(box.mails) == 2
    tried = receiver.tried
    await desk.fail(3)
    await desk.run(planning, sending, for_ms=3000)
    assert len(box.mails) == 3
    assert receiver.tried == tried, "it rests"


async def test_what_another_channel_is_told_instead_comes_in_order_as_well(
    desk: NotifierDesk, receiver: Receiver
) -> None:
    await desk.add_monitors(1, 1)
    other = await desk.add_channel(ChannelType.WEBHOOK, {"url": receiver.url})
    await desk.add_channel(
        ChannelType.WEBHOOK, {"url": "http://127.0.0.1:9/"}, customer_id=CUSTOMER, fallback_channel_id=other
    )
    await desk.as_gateway(
        "UPDATE notification_channels SET failures = 9, resting_until = $1 WHERE id <> $2",
        desk.now + 60 * MINUTE,
        other,
    )
    planning, sending = desk.sending()
    receiver.behaviour = "500"
    await desk.fail(1)
    await desk.run(planning, sending, for_ms=15_000)
    receiver.behaviour = "ok"
    await desk.recover(1)
    await desk.run(planning, sending, for_ms=3 * MINUTE, step_ms=5000)
    events = [json.loads(request.body)["event"] for request in receiver.requests]
    assert events == ["incident.created", "incident.resolved"]


async def test_a_mail_server_that_refuses_for_good_ends_the_matter_and_one_that_does_not_yet_does_not(
    desk: NotifierDesk, box: Mailbox
) -> None:
    await desk.add_monitors(1, 2, host="mx{}.example.com")
    await desk.add_channel(ChannelType.EMAIL, {"email": "gone@example.com"})
    planning, sending = desk.sending(box=box)
    box.answer = "451 come again"
    await desk.fail(1)
    await desk.run(planning, sending, for_ms=3000)
    assert [(row["state"], "451" in row["error"]) for row in await desk.deliveries()] == [("pending", True)]
    box.answer = "250 taken"
    await desk.run(planning, sending, for_ms=MINUTE, step_ms=5000)
    assert len(box.mails) == 1
    box.refused.add("gone@example.com")
    await desk.fail(2)
    await desk.run(planning, sending, for_ms=3000)
    assert [row["error"] for row in await desk.deliveries(state="failed")] == [
        "the mail server refused every recipient: gone@example.com: 550 no such mailbox"
    ]


async def test_an_address_that_may_not_be_connected_to_is_named_with_the_way_out(desk: NotifierDesk) -> None:
    await desk.add_monitors(1, 1)
    await desk.add_channel(ChannelType.WEBHOOK, {"url": "http://169.254.169.254/latest/meta-data"})
    planning, sending = desk.sending()
    await desk.fail(1)
    await desk.run(planning, sending, for_ms=3000)
    (row,) = await desk.deliveries()
    assert "169.254.169.254 is in 169.254.0.0/16" in row["error"]
    assert "MAILPROBE_ALLOWED_PRIVATE_NETWORKS" in row["error"]


async def test_secrets_of_other_keys_are_said_to_be_entered_again(desk: NotifierDesk, receiver: Receiver) -> None:
    await desk.add_monitors(1, 1)
    await desk.add_channel(ChannelType.WEBHOOK, {"url": receiver.url, "secret": "hunter2"})
    planning, sending = desk.sending(keys=generate_key_rings()[1])
    await desk.fail(1)
    await desk.run(planning, sending, for_ms=3000)
    (row,) = await desk.deliveries()
    assert "enter them again" in row["error"]
    assert receiver.tried == 0


async def test_what_gathered_while_a_receiver_was_down_comes_as_one_digest_in_order(
    desk: NotifierDesk, receiver: Receiver
) -> None:
    await desk.add_monitors(1, 6, host="mx{}.example.com")
    await desk.add_channel(ChannelType.WEBHOOK, {"url": receiver.url})
    planning, sending = desk.sending()
    receiver.behaviour = "500"
    await desk.fail(1)
    await desk.run(planning, sending, for_ms=MINUTE, step_ms=5000)
    await desk.fail(2, 6)
    await desk.recover(1)
    await desk.run(planning, sending, for_ms=MINUTE, step_ms=5000)
    receiver.behaviour = "ok"
    await desk.run(planning, sending, for_ms=30 * MINUTE, step_ms=5000)
    told = [json.loads(request.body) for request in receiver.requests]
    assert [each["event"] for each in told[:2]] == ["incident.created", "digest"]
    assert len(told[1]["incidentIds"]) == 6
    assert "incident.resolved" in [outage["event"] for outage in told[1]["outages"]]


async def test_a_test_is_sent_at_once_and_tried_once(desk: NotifierDesk, receiver: Receiver) -> None:
    channel = await desk.add_channel(ChannelType.WEBHOOK, {"url": receiver.url, "secret": "hunter2"})
    planning, sending = desk.sending()
    ask = """INSERT INTO deliveries (organization_id, channel_id, channel_type, channel_name, event, due_at, give_up_at)
             VALUES (1, $1, 'webhook', 'w', 'test', mailprobe.clock_ms(), mailprobe.clock_ms() + 25000)"""
    await desk.as_gateway(ask, channel)
    await desk.run(planning, sending)
    assert json.loads(receiver.requests[0].body)["event"] == "test"
    receiver.behaviour = "500"
    await desk.as_gateway(ask, channel)
    await desk.run(planning, sending, for_ms=MINUTE, step_ms=5000)
    assert [(row["state"], row["attempts"]) for row in await desk.deliveries()] == [("sent", 1), ("failed", 1)]
    receiver.behaviour = "ok"
    await desk.as_gateway(ask, channel)
    await desk.set_clock(desk.now + MINUTE)  # no notifier was there
    await desk.run(planning, sending)
    assert len(receiver.requests) == 1
    assert "too long ago" in (await desk.deliveries())[-1]["error"]


async def test_a_channel_that_is_not_stored_can_be_tried(desk: NotifierDesk, receiver: Receiver) -> None:
    planning, sending = desk.sending()
    trial = {
        "public_id": "0d9ad5a5-9a32-4a8c-8d6b-6f5b5b1f9c11",
        "type": "webhook",
        "name": "new",
        "config": {"url": receiver.url},
        "sealed_secrets": None,
    }
    await desk.as_gateway(
        """INSERT INTO deliveries (organization_id, trial, channel_type, channel_name, event, due_at, give_up_at)
           VALUES (1, $1, 'webhook', 'new', 'test', mailprobe.clock_ms(), mailprobe.clock_ms() + 25000)""",
        trial,
    )
    await desk.run(planning, sending)
    assert [row["state"] for row in await desk.deliveries()] == ["sent"]
    assert "the channel new" in json.loads(receiver.requests[0].body)["title"]


async def test_after_a_week_only_that_something_was_told_is_left_of_it(desk: NotifierDesk, receiver: Receiver) -> None:
    await desk.add_monitors(1, 1)
    await desk.add_channel(ChannelType.WEBHOOK, {"url": receiver.url})
    planning, sending = desk.sending()
    await desk.fail(1)
    await desk.run(planning, sending, for_ms=3000)
    await desk.recover(1)
    await desk.run(planning, sending, for_ms=3000)
    await desk.set_clock(desk.now + 8 * 86_400_000)
    await desk.run(*desk.sending())
    assert await desk.value("SELECT count(*) FROM outbox") == 0
    told = await desk.deliveries(state="sent")
    assert [row["content"] for row in told] == [None, None]
    assert await desk.value("SELECT count(*) FROM delivery_incidents") == 2


async def test_organizations_take_turns_whatever_one_of_them_has_waiting(desk: NotifierDesk) -> None:
    await desk.pool.execute(
        """INSERT INTO deliveries (organization_id, address, channel_type, channel_name, event, told_at, due_at,
               give_up_at)
           SELECT CASE WHEN n > 100 THEN 2 ELSE 1 END, n || '@example.com', 'email', 'mail', 'opened', $1::bigint,
                  $1::bigint + n, $1::bigint + 1000000
           FROM generate_series(1, 102) AS n""",
        desk.now - 1000,
    )
    async with transaction(desk.pool) as connection:
        first = await delivery_store.lease(connection, most=32, lease_ms=90_000)
        second = await delivery_store.lease(connection, most=1, lease_ms=90_000)
    assert sum(each.organization_id == 2 for each in first) == 2
    assert [each.organization_id for each in second] == [1]
