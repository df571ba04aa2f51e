"""How soon the page of monitors can be used, and how soon it follows a key; in a real browser."""

import re
import time
from pathlib import Path
from statistics import median

from playwright.async_api import Page, async_playwright

from benchmarks.web.gateway import command

_BROWSERS = (Path("/usr/bin/chromium"), Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"))
_PASSWORD = "a password for a benchmark"


async def measure(address: str, environment: dict[str, str], *, rounds: int) -> None:
    """Print medians: from the address to the filled table, and from a key in the search to the rows it leaves."""
    browser_path = next((path for path in _BROWSERS if path.exists()), None)
    if browser_path is None:
        print("pages: no Chromium is here, so nothing is measured in a browser")
        return
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        try:
            page = await browser.new_page()
            await _sign_in(page, address, environment)
            opened = [await _opened(page, address) for _ in range(rounds)]
            typed = [await _typed(page, str(number % 10)) for number in range(rounds)]
        finally:
            await browser.close()
    print(f"page of monitors usable after {median(opened):.0f} ms (median of {rounds})")
    changed, answered = (median(times) for times in zip(*typed, strict=True))
    print(f"rows after a key in the search: {changed:.0f} ms, all that fit {answered:.0f} ms (medians of {rounds})")


async def _sign_in(page: Page, address: str, environment: dict[str, str]) -> None:
    said = await command(environment, "users", "set-up-link")
    found = re.search(r"/set-up#\S+", said)
    if found is None:
        raise RuntimeError("no set-up link was printed")
    await page.goto(address + found[0])
    await page.get_by_label("Your name").fill("Bench")
    await page.get_by_label("E-mail address").fill("bench@example.com")
    await page.get_by_label("Password").fill(_PASSWORD)
    await page.get_by_role("button", name="Set up").click()
    await page.locator("a.name").first.wait_for()


async def _opened(page: Page, address: str) -> float:
    started = time.perf_counter()
    await page.goto(address, wait_until="commit")
    await page.locator("a.name").first.wait_for()
    return (time.perf_counter() - started) * 1000


async def _typed(page: Page, digit: str) -> tuple[float, float]:
    """One key that leaves other rows; the browser's clock, from the key to the first change and to the API's answer."""
    search = page.get_by_role("searchbox")
    await search.fill("")
    await page.locator("[aria-busy=false] a.name").first.wait_for()
    await search.focus()
    await page.evaluate(
        """() => {
            const table = document.querySelector("[aria-busy]");
            window.changed = new Promise((tell) => {
                let began = 0, changed = 0, asked = false;
                addEventListener("keydown", () => { began = performance.now(); }, { once: true, capture: true });
                new MutationObserver((seen, watching) => {
                    if (!began) return;
                    if (seen.some((each) => each.type !== "attributes")) changed ||= performance.now() - began;
                    const busy = table.getAttribute("aria-busy") === "true";
                    if (asked && !busy) {
                        watching.disconnect();
                        tell([changed, performance.now() - began]);
                    }
                    asked ||= busy;
                }).observe(table, {
                    childList: true, subtree: true, characterData: true, attributeFilter: ["aria-busy"],
                });
            });
        }"""
    )
    await page.keyboard.press(digit)
    changed, answered = await page.evaluate("() => window.changed")
    return changed, answered
