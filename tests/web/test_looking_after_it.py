"""What those do who look after a whole installation: how it is doing, other organizations, customers that leave."""

from urllib.parse import parse_qs, urlsplit

from playwright.async_api import Page, Request, expect

from shared.broker.topology import core_topology, location_topology
from tests.integration.api_gateway.conftest import World
from tests.web.conftest import be_signed_in


async def test_an_operator_sees_what_waits_and_lets_a_customer_go_and_takes_them_back(
    world: World, page: Page, address_of_world: str, database_dsn: str
) -> None:
    await world.location("fra")
    await world.broker.declare(core_topology())
    await world.broker.declare(location_topology("imap", "fra"))
    await world.as_pipeline(
        "INSERT INTO canaries (location_id, protocol, slot_at, stored_at, passed, message) "
        "SELECT id, 'imap', clock_ms() - 1200, clock_ms(), true, 'All is well.' FROM locations"
    )
    await world.as_pipeline("INSERT INTO outbox (organization_id, kind, at) VALUES (1, 'opened', clock_ms() - 60000)")
    await be_signed_in(page, database_dsn, address_of_world)
    await page.get_by_role("link", name="System").click()
    queue = page.get_by_role("table", name="Queues").get_by_role("row", name="mailprobe.checks.imap.fra", exact=False)
    await expect(queue.first).to_contain_text("no worker takes imap checks at fra")
    await expect(page.get_by_role("table", name="Locations")).to_contain_text("✓ took 1200 ms")
    figures = page.locator(".figures div")
    await expect(figures.filter(has_text="Checks nobody asked for")).to_contain_text("none")
    await expect(figures.filter(has_text="To be told")).to_contain_text("1, since")
    await expect(figures.filter(has_text="Room made until")).to_contain_text("20")

    await page.get_by_role("link", name="Customers").click()
    mine = page.get_by_role("table", name="Customers").get_by_role("row", name="My mailboxes")
    await mine.get_by_role("button", name="Let go My mailboxes").click()
    await expect(mine).to_contain_text("▲ Leaves in 2 d")
    await page.get_by_role("button", name="Undo").click()
    await expect(mine).to_contain_text("✓ Active")
    await mine.get_by_role("button", name="Let go My mailboxes").click()
    await expect(mine).to_contain_text("▲ Leaves")
    await mine.get_by_role("button", name="Take back My mailboxes").click()
    await expect(mine).to_contain_text("✓ Active")
    (customer,) = (await world.api.get("/api/customers")).body
    assert (customer["status"], customer["cancelsAt"]) == ("active", None)


async def test_acting_for_another_organization_is_said_and_goes_along_with_everything(
    world: World, page: Page, address_of_world: str, database_dsn: str
) -> None:
    other = await world.another_organization()
    await be_signed_in(page, database_dsn, address_of_world)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(_asked(request)))
    chooser = page.get_by_role("banner").get_by_role("combobox", name="Organization")
    await chooser.select_option("Others")
    await page.wait_for_url(f"**/?organizationId={other}")
    acting = page.get_by_role("banner").get_by_label("Acting for")
    await expect(acting.locator("option:checked")).to_have_text("Others")
    asked.clear()

    # Everywhere it goes along: links, pages, forms, what is listened to.
    async with page.expect_request("**/api/events?*") as listened:
        await page.reload()
    assert f"organizationId={other}" in (await listened.value).url
    await page.get_by_role("link", name="Customers").click()
    await expect(page).to_have_url(f"{address_of_world}/customers?organizationId={other}")
    await page.get_by_role("link", name="Add a customer").click()
    await page.get_by_role("dialog").get_by_label("Name").fill("Theirs")
    await page.get_by_role("dialog").get_by_role("button", name="Save").click()
    row = page.get_by_role("table", name="Customers").get_by_role("row", name="Theirs")
    await row.get_by_role("link", name="Theirs", exact=True).click()
    await expect(page.get_by_text("No monitor fits")).to_be_visible()
    assert parse_qs(urlsplit(page.url).query)["organizationId"] == [str(other)]
    assert len([address for address in asked if address]) > 5
    assert [address for address in asked if address and f"organizationId={other}" not in address] == []
    theirs = await world.client("admin", organization_id=other)
    assert [each["name"] for each in (await theirs.get("/api/customers")).body] == ["Theirs"]
    assert "Theirs" not in (await world.api.get("/api/customers")).text

    # Back at home nothing of it is left; and an organization there is not is said, with the way home.
    await acting.select_option(str(1))
    await expect(chooser).to_be_visible()
    assert "organizationId" not in page.url
    await page.goto(f"{address_of_world}/customers?organizationId=99")
    await expect(page.get_by_role("alert")).to_contain_text("Organization not found")
    await page.get_by_role("button", name="Back to your own organization").click()
    await expect(page.get_by_role("heading", name="No mailbox is watched yet")).to_be_visible()


def _asked(request: Request) -> str:
    """The address of a request of the API; empty of any other."""
    return request.url if "/api/" in request.url else ""
