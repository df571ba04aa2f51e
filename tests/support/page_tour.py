"""Every page there is, and how to get to see it: for whoever looks at all of them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from playwright.async_api import Page

from tests.support.believable import Filled

Then = Callable[[Page], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Stop:
    """A page, or a window over one."""

    name: str
    path: str
    then: Then | None = None

    async def visit(self, page: Page, address: str) -> None:
        """Be there, with everything it asks for answered."""
        await page.goto(address + self.path)
        # An address with another word behind its # alone is no new page for a browser.
        await page.locator("h1").first.wait_for()
        if self.then is not None:
            await self.then(page)
        await page.wait_for_function("document.querySelector('[aria-busy=true]') === null")


def _pressed(button: str) -> Then:
    async def press(page: Page) -> None:
        await page.get_by_role("button", name=button, exact=True).click()
        await page.locator("dialog[open]").wait_for()

    return press


def _seen(selector: str) -> Then:
    async def wait(page: Page) -> None:
        await page.locator(selector).first.wait_for()

    return wait


async def _asked_for_keys(page: Page) -> None:
    await page.locator("a.name").first.wait_for()
    await page.keyboard.press("?")
    await page.locator("dialog[open]").wait_for()


async def _few_operations(page: Page) -> None:
    """All operations are shown alike, and a hundred of them would take minutes to look through."""
    await page.evaluate("[...document.querySelectorAll('article')].slice(4).forEach((each) => each.remove())")


# Before anybody is there.
FIRST = (
    Stop("welcome", "/"),
    Stop("set-up", "/set-up#a-token"),
    Stop("invitation", "/invitation#a-token"),
)
# Of nobody who is signed in.
OUTSIDE = (Stop("sign-in", "/"),)


# Only a person who is signed in may ask for these.
_PEOPLE = """async () => {
  const post = async (path, body) => {
    const answer = await fetch(path, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(await answer.text());
  };
  await post("/api/users", { name: "Ben Ortega", email: "ben@example.com", role: "supporter" });
  await post("/api/organization/tokens", { name: "Prometheus", role: "supporter" });
}"""


async def invite_others(page: Page) -> None:
    """Not to be alone on the page of people."""
    await page.evaluate(_PEOPLE)


def inside(filled: Filled) -> tuple[Stop, ...]:
    """Of an administrator, and what everybody sees beside."""
    table, form = _seen("table.listed"), _seen("dialog[open] form")
    return (
        Stop("monitors", "/", _seen("a.name")),
        Stop("monitors-none", "/?search=nothing-is-called-that", _seen(".empty")),
        Stop("keys", "/", _asked_for_keys),
        Stop("monitor-down", f"/monitors/{filled.down}", _seen(".chart .u-over")),
        Stop("monitor-up", f"/monitors/{filled.up}", _seen(".chart .u-over")),
        Stop("monitor-week", f"/monitors/{filled.up}?range=week", _seen(".figures")),
        Stop("monitor-copy", f"/monitors/{filled.up}", _pressed("Copy as …")),
        Stop("monitor-change", f"/monitors/{filled.up}/edit", _seen("form")),
        Stop("add", "/add", _seen("form")),
        Stop("add-many", "/add/many", _seen("form")),
        Stop("incidents", "/incidents", table),
        Stop("incident", f"/incidents/{filled.incident}", _seen(".steps li")),
        Stop("maintenance", "/maintenance", table),
        Stop("maintenance-new", "/maintenance?edit=new", _seen(".preview li")),
        Stop("channels", "/channels", table),
        Stop("channels-new", "/channels?edit=new", form),
        Stop("customers", "/customers", table),
        Stop("customers-new", "/customers?edit=new", form),
        Stop("people", "/people", table),
        Stop("people-new", "/people?edit=new", form),
        Stop("token-new", "/people", _pressed("Make a token")),
        Stop("system", "/system", table),
        Stop("account", "/account", table),
        Stop("no-such-page", "/nothing/here"),
        Stop("status-page", f"/status/{filled.status_page}"),
        Stop("api-docs", "/api/docs", _few_operations),
    )
