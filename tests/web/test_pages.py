"""How the pages behave, on a gateway of their own: addresses, keys, hostile text, small screens."""

import json
from typing import Any

from playwright.async_api import Page, Route, expect

from tests.integration.api_gateway.conftest import DOCUMENTED_CUSTOMER, World
from tests.support.kept_history import KeptHistory
from tests.web.conftest import PASSWORD, be_signed_in

HOSTILE = "<img src=x onerror=alert(1)>\u001b[31m<script>alert(2)</script>"


async def believed(world: World, monitor: Any, health: str, message: str = "All is well.") -> None:
    await world.pipeline.execute(
        "INSERT INTO monitor_health (monitor_id, organization_id, health, since, last_checked_at, message)"
        " VALUES ($1, 1, $2, clock_ms() - 60000, clock_ms(), $3)",
        monitor["id"],
        health,
        message,
    )


async def shown_names(page: Page) -> list[str]:
    return await page.locator("a.name").all_inner_texts()


async def test_search_filter_order_and_page_stand_in_the_address(
    world: World, page: Page, address_of_world: str, database_dsn: str
) -> None:
    for number in range(53):
        monitor = await world.api.created(name=f"mailbox {number:02}", hostname=f"mail{number}.example.com")
        await believed(world, monitor, "down" if number == 7 else "up")
    await be_signed_in(page, database_dsn, address_of_world)
    await expect(page.locator("a.name").first).to_have_text("mailbox 07")
    assert len(await shown_names(page)) == 50
    await page.get_by_role("link", name="Next").click()
    await expect(page.locator("a.name")).to_have_count(3)
    assert page.url.endswith("/?page=2")

    await page.keyboard.press("/")
    await page.keyboard.type("mail1")
    await expect(page.locator("a.name")).to_have_count(11)
    assert page.url.endswith("/?search=mail1")
    await page.get_by_role("button", name="Down").click()
    await expect(page.get_by_text("No monitor fits")).to_be_visible()
    await page.goto(f"{address_of_world}/?show=down&sort=name")
    await expect(page.locator("a.name")).to_have_text(["mailbox 07"])
    assert await page.get_by_label("Order").input_value() == "name"
    await page.go_back()
    await expect(page.get_by_role("searchbox")).to_have_value("mail1")


async def test_the_keyboard_is_enough(world: World, page: Page, address_of_world: str, database_dsn: str) -> None:
    for number in range(3):
        await world.api.created(name=f"m{number}")
    await world.location("fra")
    await be_signed_in(page, database_dsn, address_of_world)
    await expect(page.locator("a.name")).to_have_count(3)
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keyboard")).to_contain_text("Next monitor")
    await page.keyboard.press("Escape")
    for key in "jjkj":
        await page.keyboard.press(key)
    await expect(page.locator("a.name").nth(1)).to_be_focused()
    await page.keyboard.press("t")
    await expect(page.get_by_role("status")).to_contain_text("Checking m1")
    await page.keyboard.press("o")
    await expect(page.get_by_role("heading", name="m1")).to_be_visible()


async def test_what_a_hostile_server_says_is_text_everywhere(
    world: World, page: Page, address_of_world: str, database_dsn: str
) -> None:
    monitor = await world.api.created(name=HOSTILE.replace("\u001b", ""))
    await believed(world, monitor, "down", HOSTILE)
    location = await world.location("fra")
    detail = {
        "outcomeClass": "greeting_rejected",
        "phase": "greeting",
        "hint": HOSTILE,
        "serverWords": HOSTILE,
        "transcript": HOSTILE,
        "phasesMs": {"dns": 1.0, "greeting": 2.0},
        "certificate": {
            "notAfterMs": 1_900_000_000_000,
            "subject": HOSTILE,
            "issuer": HOSTILE,
            "chain": [HOSTILE],
            "subjectAlternativeNames": [HOSTILE],
        },
    }
    now_ms = await world.pipeline.fetchval("SELECT clock_ms()")
    await world.result(monitor, location, slot_at=now_ms - 60_000, passed=False, detail=detail)
    incident = await KeptHistory(world.pipeline).incident(monitor, now_ms - 60_000, opened_at=now_ms - 30_000)
    await world.pipeline.execute("UPDATE incidents SET message = $1, hint = $1, server_words = $1", HOSTILE)
    words = HOSTILE.replace("\u001b", "")
    described = {"title": words, "text": words, "customerId": DOCUMENTED_CUSTOMER, "showsMessages": True}
    made = await world.api.post("/api/status-pages", described)
    assert made.status == 201, made.text
    alarmed: list[str] = []
    page.on("dialog", lambda dialog: alarmed.append(dialog.message))
    await be_signed_in(page, database_dsn, address_of_world)
    await expect(page.locator("a.name")).to_contain_text("<script>alert(2)</script>")
    await expect(page.locator(".says")).to_contain_text("<img src=x")
    await page.locator("a.name").click()
    tag = "<img src=x onerror=alert(1)>"
    for place in (page.locator("h1"), page.locator(".verdict q"), page.locator("pre.words"), page.locator(".chain")):
        await expect(place).to_contain_text(tag)
    await page.get_by_role("button", name="Pause").click()
    await expect(page.locator(".notice")).to_contain_text(tag)
    await page.get_by_role("button", name="Undo").click()
    await expect(page.locator(".heading .standing")).not_to_contain_text("Paused")
    assert await page.locator("#app img[src], #app script").count() == 0

    await page.goto(f"{address_of_world}/incidents")
    for place in (page.locator(".listed a.name"), page.locator(".listed td .detail")):
        await expect(place.first).to_contain_text(tag)
    await page.goto(f"{address_of_world}/incidents/{incident['public_id']}")
    for place in (page.locator("h1"), page.locator(".verdict strong"), page.locator(".verdict q")):
        await expect(place).to_contain_text(tag)
    await page.get_by_role("button", name="Acknowledge").click()
    await expect(page.locator(".steps")).to_contain_text("acknowledged it")
    assert await page.locator("#app img[src], #app script").count() == 0

    await page.goto(f"{address_of_world}/status/{made.body['slug']}")
    await expect(page.locator("h1")).to_contain_text(tag)
    assert (await page.locator("body").inner_text()).count(tag) >= 3, "title, text and the incident’s message"
    assert await page.locator("body img[src], body script").count() == 0
    assert alarmed == []


async def test_an_address_finds_its_mail_server_and_what_the_provider_asks_for(
    world: World, page: Page, address_of_world: str, database_dsn: str
) -> None:
    found = {
        "address": "anna@example.com",
        "provider": {"name": "Example Mail", "advice": "Make an app password.", "helpUrl": "javascript:alert(1)"},
        "candidates": [
            {"protocol": "imap", "hostname": "imap.example.com", "port": 993, "security": "tls", "user": "anna",
             "source": "srv", "warning": None},
            {"protocol": "pop3", "hostname": "pop.example.com", "port": 110, "security": "starttls",
             "user": "anna@example.com", "source": "guess", "warning": "Said over plain HTTP."},
        ],
    }  # fmt: skip

    async def answer(route: Route) -> None:
        assert route.request.post_data_json == {"address": "anna@example.com"}
        await route.fulfill(status=200, content_type="application/json", body=json.dumps(found))

    await page.route("**/api/discovery", answer)
    await be_signed_in(page, database_dsn, address_of_world)
    await page.get_by_role("link", name="Add a mailbox").first.click()
    await page.get_by_label("E-mail address").fill("anna@example.com")
    await page.get_by_role("button", name="Find the mail server").click()
    await expect(page.get_by_text("Make an app password.")).to_be_visible()
    assert await page.locator("a[href^='javascript']").count() == 0
    await expect(page.get_by_label("Host name")).to_have_value("imap.example.com")
    await expect(page.get_by_label("User")).to_have_value("anna")
    await page.get_by_role("radio").nth(1).check()
    await expect(page.get_by_text("Said over plain HTTP.")).to_be_visible()
    await expect(page.get_by_label("Host name")).to_have_value("pop.example.com")
    await expect(page.get_by_label("Port")).to_have_value("110")


async def test_what_is_wrong_with_a_field_stands_at_the_field(
    world: World, page: Page, address_of_world: str, database_dsn: str
) -> None:
    await be_signed_in(page, database_dsn, address_of_world)
    await page.goto(f"{address_of_world}/add")
    await page.get_by_label("Name", exact=True).fill("mine")
    await page.get_by_label("Host name").fill("https://mail.example.com")
    await page.get_by_label("Check every").fill("often")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_label("Host name")).to_have_attribute("aria-invalid", "true")
    await expect(page.locator(".field.wrong")).to_have_count(2)


async def test_what_is_deleted_can_be_taken_back(
    world: World, page: Page, address_of_world: str, database_dsn: str
) -> None:
    await world.api.created(name="dear to somebody")
    await be_signed_in(page, database_dsn, address_of_world)
    await page.locator("a.name").click()
    await page.get_by_role("button", name="Delete").click()
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("heading", name="dear to somebody")).to_be_visible()
    await page.get_by_role("button", name="Pause").click()
    await expect(page.locator(".heading .standing")).to_contain_text("Paused")
    await page.get_by_role("button", name="Undo").click()
    await expect(page.locator(".heading .standing")).not_to_contain_text("Paused")


async def test_no_page_is_wider_than_its_screen(
    world: World, page: Page, address_of_world: str, database_dsn: str
) -> None:
    monitor = await world.api.created(
        name="a mailbox with a long name " * 4, hostname="mail." + "very-" * 8 + "long.example.com"
    )
    await believed(world, monitor, "down", "The server refused the password. " * 4)
    location = await world.location("fra")
    now_ms = await world.pipeline.fetchval("SELECT clock_ms()")
    for number in range(70):
        await world.result(monitor, location, slot_at=now_ms - number * 60_000, passed=number > 3)
    await be_signed_in(page, database_dsn, address_of_world)
    await page.locator("a.name").wait_for()
    own = f"/monitors/{monitor['publicId']}"
    for path in ("/", own, f"{own}?range=week", "/add", f"{own}/edit", "/nowhere"):
        await page.goto(address_of_world + path)
        await page.locator("h1").wait_for()
        for width in (320, 390, 768, 1440):
            await page.set_viewport_size({"width": width, "height": 800})
            wide = await page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, path


async def test_who_signed_out_signs_in_again_where_they_wanted_to_be(
    world: World, page: Page, address_of_world: str, database_dsn: str
) -> None:
    await be_signed_in(page, database_dsn, address_of_world)
    await page.get_by_text("Ada").click()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await page.goto(f"{address_of_world}/add")
    await page.get_by_label("E-mail address").fill("ada@example.com")
    await page.get_by_label("Password").fill("not the password")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Add a mailbox")).to_be_visible()


async def test_dark_is_dark_and_a_choice_is_kept(
    world: World, page: Page, address_of_world: str, database_dsn: str
) -> None:
    async def ground() -> str:
        color: str = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        return color

    await page.emulate_media(color_scheme="dark")
    await be_signed_in(page, database_dsn, address_of_world)
    dark = await ground()
    await page.get_by_text("Ada").click()
    await page.get_by_label("Theme").select_option("light")
    light = await ground()
    assert light != dark
    await page.reload()
    await page.get_by_role("heading", name="Monitors", exact=True).wait_for()
    assert await ground() == light
