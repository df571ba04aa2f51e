"""A status page in a browser: on the smallest screen, in both themes, with nothing its policy forbids."""

from typing import Any

import pytest
from playwright.async_api import Page

from tests.integration.api_gateway.conftest import DOCUMENTED_CUSTOMER, World
from tests.support.kept_history import KeptHistory
from tests.web.test_pages import believed

# Of each text its colour and what it stands on, as WCAG 2.2 §1.4.3 measures it.
_CONTRASTS = """() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = channels(colour).slice(0, 3).map((each) => each / 255)
      .map((each) => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if (channels(colour)[3] !== 0) return colour;
    }
    return getComputedStyle(document.body).backgroundColor;
  };
  return [...document.querySelectorAll("h1, h2, h3, h4, p, span, a, time, q, bdi")].map((element) => {
    const [one, other] = [light(getComputedStyle(element).color), light(ground(element))].sort((a, b) => b - a);
    return [(one + 0.05) / (other + 0.05), element.textContent.slice(0, 40)];
  });
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_it_fits_the_smallest_screen_and_can_be_read_in_both_themes(
    world: World, page: Page, address_of_world: str, theme: Any
) -> None:
    for name, health in (("Inbox", "up"), ("A very long name of " + "x" * 120, "down"), ("New", "unknown")):
        monitor = await world.api.created(name=name)
        await believed(world, monitor, health)
    now_ms = await world.pipeline.fetchval("SELECT clock_ms()")
    history = KeptHistory(world.pipeline)
    await history.belief(monitor, now_ms - 1_800_000, "down")
    await history.incident(monitor, now_ms - 60_000, opened_at=now_ms - 30_000)
    body = {"title": "Example Mail", "customerId": DOCUMENTED_CUSTOMER, "text": "Below", "showsMessages": True}
    made = await world.api.post("/api/status-pages", body)
    await page.emulate_media(color_scheme=theme)
    await page.set_viewport_size({"width": 320, "height": 700})
    answer = await page.goto(f"{address_of_world}/status/{made.body['slug']}")
    assert answer is not None
    assert answer.status == 200
    assert await page.get_by_role("heading", level=1).inner_text() == "Example Mail"
    assert await page.get_by_role("img", name="The last 90 days").count() == 3
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
    heights = await page.locator("svg.days").evaluate_all("all => all.map(each => each.getBoundingClientRect().height)")
    assert min(heights) > 20, "the style is applied"
    faint = [each for each in await page.evaluate(_CONTRASTS) if each[0] < 4.5]
    assert faint == []
    badge = await page.goto(f"{address_of_world}/status/{made.body['slug']}/badge.svg")
    assert badge is not None
    assert badge.status == 200
