"""The pages around monitors, each doing what it is for, on a gateway of its own."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest_asyncio
from playwright.async_api import Page, expect

from tests.integration.api_gateway.conftest import World
from tests.support.kept_history import KeptHistory
from tests.web.conftest import be_signed_in

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"
MINUTE_MS = 60_000

Visit = Callable[[str], Awaitable[Page]]


@pytest_asyncio.fixture
async def visit(world: World, page: Page, address_of_world: str, database_dsn: str) -> Visit:
    """Go to a page as the administrator."""
    await be_signed_in(page, database_dsn, address_of_world)

    async def go(path: str) -> Page:
        await page.goto(address_of_world + path)
        await page.locator("h1").wait_for()
        return page

    return go


async def an_incident(world: World, monitor: Any) -> Mapping[str, Any]:
    await world.location("fra")
    history = KeptHistory(world.pipeline)
    began = await world.pipeline.fetchval("SELECT clock_ms()") - 10 * MINUTE_MS
    first = await history.result(monitor, began, "auth_rejected")
    proof = await history.result(monitor, began + MINUTE_MS, "auth_rejected")
    return await history.incident(
        monitor, began, opened_at=began + MINUTE_MS, first=first, evidence=(proof, began + MINUTE_MS)
    )


async def test_an_incident_is_followed_acknowledged_and_written_about(world: World, visit: Visit) -> None:
    monitor = await world.api.created(name="It's mine")
    incident = await an_incident(world, monitor)
    page = await visit("/incidents?status=resolved")
    await expect(page.get_by_role("heading", name="No incident so far")).to_be_visible()
    await page.get_by_role("button", name="Open").click()
    assert page.url.endswith("?status=open")
    await page.get_by_role("link", name="It's mine").click()
    assert page.url.endswith(f"/incidents/{incident['public_id']}")
    steps = page.locator(".steps li")
    await expect(steps.first).to_contain_text("First failed check")
    await page.get_by_role("button", name="Acknowledge").click()
    await expect(steps.last).to_contain_text("Ada acknowledged it")
    await page.get_by_label("Note").fill(HOSTILE)
    await page.get_by_role("button", name="Add the note").click()
    await expect(steps.last).to_contain_text(HOSTILE)
    await page.get_by_label("No reminders for").select_option("1 hour")
    await expect(page.get_by_text("none until")).to_be_visible()

    # From there to the monitor, which can be taken along as what would make it.
    await page.get_by_role("link", name="It's mine").click()
    assert page.url.endswith(f"/monitors/{monitor['publicId']}")
    await page.get_by_role("button", name="Copy as").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_label("as curl", exact=True)).to_contain_text("/api/imap-pop-monitors")
    await expect(dialog.get_by_label("as a command", exact=True)).to_contain_text("'It'\\''s mine'")
    await expect(dialog.get_by_label("as YAML", exact=True)).to_contain_text("password: {env: MAILBOX_PASSWORD}")


async def test_a_window_shows_when_it_will_be_open_before_it_is_planned(world: World, visit: Visit) -> None:
    page = await visit("/maintenance")
    await page.get_by_role("link", name="Plan maintenance").click()
    form = page.get_by_role("dialog")
    await form.get_by_label("Name").fill("Kernel")
    await form.get_by_label("Time zone").fill("Europe/Berlin")
    await form.get_by_label("Recurs").select_option("weekly")
    await expect(form.locator(".preview li")).to_have_count(5)
    await form.get_by_label("Time zone").fill("Mars/Olympus")
    await expect(form.locator(".preview")).to_contain_text("IANA")
    await form.get_by_role("button", name="Plan it").click()
    await expect(form.get_by_label("Time zone")).to_have_attribute("aria-invalid", "true")
    await form.get_by_label("Time zone").fill("Europe/Berlin")
    await form.get_by_role("button", name="Plan it").click()
    await expect(page.locator(".listed")).to_contain_text("every week, Europe/Berlin")
    windows = (await world.api.get("/api/maintenance-windows")).body
    assert [(window["name"], window["timeZone"]) for window in windows] == [("Kernel", "Europe/Berlin")]
    await page.get_by_role("button", name="Remove Kernel").click()
    await page.get_by_role("button", name="Undo").click()
    assert len((await world.api.get("/api/maintenance-windows")).body) == 1


async def test_a_channels_secret_is_written_and_never_read(world: World, visit: Visit) -> None:
    await world.api.created()
    page = await visit("/channels")
    await expect(page.get_by_text("Nobody would be told")).to_be_visible()
    await page.get_by_role("link", name="Add a channel").click()
    form = page.get_by_role("dialog")
    await form.get_by_label("By").select_option("Webhook")
    await form.get_by_label("Name").fill("Hook")
    await form.get_by_label("Address").fill("no address")
    await form.get_by_label("Signing secret").fill("a secret to sign with")
    await form.get_by_role("button", name="Save").click()
    await expect(form.get_by_label("Address")).to_have_attribute("aria-invalid", "true")
    await form.get_by_label("Address").fill("https://hooks.example.com/mail")
    await form.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("table", name="Channels")).to_contain_text("Nothing sent yet")
    await expect(page.get_by_text("Nobody would be told")).to_be_hidden()
    await page.get_by_role("link", name="Change Hook").click()
    secret = form.get_by_label("Signing secret")
    assert (await secret.input_value(), await secret.get_attribute("placeholder")) == ("", "kept as it is")
    await form.get_by_label("Name").fill("Our hook")
    await form.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("table", name="Channels")).to_contain_text("Our hook")
    assert [channel["hasSecret"] for channel in (await world.api.get("/api/notification-channels")).body] == [True]


async def test_people_are_invited_tokens_made_customers_added_and_a_name_changed(world: World, visit: Visit) -> None:
    page = await visit("/people")
    await page.get_by_role("link", name="Invite somebody").click()
    form = page.get_by_role("dialog")
    await form.get_by_label("Name").fill("Ben")
    await form.get_by_label("E-mail address").fill("ben@example.com")
    await form.get_by_label("May").select_option("readonly")
    await form.get_by_label("My mailboxes").check()
    await form.get_by_role("button", name="Invite").click()
    await expect(form.get_by_label("the link", exact=True)).to_contain_text("/invitation#")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("table", name="People")).to_contain_text("Invited")
    await page.get_by_role("button", name="Make a token").click()
    await form.get_by_label("Name").fill("Prometheus")
    await form.get_by_label("May").select_option("supporter")
    await form.get_by_role("button", name="Make it").click()
    await expect(form.get_by_label("the token", exact=True)).to_contain_text(re.compile("mp_"))
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("table", name="Tokens")).to_contain_text("Prometheus")
    assert "mp_" not in (await page.locator("dialog").all_inner_texts())

    page = await visit("/customers")
    await page.get_by_role("link", name="Add a customer").click()
    await page.get_by_role("dialog").get_by_label("Name").fill("Bakery")
    await page.get_by_role("dialog").get_by_role("button", name="Save").click()
    await expect(page.get_by_role("table", name="Customers")).to_contain_text("Bakery")
    page = await visit("/account")
    await page.get_by_label("Your name").fill("Ada Lovelace")
    await page.get_by_role("button", name="Save the name").click()
    await expect(page.locator(".me summary")).to_have_text("Ada Lovelace")
    await expect(page.get_by_role("table", name="Where you are signed in")).to_contain_text("This one")


async def test_pasted_mailboxes_are_tested_and_what_does_not_work_says_why(world: World, visit: Visit) -> None:
    page = await visit("/add/many")
    rows = "name;address;password;host;protocol\nA;a@example.com;x;mail.example.com;imap\nB;b@example.com;;h;imap"
    await page.get_by_label("Mailboxes").fill(rows)
    await page.get_by_role("button", name="Test all").click()
    await expect(page.get_by_text("b@example.com has no password")).to_be_visible()
    # Nobody is there to make a check.
    await expect(page.get_by_role("table", name="Mailboxes")).to_contain_text("No active monitoring locations")
    await page.get_by_label("Save those that failed as well").check()
    await page.get_by_role("button", name="Save 1 mailbox").click()
    await expect(page.get_by_role("heading", name="Monitors", exact=True)).to_be_visible()
    saved = (await world.api.get("/api/imap-pop-monitors")).body["items"]
    assert [(item["name"], item["status"]) for item in saved] == [("A", "disabled")]


async def test_none_is_wider_than_its_screen(world: World, visit: Visit) -> None:
    monitor = await world.api.created(name="long " * 20, hostname="very-" * 8 + "long.example.com")
    incident = await an_incident(world, monitor)
    paths = ("/incidents", f"/incidents/{incident['public_id']}", "/maintenance?edit=new", "/channels?edit=new")
    for path in (*paths, "/customers", "/people?edit=new", "/system", "/account", "/add/many"):
        page = await visit(path)
        for width in (320, 390, 768, 1440):
            await page.set_viewport_size({"width": width, "height": 800})
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
