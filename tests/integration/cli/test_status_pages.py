"""`mailprobe status-pages` beside a real gateway."""

import json
from typing import Any

from tests.support.command_session import Session


async def listed(session: Session) -> Any:
    answer = await session("status-pages", "list", "-o", "json")
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


async def test_a_page_is_added_renewed_revoked_and_removed(session: Session) -> None:
    assert "There are no status pages yet" in (await session("status-pages", "list")).stdout
    made = await session("monitors", "add", "mail.example.com", "-o", "json")
    monitor = json.loads(made.stdout)
    assert (await session("tags", "add", "a=b")).exit_code == 0
    wrong = await session(
        *("status-pages", "add", "Example Mail", "--customer", str(monitor["customerId"]), "--tag", "nobody=x")
    )
    assert (wrong.exit_code, "tagId must be a number" in wrong.stderr) == (1, True), wrong.output
    added = await session(
        *("status-pages", "add", "Example Mail", "--customer", str(monitor["customerId"])),
        *("--monitor", f"{monitor['publicId']}=In box", "--tag", "a=b", "--hostnames", "--apart"),
    )
    assert added.exit_code == 0, added.output
    (page,) = await listed(session)
    assert f"whoever knows it sees it at {page['address']}." in added.stdout
    assert [(each["monitorId"], each["name"], each["combined"]) for each in page["components"]] == [
        (monitor["id"], "In box", True),
        (None, None, False),
    ]
    assert (page["showsHostnames"], page["showsUsers"]) == (True, False)
    renewed = await session("status-pages", "revoke", "Example Mail", "--renew")
    (after,) = await listed(session)
    assert (after["address"] != page["address"], after["address"] in renewed.stdout) == (True, True), renewed.output
    assert (await session("status-pages", "revoke", str(page["id"]))).exit_code == 0
    assert "revoked" in (await session("status-pages", "list")).stdout
    assert (await session("status-pages", "remove", "Example Mail")).stdout == "Removed Example Mail.\n"
    gone = await session("status-pages", "remove", "Example Mail")
    assert (gone.exit_code, "there is no status page" in gone.stderr) == (1, True)
