"""The whole story in a browser, on real services and a real mail server: from the first visit to a mailbox that is
watched, breaks, and is repaired.
"""

import re

import pytest
from playwright.async_api import Page, expect

from tests.end_to_end.conftest import Whole
from tests.web.conftest import sign_up

# Checks come by themselves every half a minute, on a machine that may be busy with other things.
_SOON_MS = 120_000


@pytest.mark.timeout(900)
async def test_from_the_set_up_link_to_a_first_result_an_incident_and_its_end_without_a_reload(
    whole: Whole, page: Page
) -> None:
    page.set_default_timeout(_SOON_MS)
    expect.set_options(timeout=_SOON_MS)
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
    await expect(page.locator(".heading .standing")).to_contain_text("Up")
    await expect(page.get_by_role("table", name="Checks")).to_contain_text("✓ passed")
    await expect(page.get_by_text("✓ Trusted")).to_be_visible()

    await page.get_by_role("link", name="Monitors").first.click()
    row = page.get_by_role("row", name="Anna’s mailbox")
    await expect(row).to_contain_text("Up")
    await expect(row.get_by_role("img")).to_have_attribute("aria-label", re.compile(r"Last \d checks?: 0 failures"))

    # One failure shall be enough, or confirming it would take minutes.
    status, answer = await whole.api.call(
        "PATCH", "/api/package-configs/standard", {"alertConsecutiveChecks": 1, "alertLocationThreshold": "any"}
    )
    assert status == 200, answer
    await page.get_by_role("link", name="Incidents").click()
    await expect(page.get_by_role("heading", name="No incident so far")).to_be_visible()
    await whole.dovecot.set_password("anna", "another password")
    await page.get_by_role("table", name="Incidents").get_by_role("link", name="Anna’s mailbox").click()
    await expect(page.locator(".heading .standing")).to_contain_text("Open")
    why = page.locator(".verdict")
    await expect(why).to_contain_text("rejected the user name or the password")
    await expect(why).to_contain_text("The server said")
    await expect(why.locator("q.words")).to_contain_text("AUTHENTICATIONFAILED")
    await expect(why).to_contain_text("What to do")
    await expect(page.locator(".steps li").first).to_contain_text("First failed check")
    incident = page.url

    # Repaired, and looked at by whoever repaired it: by itself it would be tried again after some minutes.
    await page.get_by_role("definition").get_by_role("link", name="Anna’s mailbox").click()
    await expect(page.locator(".heading .standing")).to_contain_text("Down")
    await expect(page.locator(".verdict")).to_contain_text("The server said")
    await whole.dovecot.set_password("anna", "right password")
    await page.get_by_role("button", name="Check now").click()
    await expect(page.locator(".heading .standing")).to_contain_text("Up")
    await page.get_by_role("link", name="Incidents").click()
    await page.get_by_role("table", name="Incidents").get_by_role("link", name="Anna’s mailbox").click()
    assert page.url == incident
    await expect(page.locator(".heading .standing")).to_contain_text("Recovered")
    await expect(page.locator(".steps li").last).to_contain_text("ecover")

    assert await page.evaluate("window.stillTheSamePage")
