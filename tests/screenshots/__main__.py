"""`make screenshots`: every page as a picture, wide and narrow, light and dark, into docs/screenshots.

What is on them is made up: a gateway of its own, an organization that looks like one. `--only` says which pages.
"""

import argparse
import asyncio
import re
import tempfile
from pathlib import Path
from typing import Any

import aiohttp
from playwright.async_api import Browser, Page, async_playwright

from benchmarks.web.gateway import command, serving
from shared.database.pool import PIPELINE_ROLE, open_pool
from tests.support.believable import fill
from tests.support.page_tour import FIRST, OUTSIDE, Stop, inside, invite_others
from tests.support.servers import needs

_INTO = Path(__file__).parents[2] / "docs" / "screenshots"
_WIDTHS = {1440: 900, 390: 844}
_PASSWORD = "a password for pictures"
# README shows these: what fits on a screen is enough there.
_SHOWN = ("monitors-1440-light.png", "monitor-down-1440-light.png")
_CHECKS = 288  # a day, five minutes apart


async def run(only: str) -> None:
    _INTO.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mailprobe-screenshots-") as name:
        async with serving(Path(name), 0) as (address, token, environment), aiohttp.ClientSession() as session:

            async def post(path: str, body: Any) -> Any:
                headers = {"Authorization": f"Bearer {token}"}
                async with session.post(address + path, json=body, headers=headers) as answer:
                    if answer.status >= 400:
                        raise RuntimeError(await answer.text())
                    return await answer.json()

            dsn = environment["MAILPROBE_DATABASE_URL"]
            async with open_pool(dsn, role=PIPELINE_ROLE, application_name="screenshots", max_size=2) as pipeline:
                filled = await fill(post, pipeline, checks=_CHECKS)
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(
                    executable_path=needs.CHROMIUM.found(), args=["--no-sandbox"]
                )
                await _all(browser, address, environment, inside(filled), re.compile(only))
                await browser.close()


async def _all(
    browser: Browser, address: str, environment: dict[str, str], stops: tuple[Stop, ...], only: re.Pattern[str]
) -> None:
    page = await (await browser.new_context(reduced_motion="reduce")).new_page()
    await _pictures(page, address, FIRST, only)
    await _sign_up(page, address, environment)
    await invite_others(page)
    await _pictures(page, address, stops, only)
    await page.context.clear_cookies()
    await _pictures(page, address, OUTSIDE, only)


async def _pictures(page: Page, address: str, stops: tuple[Stop, ...], only: re.Pattern[str]) -> None:
    for stop in stops:
        if only.search(stop.name) is None:
            continue
        for width, height in _WIDTHS.items():
            await page.set_viewport_size({"width": width, "height": height})
            await stop.visit(page, address)
            for theme in ("light", "dark"):
                await page.emulate_media(color_scheme="light" if theme == "light" else "dark")
                # A chart is drawn anew in the other theme's colours.
                await page.wait_for_timeout(300)
                picture = f"{stop.name}-{width}-{theme}.png"
                await page.screenshot(path=_INTO / picture, full_page=picture not in _SHOWN)
        print(f"docs/screenshots/{stop.name}-*.png", flush=True)


async def _sign_up(page: Page, address: str, environment: dict[str, str]) -> None:
    found = re.search(r"/set-up#\S+", await command(environment, "users", "set-up-link"))
    if found is None:
        raise RuntimeError("no set-up link was printed")
    await page.goto("about:blank")
    await page.goto(address + found[0])
    await page.get_by_label("Your name").fill("Ada Lovelace")
    await page.get_by_label("E-mail address").fill("ada@example.com")
    await page.get_by_label("Password").fill(_PASSWORD)
    await page.get_by_role("button", name="Set up").click()
    await page.locator("a.name").first.wait_for()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="a pattern of names, such as monitor|incident")
    asyncio.run(run(parser.parse_args().only))


if __name__ == "__main__":
    main()
