"""The chart of response times: drawn, told, looked closer at, and whole again."""

from playwright.async_api import Page, expect

from tests.integration.api_gateway.conftest import World
from tests.web.conftest import be_signed_in

MINUTE_MS = 60_000
CHECKS = 40

# Which share of the picture is not empty.
_PAINTED = """() => {
  const canvas = document.querySelector(".chart canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let painted = 0;
  for (let at = 3; at < data.length; at += 4) painted += data[at] > 0;
  return painted / (data.length / 4);
}"""

_PICTURE = "document.querySelector('.chart canvas')?.toDataURL()"


async def test_a_chart_is_drawn_told_zoomed_and_whole_again(
    world: World, page: Page, address_of_world: str, database_dsn: str
) -> None:
    monitor = await world.api.created()
    location = await world.location("fra")
    now_ms = await world.pipeline.fetchval("SELECT clock_ms()")
    for number in range(CHECKS):
        detail = {"phasesMs": {"dns": 1.0, "connect": 10.0, "tls": 20.0, "auth": float(30 + number)}}
        at = now_ms - number * 30 * MINUTE_MS
        await world.result(monitor, location, slot_at=at, passed=number % 8 != 3, detail=detail)
    await be_signed_in(page, database_dsn, address_of_world)
    # What is heard while somebody looks has the chart drawn anew; here one drawing is looked at.
    await page.route("**/api/events*", lambda route: route.abort())
    await page.goto(f"{address_of_world}/monitors/{monitor['publicId']}")
    over = page.locator(".chart .u-over")
    box = await over.bounding_box()
    assert box is not None
    assert 0.1 < await page.evaluate(_PAINTED) < 0.9
    whole = await page.evaluate(_PICTURE)

    login = page.locator(".u-series", has_text="Login").locator(".u-value")
    await expect(login).to_have_text("–")
    await page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 50)
    await expect(login).to_have_text("30 ms")
    await expect(page.locator(".u-series").first.locator(".u-value")).to_contain_text(":")

    await page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 50)
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 60, steps=4)
    await page.mouse.up()
    changed = f"(before) => {_PICTURE} !== before"
    await page.wait_for_function(changed, arg=whole)
    # Drawn anew, as with each result, it still shows what is looked at.
    closer = await page.evaluate(_PICTURE)
    await page.emulate_media(color_scheme="dark")
    await page.wait_for_function(changed, arg=closer)
    await page.emulate_media(color_scheme="light")
    await page.wait_for_function(changed.replace("!==", "==="), arg=closer)
    await page.mouse.dblclick(box["x"] + 20, box["y"] + 50)
    await page.wait_for_function(changed.replace("!==", "==="), arg=whole)

    await page.locator(".u-series", has_text="Login").locator("th").click()
    await page.wait_for_function(changed, arg=whole)
    await expect(page.locator(".u-series.u-off")).to_contain_text("Login")
    light = await page.evaluate(_PICTURE)
    await page.emulate_media(color_scheme="dark")
    await page.wait_for_function(changed, arg=light)
    await expect(page.locator(".u-series.u-off")).to_contain_text("Login")
