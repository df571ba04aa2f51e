"""Every page, with people in mind who do not see it, see it badly, use no mouse, or hold it in one hand."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

from tests.integration.api_gateway.conftest import World
from tests.support.believable import fill
from tests.support.page_tour import FIRST, OUTSIDE, Stop, inside, invite_others
from tests.web.conftest import WIDE, sign_up

_GRAVE = ("serious", "critical")
_WIDTHS = (320, 390, 768)
_CHECKS = 40
# Themes differ in nothing but colours: of the second one, only rules that judge these can say anything new.
_ASKED: dict[str, dict[str, Any]] = {
    "light": {"resultTypes": ["violations"]},
    "dark": {"resultTypes": ["violations"], "runOnly": ["color-contrast", "link-in-text-block"]},
}

# What can be used and is shown, but is not come by with the Tab key. Of radio buttons one is enough; a window over the
# page keeps the rest away.
_NOT_REACHED = """() => {
  const within = document.querySelector("dialog[open]") ?? document.body;
  const used = "a[href], button, input, select, textarea, summary, [onclick]";
  return [...within.querySelectorAll(used)]
    .filter((each) => each.checkVisibility() && !each.disabled && each.type !== "radio" && each.tabIndex < 0)
    .map((each) => each.outerHTML.slice(0, 120));
}"""
_WIDER = """() => {
  const wide = document.documentElement.clientWidth;
  return [...document.querySelectorAll("body *")]
    .filter((each) => each.getBoundingClientRect().right > wide + 1 && each.checkVisibility())
    .slice(0, 3).map((each) => each.outerHTML.slice(0, 120));
}"""


async def _faults_of(stop: Stop, page: Page) -> list[str]:
    """What axe finds grave in either theme, what is wider than a screen, and what a keyboard does not reach."""
    faults: list[str] = []
    for theme in ("light", "dark"):
        await page.emulate_media(color_scheme="light" if theme == "light" else "dark", reduced_motion="reduce")
        found: dict[str, Any] = (await Axe().run(page, options=_ASKED[theme])).response
        for violation in found["violations"]:
            if violation["impact"] in _GRAVE:
                where = "; ".join(node["html"][:160] + " " + node["failureSummary"] for node in violation["nodes"][:3])
                faults.append(f"{stop.name}, {theme}: {violation['id']}: {where}")
    faults += [f"{stop.name}: not reached by keyboard: {each}" for each in await page.evaluate(_NOT_REACHED)]
    for width in _WIDTHS:
        await page.set_viewport_size({"width": width, "height": 800})
        if await page.evaluate("document.documentElement.scrollWidth") > width:
            faults.append(f"{stop.name}: wider than {width}: {await page.evaluate(_WIDER)}")
    await page.set_viewport_size(WIDE)
    return faults


@pytest.mark.timeout(1800)  # thirty pages in two themes take their time beside other tests
async def test_every_page_is_for_everybody(
    world: World, page: Page, address_of_world: str, database_dsn: str, figures: Callable[[str], None]
) -> None:
    async def post(path: str, body: Any) -> Any:
        answer = await world.api.post(path, body)
        assert answer.status in (200, 201), answer.text
        return answer.body

    filled = await fill(post, world.pipeline, checks=_CHECKS)
    faults: list[str] = []
    seen = 0

    async def tour(stops: tuple[Stop, ...]) -> None:
        nonlocal seen
        for stop in stops:
            await stop.visit(page, address_of_world)
            faults.extend(await _faults_of(stop, page))
            seen += 1

    await tour(FIRST)
    await sign_up(page, database_dsn, address_of_world)
    await invite_others(page)
    await tour(inside(filled))
    await page.context.clear_cookies()
    await tour(OUTSIDE)
    figures(f"pages looked at by axe in both themes: {seen}; serious or critical: {len(faults)}")
    assert faults == []
