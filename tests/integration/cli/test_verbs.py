"""The verbs over the API, each in the form a program wants."""

import csv
import io
import json
from typing import Any

from tests.support.command_session import Session
from tests.support.recorder_desk import RecorderDesk

MARKER = "marker-0c77-secret"


async def told(session: Session, *arguments: str, stdin: str = "") -> Any:
    answer = await session(*arguments, "-o", "json", stdin=stdin)
    assert answer.exit_code == 0, answer.output
    assert MARKER not in answer.output
    return json.loads(answer.stdout)


async def test_a_monitor_is_changed_paused_and_tagged(session: Session, desk: RecorderDesk) -> None:
    made = await told(session, "monitors", "add", "mail.example.com", "--user", "me", stdin=MARKER)
    public_id = made["publicId"]
    changed = await told(
        session, *("monitors", "change", public_id, "--name", "Renamed", "--mailbox", "Archive", "--every", "5")
    )
    assert (changed["name"], changed["config"]["mailbox"], changed["checkInterval"]) == ("Renamed", "Archive", 5)
    assert changed["config"]["passwordSet"] is True
    moved = await session("monitors", "change", public_id, "--hostname", "other.example.com")
    assert (moved.exit_code, "password must be sent again" in moved.stderr) == (1, True), moved.output
    await told(
        session,
        *("monitors", "change", public_id, "--hostname", "other.example.com", "--new-password", "--user", "me"),
        stdin=MARKER,
    )
    assert (await session("monitors", "pause", public_id)).exit_code == 0
    assert (await session("tags", "add", "red ones", "--color", "red")).exit_code == 0
    assert (await session("tags", "assign", "red ones", public_id)).exit_code == 0
    listed = await session("monitors", "list", "--status", "disabled", "--tag", "red ones", "-o", "csv")
    (row,) = csv.DictReader(io.StringIO(listed.stdout))
    assert (row["hostname"], row["config.user"]) == ("other.example.com", "me")


async def test_a_customer_a_package_and_a_channel_are_changed(session: Session) -> None:
    made = await told(session, "customers", "add", "Müller", "--email", "ops@example.com")
    changed = await told(session, "customers", "change", "Müller", "--email", "", "--country", "de")
    assert (changed["id"], changed["email"], changed["allowedCheckCountryCodes"]) == (made["id"], None, ["DE"])
    left = await session("customers", "cancel", "Müller", "--yes")
    assert (left.exit_code, left.stdout) == (0, "Müller is marked for cancellation.\n"), left.output
    assert (await told(session, "customers", "show", str(made["id"])))["status"] == "marked_for_cancellation"
    audit = await session("audit", "list", "--kind", "customer", "-o", "csv")
    assert (audit.exit_code, len(audit.stdout.splitlines())) == (0, 4), audit.output
    package = await told(session, *("packages", "change", "gold", "--set", "alertConsecutiveChecks=2"))
    assert (package["packageType"], package["alertConsecutiveChecks"]) == ("gold", 2)
    hook = ("channels", "add", "webhook", "--set", "url=https://93.184.215.14/hook", "--secret-file", "secret=-")
    channel = await told(session, *hook, stdin=MARKER)
    off = await told(session, "channels", "change", str(channel["id"]), "--off", "--set", "method=PUT")
    assert (off["isActive"], off["hasSecret"], off["config"]["method"]) == (False, True, "PUT")
    nothing = await session("channels", "change", str(channel["id"]))
    assert (nothing.exit_code, "say what to change" in nothing.stderr) == (2, True)
