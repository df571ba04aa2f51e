"""The command against a real gateway: add, list, show, status, remove."""

import json
from typing import Any

from services.result_recorder.recording import record
from shared.checks.vocabulary import OutcomeKind
from tests.support.answers import answer, slot
from tests.support.recorder_desk import RecorderDesk

Command = Any
MARKER = "marker-5f1c-secret"


async def test_a_monitor_from_the_first_word_to_the_last(mailprobe: Command, desk: RecorderDesk) -> None:
    empty = await mailprobe("status")
    assert (empty.exit_code, "no monitors yet" in empty.output) == (0, True)

    added = await mailprobe(
        *("monitors", "add", "--name", "Mailbox Access", "--protocol", "imap", "--security", "tls"),
        *("--user", "me@example.com", "mail.example.com", "--json"),
        stdin=MARKER + "\n",
    )
    assert added.exit_code == 0, added.output
    assert MARKER not in added.output
    monitor = json.loads(added.stdout)
    assert monitor["config"]["password"] == "********"
    public_id = monitor["publicId"]

    status = await mailprobe("status")
    assert status.exit_code == 0
    assert "Not checked yet." in status.output

    failure = answer(slot(1), OutcomeKind.CONNECT_REFUSED, monitor_id=monitor["id"])
    await record(desk.pool, [failure])
    status = await mailprobe("status")
    assert status.exit_code == 1
    line = next(line for line in status.output.splitlines() if "Mailbox Access" in line)
    assert "✖ down" in line
    assert failure.outcome.message in line
    told = json.loads((await mailprobe("status", "--json")).stdout)
    assert [(item["health"], item["reason"]) for item in told["monitors"]] == [("down", failure.outcome.message)]
    assert (told["incidents"], told["coverage"]["nobodyWouldBeTold"]) == ([], True)

    shown = await mailprobe("monitors", "show", public_id)
    assert shown.exit_code == 0, shown.output
    assert "connect_refused" in shown.output
    assert "the server said: the server's words" in shown.output
    page = json.loads((await mailprobe("monitors", "show", public_id, "--json")).stdout)
    assert page["checks"][0]["diagnostics"]["outcomeClass"] == "connect_refused"

    listed = await mailprobe("monitors", "list", "--health", "down")
    assert public_id in listed.output
    assert json.loads((await mailprobe("monitors", "list", "--health", "up", "--json")).stdout) == []

    asked = await mailprobe("monitors", "rm", public_id)
    assert (asked.exit_code, "say --yes" in asked.output) == (2, True)
    assert (await mailprobe("monitors", "rm", public_id, "--yes")).exit_code == 0
    gone = await mailprobe("monitors", "show", public_id)
    assert (gone.exit_code, "IMAP/POP monitor not found" in gone.output) == (1, True)


async def test_every_wrong_field_is_named(mailprobe: Command) -> None:
    wrong = await mailprobe("monitors", "add", "https://mail.example.com", "--every", "0.7")
    assert wrong.exit_code == 1
    assert "mailprobe: hostname must be a valid hostname" in wrong.output
    assert "mailprobe: checkInterval must be a multiple" in wrong.output


async def test_more_monitors_than_a_page_are_all_found(mailprobe: Command, desk: RecorderDesk) -> None:
    for monitor_id in range(1, 203):
        await desk.add_monitor(monitor_id, credential_id=None, status="disabled")
    assert len(json.loads((await mailprobe("monitors", "list", "--json")).stdout)) == 202
