"""From an incident in the database to a person who was told, by mail and webhook."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook

from shared.notifications.channel_models import ChannelType
from tests.support.notifier_desk import CUSTOMER, MINUTE, NotifierDesk
from tests.support.receivers import Mailbox, Receiver

SECRET = "whsec_aHVudGVyMmh1bnRlcjJodW50ZXIy"
OLD_SECRET = "whsec_b2xkaHVudGVyMm9sZGh1bnRlcjI="


async def test_an_outage_is_told_once_and_its_end_once_by_mail_and_webhook(
    desk: NotifierDesk, box: Mailbox, receiver: Receiver
) -> None:
    await desk.set_clock(int(datetime.now(UTC).timestamp() * 1000))
    await desk.add_monitors(1, 1)
    await desk.add_channel(ChannelType.EMAIL, {"email": "ops@example.com"})
    await desk.add_channel(ChannelType.WEBHOOK, {"url": receiver.url, "secret": SECRET, "previousSecret": OLD_SECRET})
    planning, sending = desk.sending(box=box)
    await desk.fail(1)
    await desk.run(planning, sending, for_ms=5000)
    assert (len(box.mails), len(receiver.requests)) == (1, 1)
    await desk.set_clock(desk.now + MINUTE)
    await desk.recover(1)
    await desk.run(planning, sending, for_ms=5000)
    assert (len(box.mails), len(receiver.requests)) == (2, 2)
    await desk.run(planning, sending, for_ms=2 * 86_400_000, step_ms=30 * MINUTE)
    assert (len(box.mails), len(receiver.requests)) == (2, 2)

    down, up = box.mails
    assert down["Subject"] == "[mailprobe] DOWN: mailbox 1 (mx3.example.com, login)"
    assert up["Subject"] == "[mailprobe] UP AGAIN: mailbox 1 (mx3.example.com, login)"
    assert (down["Auto-Submitted"], down["References"]) == ("auto-generated", up["References"])
    body = down.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    for words in (
        "NO [AUTHENTICATIONFAILED] go away",
        "Phase: login",
        "Put the right password in.",
        "Since: ",
        "https://mailprobe.example.com/incidents/",
        "someone at mx3.example.com",
    ):
        assert words in text
    assert box.recipients == [["ops@example.com"]] * 2

    alert, recovery = receiver.requests
    assert (alert.headers["x-webhook-event"], recovery.headers["x-webhook-event"]) == ("alert", "recovery")
    for request in receiver.requests:
        own = hmac.new(SECRET.encode(), request.body, hashlib.sha256).hexdigest()
        assert request.headers["x-webhook-signature"] == own
        for secret in (SECRET, OLD_SECRET):
            assert Webhook(secret).verify(request.body, request.headers)
    told = json.loads(alert.body)
    assert told["event"] == "incident.created"
    assert told["incident"]["server_words"] == "NO [AUTHENTICATIONFAILED] go away"
    assert told["incident"]["phase"] == "auth"
    assert json.loads(recovery.body)["incident"]["status"] == "resolved"
    assert {row["state"] for row in await desk.deliveries()} <= {"sent", "withdrawn"}


async def test_a_customer_with_channels_of_its_own_is_not_told_by_the_organization_s(
    desk: NotifierDesk, receiver: Receiver
) -> None:
    await desk.add_monitors(1, 1)
    default = await desk.add_channel(ChannelType.WEBHOOK, {"url": receiver.url + "/default"})
    own = await desk.add_channel(ChannelType.WEBHOOK, {"url": receiver.url + "/own"}, customer_id=CUSTOMER)
    planning, sending = desk.sending()
    await desk.fail(1)
    await desk.run(planning, sending, for_ms=3000)
    assert [request.path for request in receiver.requests] == ["/hook/own"]
    await desk.as_gateway("UPDATE notification_channels SET is_active = false WHERE id = $1", own)
    await desk.recover(1)
    await desk.fail(1)
    await desk.run(planning, sending, for_ms=3000)
    assert [request.path for request in receiver.requests] == ["/hook/own", "/hook/default"]
    assert {row["channel_id"] for row in await desk.deliveries(state="sent")} == {own, default}


async def test_a_monitor_s_own_address_is_told_unless_a_channel_does_or_the_package_says_no(
    desk: NotifierDesk, box: Mailbox
) -> None:
    await desk.add_monitors(1, 1, notification_email="anna@example.com")
    planning, sending = desk.sending(box=box)
    await desk.fail(1)
    await desk.run(planning, sending, for_ms=3000)
    assert box.recipients == [["anna@example.com"]]
    await desk.recover(1)
    await desk.add_channel(ChannelType.EMAIL, {"email": "Anna@example.com"})
    await desk.fail(1)
    await desk.run(planning, sending, for_ms=5000)
    assert len(box.mails) == 3
    await desk.as_gateway("UPDATE package_configs SET enable_email_alerts = false")
    await desk.as_gateway("UPDATE notification_channels SET is_active = false")
    await desk.recover(1)
    await desk.fail(1)
    await desk.run(planning, sending, for_ms=5000)
    assert len(box.mails) == 3


@pytest.mark.parametrize(
    "columns", [{"delay_seconds": 300}, {"conditions": {"minIncidentDuration": 300}}], ids=["delay", "duration"]
)
async def test_an_outage_over_before_the_channel_wants_to_hear_of_it_is_never_told(
    desk: NotifierDesk, receiver: Receiver, columns: dict[str, Any]
) -> None:
    await desk.add_monitors(1, 1)
    await desk.add_channel(ChannelType.WEBHOOK, {"url": receiver.url}, **columns)
    planning, sending = desk.sending()
    await desk.fail(1)
    await desk.run(planning, sending, for_ms=4 * MINUTE, step_ms=MINUTE)
    await desk.recover(1)
    await desk.run(planning, sending, for_ms=10 * MINUTE, step_ms=MINUTE)
    assert receiver.requests == []
    await desk.fail(1)
    await desk.run(planning, sending, for_ms=6 * MINUTE, step_ms=MINUTE)
    assert len(receiver.requests) == 1


async def test_reminders_stop_when_somebody_has_taken_note(desk: NotifierDesk, receiver: Receiver) -> None:
    await desk.add_monitors(1, 1)
    await desk.add_channel(ChannelType.WEBHOOK, {"url": receiver.url})
    planning, sending = desk.sending()
    await desk.fail(1)
    await desk.run(planning, sending, for_ms=75 * MINUTE, step_ms=MINUTE)
    events = [json.loads(request.body)["event"] for request in receiver.requests]
    assert events == ["incident.created", "incident.reminder", "incident.reminder"]
    await desk.as_gateway("UPDATE incidents SET snoozed_until = $1", desk.now + 600 * MINUTE)
    await desk.run(planning, sending, for_ms=590 * MINUTE, step_ms=10 * MINUTE)
    assert len(receiver.requests) == 3
    await desk.run(planning, sending, for_ms=30 * MINUTE, step_ms=10 * MINUTE)
    assert len(receiver.requests) == 4
    await desk.as_gateway("UPDATE incidents SET acknowledged_at = $1", desk.now)
    await desk.run(planning, sending, for_ms=3000 * MINUTE, step_ms=60 * MINUTE)
    assert len(receiver.requests) == 4
    await desk.recover(1)
    await desk.run(planning, sending, for_ms=MINUTE)
    assert json.loads(receiver.requests[-1].body)["event"] == "incident.resolved"


async def test_maintenance_keeps_openings_and_reminders_back_and_lets_recoveries_through(
    desk: NotifierDesk, receiver: Receiver
) -> None:
    await desk.add_monitors(1, 2, host="mx{}.example.com")
    await desk.add_channel(ChannelType.WEBHOOK, {"url": receiver.url}, delay_seconds=60)
    planning, sending = desk.sending()
    await desk.fail(1)
    await desk.run(planning, sending, for_ms=2 * MINUTE, step_ms=MINUTE)
    assert len(receiver.requests) == 1
    await desk.fail(2)
    await desk.as_gateway("UPDATE monitors SET status = 'maintenance'")
    await desk.run(planning, sending, for_ms=60 * MINUTE, step_ms=MINUTE)
    assert len(receiver.requests) == 1
    await desk.recover(1)
    await desk.run(planning, sending, for_ms=MINUTE)
    assert [json.loads(request.body)["event"] for request in receiver.requests] == [
        "incident.created",
        "incident.resolved",
    ]
    await desk.as_gateway("UPDATE monitors SET status = 'active'")
    await desk.run(planning, sending, for_ms=10 * MINUTE, step_ms=MINUTE)
    assert json.loads(receiver.requests[-1].body)["monitor"]["name"] == "mailbox 2"


async def test_what_a_window_kept_back_is_told_soon_after_the_window_is_ended_early(
    desk: NotifierDesk, receiver: Receiver
) -> None:
    await desk.add_monitors(1, 1)
    await desk.add_channel(ChannelType.WEBHOOK, {"url": receiver.url}, delay_seconds=60)
    planning, sending = desk.sending()
    await desk.fail(1)
    await desk.as_gateway(
        """WITH w AS (INSERT INTO maintenance_windows (organization_id, customer_id, name, starts_at, ends_at,
                          whole_customer)
                      VALUES (1, $3, 'night', to_timestamp(0), to_timestamp(1), true) RETURNING id)
           INSERT INTO maintenance_occurrences (window_id, organization_id, starts_at, ends_at)
           SELECT id, 1, $1, $2 FROM w""",
        desk.now,
        desk.now + 480 * MINUTE,
        CUSTOMER,
    )
    await desk.run(planning, sending, for_ms=10 * MINUTE, step_ms=MINUTE)
    assert receiver.requests == []
    await desk.as_gateway("UPDATE maintenance_occurrences SET ends_at = $1", desk.now)
    await desk.run(planning, sending, for_ms=6 * MINUTE, step_ms=MINUTE)
    assert [json.loads(request.body)["event"] for request in receiver.requests] == ["incident.created"]


async def test_certificates_and_flapping_are_told_in_messages_of_their_own(
    desk: NotifierDesk, receiver: Receiver
) -> None:
    await desk.add_monitors(1, 1)
    await desk.add_channel(ChannelType.WEBHOOK, {"url": receiver.url})
    planning, sending = desk.sending()
    facts = {"host": "mx3.example.com", "port": 993, "fingerprint": "ab", "days_left": 6, "days": 7}
    await desk.tell("certificate", facts={**facts, "customer_ids": [CUSTOMER, CUSTOMER]})
    await desk.run(planning, sending, for_ms=3000)
    (told,) = [json.loads(request.body) for request in receiver.requests]
    assert (told["event"], told["title"]) == (
        "certificate.expiring",
        "CERTIFICATE: mx3.example.com:993 expires in 6 days",
    )
    await desk.fail(1)
    await desk.tell("flapping", monitor_id=1)
    await desk.tell("settled", monitor_id=1)
    await desk.run(planning, sending, for_ms=90_000)
    assert {json.loads(request.body)["event"] for request in receiver.requests[1:]} == {"digest"}
    parts = json.loads(receiver.requests[-1].body)["outages"]
    assert [part["event"] for part in parts] == ["incident.created", "incident.flapping", "incident.settled"]


async def test_a_certificate_is_told_once_to_each_address_that_monitors_behind_it_have(
    desk: NotifierDesk, box: Mailbox
) -> None:
    await desk.add_monitors(1, 2, notification_email="anna@example.com")
    await desk.add_monitors(3, 3, notification_email="bert@example.com")
    await desk.add_monitors(4, 4, notification_email="not-behind-it@example.com")
    await desk.add_channel(ChannelType.EMAIL, {"email": "ops@example.com"})
    planning, sending = desk.sending(box=box)
    facts = {"host": "mx3.example.com", "port": 993, "fingerprint": "ab", "days_left": 6, "days": 7}
    addressed = [[CUSTOMER, monitor] for monitor in (1, 2, 3)]
    await desk.tell("certificate", facts={**facts, "customer_ids": [CUSTOMER], "addressed": addressed})
    await desk.run(planning, sending, for_ms=3000)
    assert sorted(box.recipients) == [["anna@example.com"], ["bert@example.com"], ["ops@example.com"]]
    assert len({mail["Subject"] for mail in box.mails}) == 1
    await desk.as_gateway("UPDATE package_configs SET enable_email_alerts = false")
    await desk.tell("certificate", facts={**facts, "customer_ids": [CUSTOMER], "addressed": addressed})
    await desk.run(planning, sending, for_ms=3000)
    assert box.recipients[3:] == [["ops@example.com"]]


async def test_a_message_there_are_no_words_for_holds_up_no_other_and_is_seen_to_have_failed(
    desk: NotifierDesk, receiver: Receiver
) -> None:
    await desk.add_monitors(1, 1)
    await desk.add_channel(ChannelType.WEBHOOK, {"url": receiver.url})
    planning, sending = desk.sending()
    await desk.tell("certificate", facts={"of": "a version to come", "customer_ids": [CUSTOMER]})
    await desk.fail(1)
    await desk.run(planning, sending, for_ms=5000)
    assert [json.loads(request.body)["event"] for request in receiver.requests] == ["incident.created"]
    (failed,) = await desk.deliveries(state="failed")
    assert failed["error"] == "the notifier could not put it into words (ValidationError)"


async def test_an_outage_that_ended_quietly_is_told_as_over_but_not_while_it_is_down_again(
    desk: NotifierDesk, receiver: Receiver
) -> None:
    await desk.add_monitors(1, 1)
    await desk.add_channel(ChannelType.WEBHOOK, {"url": receiver.url})
    planning, sending = desk.sending()
    await desk.fail(1)
    await desk.run(planning, sending, for_ms=MINUTE)
    await desk.recover(1, quiet=True)
    await desk.fail(1, quiet=True)
    await desk.run(planning, sending, for_ms=60 * MINUTE, step_ms=MINUTE)
    assert len(receiver.requests) == 1
    await desk.recover(1, quiet=True)
    await desk.run(planning, sending, for_ms=10 * MINUTE, step_ms=MINUTE)
    events = [json.loads(request.body)["event"] for request in receiver.requests]
    assert events == ["incident.created", "incident.resolved"]


async def test_a_mailbox_that_joined_is_told_although_the_one_before_it_recovered(
    desk: NotifierDesk, receiver: Receiver
) -> None:
    await desk.add_monitors(1, 2)
    await desk.add_channel(ChannelType.WEBHOOK, {"url": receiver.url})
    planning, sending = desk.sending()
    await desk.fail(1)
    await desk.run(planning, sending, for_ms=8 * MINUTE, step_ms=MINUTE)
    await desk.fail(2)
    await desk.run(planning, sending, for_ms=MINUTE)
    await desk.recover(1)
    await desk.run(planning, sending, for_ms=3 * MINUTE, step_ms=MINUTE)
    await desk.recover(2)
    await desk.run(planning, sending, for_ms=MINUTE)
    told = [json.loads(request.body) for request in receiver.requests]
    assert [each["event"] for each in told] == ["incident.created", "incident.reminder", "incident.resolved"]
    assert told[1]["monitor"]["name"] == "mailbox 2"
    assert len(told[2]["incidentIds"]) == 2


async def test_four_thousand_mailboxes_of_one_host_are_few_messages(desk: NotifierDesk, receiver: Receiver) -> None:
    await desk.add_monitors(1, 4000)
    await desk.add_channel(ChannelType.WEBHOOK, {"url": receiver.url})
    planning, sending = desk.sending()
    for minute in range(30):
        first = minute * 133 + 1
        await desk.fail(first, first + 132 if minute < 29 else 4000)
        await desk.run(planning, sending, for_ms=MINUTE, step_ms=10_000)
    await desk.recover(1, 4000)
    await desk.run(planning, sending, for_ms=5 * MINUTE, step_ms=10_000)
    events = [json.loads(request.body)["event"] for request in receiver.requests]
    assert len(events) <= 4
    assert (events[0], events[-1]) == ("incident.created", "incident.resolved")
    assert len(json.loads(receiver.requests[-1].body)["incidentIds"]) == 4000
    untold = await desk.value(
        """SELECT count(*) FROM incidents i CROSS JOIN (VALUES ('opened'), ('resolved')) AS t(transition)
           WHERE NOT EXISTS (SELECT FROM delivery_incidents di JOIN deliveries d ON d.id = di.delivery_id
                             WHERE di.incident_id = i.id AND di.transition = t.transition AND d.state = 'sent')"""
    )
    assert untold == 0


async def test_five_thousand_outages_in_ten_seconds_are_a_grouped_message_a_minute(
    desk: NotifierDesk, box: Mailbox, receiver: Receiver
) -> None:
    await desk.add_monitors(1, 5000, host="mx{}.example.com")
    await desk.add_channel(ChannelType.WEBHOOK, {"url": receiver.url})
    await desk.add_channel(ChannelType.EMAIL, {"email": "ops@example.com"})
    planning, sending = desk.sending(box=box)
    for second in range(10):
        await desk.fail(second * 500 + 1, second * 500 + 500)
        await desk.run(planning, sending)
        await desk.set_clock(desk.now + 1000)
    await desk.run(planning, sending, for_ms=2 * MINUTE, step_ms=5000)
    told = [json.loads(request.body) for request in receiver.requests]
    assert [each["event"] for each in told] == ["digest", "digest"]
    at = [datetime.fromisoformat(each["timestamp"]) for each in told]
    assert (at[1] - at[0]).total_seconds() >= 60
    assert len({known for each in told for known in each["incidentIds"]}) == 5000
    assert len(box.mails) == 2
    assert await desk.value("SELECT count(*) FROM deliveries WHERE event = 'opened' AND state = 'sent'") == 10_000
