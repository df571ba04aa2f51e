"""A browser on the pages, which must say nothing bad of them on its console; and two mailprobes to look at with it.

Chromium is started once and knows nobody: each test has a context of its own in it, with its own cookies and cache.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Page, ViewportSize, async_playwright, expect

from services.api_gateway.pages.site import Site
from services.api_gateway.people.operating import set_up_link
from shared.database.pool import GATEWAY_ROLE, open_pool
from tests.end_to_end.conftest import Whole, whole
from tests.integration.api_gateway.conftest import World, api, world
from tests.support.servers import needs
from tests.support.servers.chromium import Chromium
from tests.support.servers.fixtures import demand

__all__ = ["Whole", "World", "api", "whole", "world"]

WIDE: ViewportSize = {"width": 1280, "height": 900}
PASSWORD = "a password that is long enough"
# Of everything waited for: a busy machine is slow, and a page that is right is shown at once anyway.
_DEADLINE_MS = 60_000

Visit = Callable[[str], Awaitable[Page]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium(servers_state: Path) -> AsyncIterator[Chromium]:
    """The one of this run: starting it costs more than most tests of a page."""
    demand(needs.CHROMIUM)
    started = Chromium(servers_state / "chromium")
    try:
        await started.start()
        yield started
    finally:
        await started.kill()


@pytest_asyncio.fixture
async def context(chromium: Chromium) -> AsyncIterator[BrowserContext]:
    """A browser that knows nobody."""
    assert Site.load() is not None, "the pages have not been built: make web"
    expect.set_options(timeout=_DEADLINE_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect_over_cdp(chromium.address)
        made = await browser.new_context(viewport=WIDE)
        made.set_default_timeout(_DEADLINE_MS)
        yield made
        await made.close()
        await browser.close()


@pytest_asyncio.fixture
async def page(context: BrowserContext) -> AsyncIterator[Page]:
    """A page whose scripts fail a test by what they complain of; answers of the API are no complaint."""
    complaints: list[str] = []
    opened = await context.new_page()
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    yield opened
    assert [text for text in complaints if "Failed to load resource" not in text] == []


async def sign_up(page: Page, database_dsn: str, address: str) -> None:
    """Become the first person by the link an operator's command prints, as they do."""
    await page.goto(await _set_up_link(database_dsn, address))
    await page.get_by_label("Your name").fill("Ada")
    await page.get_by_label("E-mail address").fill("ada@example.com")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Set up").click()
    await page.get_by_role("heading", name="Monitors", exact=True).wait_for()


async def be_signed_in(page: Page, database_dsn: str, address: str) -> None:
    """The same without the page of the link, which is looked at elsewhere: where others are what a test is about."""
    token = (await _set_up_link(database_dsn, address)).partition("#")[2]
    answer = await page.context.request.post(
        f"{address}/api/set-up",
        data={"token": token, "name": "Ada", "email": "ada@example.com", "password": PASSWORD},
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert answer.status == 201, await answer.text()
    await page.goto(address)
    await page.get_by_role("heading", name="Monitors", exact=True).wait_for()


async def _set_up_link(database_dsn: str, address: str) -> str:
    async with open_pool(database_dsn, role=GATEWAY_ROLE, application_name="test", max_size=1) as pool:
        made = await set_up_link(pool, address, operator="test")
    assert made is not None
    return made[0]


@pytest.fixture
def address_of_world(world: World) -> str:
    """Where the gateway of `world` is."""
    return str(world.api.client.make_url("")).rstrip("/")
