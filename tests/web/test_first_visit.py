"""From the first visit to a mailbox that is watched, on real services and a real mail server."""

import re

from playwright.async_api import Page, expect

from tests.end_to_end.conftest import Whole
from tests.web.conftest import sign_up


async def test_from_the_set_up_link_to_the_first_result_and_what_follows_without_a_reload(
    whole: Whole, page: Page
) -> None:
    await sign_up(page, whole.database_dsn, whole.fleet.address)
    await expect(page.get_by_role("heading", name="No mailbox is watched yet")).to_be_visible()
    await page.evaluate("window.stillTheSamePage = true")

    await page.get_by_role("link", name="Add the first mailbox").click()
    await page.get_by_label("Host name").fill("localhost")
    await page.get_by_label("Port").fill(str(whole.dovecot.imaps_port))
    await page.get_by_label("User").fill("anna")
    await page.get_by_label("Name", exact=True).fill("Anna’s mailbox")
    await page.get_by_label("Check every").fill("0.5")

    await page.get_by_label("Password").fill("wrong password")
    await page.get_by_role("button", name="Test").click()
    await expect(page.get_by_role("region", name="Result of the test")).to_contain_text("Login failed")
    await expect(page.get_by_role("button", name="Save paused")).to_be_visible()

    await page.get_by_label("Password").fill("right password")
    await page.get_by_role("button", name="Test").click()
    result = page.get_by_role("region", name="Result of the test")
    await expect(result).to_contain_text("It works.")
    for phase in ("Name look-up", "Connection", "TLS", "Greeting", "Login", "Mailbox"):
        await expect(result.get_by_role("rowheader", name=phase)).to_contain_text("✓")

    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_role("heading", name="Anna’s mailbox")).to_be_visible()
    await expect(page.locator(".heading .standing")).to_contain_text("Up", timeout=30_000)
    await expect(page.locator("table.checks")).to_contain_text("✓ passed")
    await expect(page.get_by_text("✓ Trusted")).to_be_visible()

    await page.get_by_role("link", name="Monitors").first.click()
    row = page.get_by_role("row", name="Anna’s mailbox")
    await expect(row).to_contain_text("Up")
    await expect(row.get_by_role("img")).to_have_attribute("aria-label", re.compile("Last 1 check: 0 failures"))

    await whole.dovecot.set_password("anna", "another password")
    await expect(row).to_contain_text("Down", timeout=60_000)
    await row.get_by_role("link").click()
    await expect(page.locator(".verdict")).to_contain_text("The server said")

    assert await page.evaluate("window.stillTheSamePage")
