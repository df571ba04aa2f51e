"""The command about what concerns people: incidents, maintenance, channels."""

import json
import time
from typing import Any

from services.api_gateway.channels import trying
from shared.database.pool import NOTIFIER_ROLE, open_pool
from shared.notifications.channel_types import ChannelType, open_secrets
from tests.support.recorder_desk import RecorderDesk

Command = Any
MARKER = "marker-9e0b-secret"


async def open_incident(desk: RecorderDesk, *, name: str = "a mailbox") -> str:
    row = await desk.row(
        """INSERT INTO incidents (organization_id, customer_id, monitor_id, monitor_public_id, monitor_name, protocol,
               host, started_at, opened_at, kind, phase, message, server_words, first_check_id, first_slot_at,
               evidence_check_id, evidence_slot_at)
           VALUES (1, 10, 1, gen_random_uuid(), $1, 'imap', 'mail.example.com', clock_ms() - 120000, clock_ms(),
               'auth_rejected', 'auth', 'The server refused the password.', 'NO sorry', gen_random_uuid(),
               clock_ms() - 120000, gen_random_uuid(), clock_ms()) RETURNING public_id""",
        name,
    )
    return str(row["public_id"])


async def test_incidents_are_listed_shown_and_acknowledged(mailprobe: Command, desk: RecorderDesk) -> None:
    assert "No incident is open." in (await mailprobe("incidents", "list")).output
    await desk.add_monitor()
    public_id = await open_incident(desk)
    listed = await mailprobe("incidents", "list")
    assert listed.exit_code == 0, listed.output
    assert public_id in listed.output
    assert "The server refused the password." in listed.output
    assert json.loads((await mailprobe("incidents", "list", "--json")).stdout)[0]["public_id"] == public_id

    status = await mailprobe("status")
    assert "1 incident is open; see `mailprobe incidents list`." in status.output
    assert "Nobody would be told of outages of My mailboxes (1 monitors)" in status.output

    done = await mailprobe("incidents", "ack", public_id, "--note", "on my way")
    assert (done.exit_code, f"{public_id}: acknowledged by test." in done.output) == (0, True), done.output
    shown = await mailprobe("incidents", "show", public_id)
    assert shown.exit_code == 0, shown.output
    for words in ("NO sorry", "taken by  test", "note by test: on my way"):
        assert words in shown.output, words
    told = json.loads((await mailprobe("incidents", "show", public_id, "--json")).stdout)
    assert told["incident"]["publicId"] == public_id
    unknown = await mailprobe("incidents", "show", "7b0c8f1e-5f0a-4c8e-9d55-0a6a58f9f3aa")
    assert (unknown.exit_code, "Incident not found" in unknown.output) == (1, True)


async def test_maintenance_is_planned_listed_and_ended(mailprobe: Command, desk: RecorderDesk) -> None:
    await desk.add_monitor()
    # The database's clock stands still in these tests: let it be within the two hours.
    await desk.set_clock(round(time.time() * 1000) + 3_600_000)
    assert "No maintenance is planned" in (await mailprobe("maintenance", "list")).output
    added = await mailprobe("maintenance", "add", "Upgrade", "--monitor", "1", "--for", "2h")
    assert added.exit_code == 0, added.output
    assert "It is open, until" in added.output
    weekly = await mailprobe(
        *("maintenance", "add", "Patches", "--customer", "10", "--from", "2026-07-07T02:00", "--for", "90m"),
        *("--zone", "Europe/Berlin", "--every", "weekly", "--on", "tue,sun", "--last-day", "2099-12-31", "--json"),
    )
    assert weekly.exit_code == 0, weekly.output
    window = json.loads(weekly.stdout)
    assert (window["startTime"], window["endTime"]) == ("2026-07-07T00:00:00.000Z", "2026-07-07T01:30:00.000Z")
    assert window["recurrencePattern"] == {
        "frequency": "weekly",
        "interval": 1,
        "daysOfWeek": [2, 0],
        "endRecurrenceDate": "2099-12-31",
    }
    listed = await mailprobe("maintenance", "list")
    assert "weekly on tue, sun (Europe/Berlin)" in listed.output
    upgrade = next(
        each for each in json.loads((await mailprobe("maintenance", "list", "--json")).stdout) if each["isOpen"]
    )
    ended = await mailprobe("maintenance", "end", str(upgrade["id"]), window["publicId"])
    assert (ended.exit_code, "Ended Upgrade." in ended.output) == (0, True), ended.output
    assert json.loads((await mailprobe("maintenance", "list", "--json")).stdout) == []
    again = await mailprobe("maintenance", "end", str(upgrade["id"]))
    assert (again.exit_code, "Maintenance window not found" in again.output) == (1, True)
    wrong = await mailprobe("maintenance", "add", "Upgrade", "--monitor", "999", "--for", "2h")
    assert (wrong.exit_code, "IMAP/POP monitor not found" in wrong.output) == (1, True)
    assert "there is no tag red" in (await mailprobe("maintenance", "add", "x", "--tag", "red", "--for", "2h")).output


async def test_a_channel_is_added_listed_and_tried(mailprobe: Command, desk: RecorderDesk, rings: Any) -> None:
    await desk.add_monitor()
    unheard = await mailprobe("channels", "list")
    assert "Nobody would be told of outages of My mailboxes (1 monitors)" in unheard.output
    added = await mailprobe(
        *("channels", "add", "webhook", "--name", "Hook", "--set", "url=https://93.184.215.14/hook"),
        *("--secret-file", "secret=-", "--priority", "5", "--min-duration", "300", "--json"),
        stdin=MARKER + "\n",
    )
    assert added.exit_code == 0, added.output
    assert MARKER not in added.output
    channel = json.loads(added.stdout)
    assert (channel["hasSecret"], channel["priority"], channel["conditions"]["minIncidentDuration"]) == (True, 5, 300)
    async with open_pool(desk.dsn, role=NOTIFIER_ROLE, application_name="notifier") as pool:
        row = await pool.fetchrow("SELECT * FROM notification_channels")
    secrets = open_secrets(
        rings[1],
        row["sealed_secrets"],
        organization_id=1,
        channel_public_id=row["public_id"],
        channel_type=ChannelType.WEBHOOK,
        config=row["config"],
    )
    assert secrets == {"secret": MARKER}
    listed = await mailprobe("channels", "list")
    assert ("not used yet" in listed.output, "Nobody would be told" in listed.output) == (True, False)
    assert json.loads((await mailprobe("channels", "list", "--json")).stdout)[0]["id"] == channel["id"]
    wrong = await mailprobe("channels", "add", "email", "--set", "email=nobody")
    assert (wrong.exit_code, "config.email: it has to be an e-mail address" in wrong.output) == (1, True), wrong.output
    removed = await mailprobe("channels", "rm", str(channel["id"]))
    assert (removed.exit_code, "Removed channel" in removed.output) == (0, True), removed.output
    assert "Nobody would be told of outages of My mailboxes" in removed.output
    again = await mailprobe("channels", "rm", str(channel["id"]))
    assert (again.exit_code, f"{channel['id']}: Notification channel not found" in again.output) == (1, True)


async def test_trying_a_channel_says_what_became_of_it(
    mailprobe: Command, desk: RecorderDesk, monkeypatch: Any
) -> None:
    monkeypatch.setattr(trying, "PATIENCE_SECONDS", 1.0)
    added = await mailprobe("channels", "add", "email", "--set", "email=ops@example.com", "--json")
    channel = json.loads(added.stdout)
    nobody = await mailprobe("channels", "test", str(channel["id"]))
    assert (nobody.exit_code, "no notifier sent the message in time" in nobody.output) == (1, True), nobody.output
