"""`mailprobe status-pages`: list, add, revoke and remove status pages through the API."""

from typing import Annotated, Any

import typer

from cli.api_client import ApiClient, api_client
from cli.failing import Failed, finish
from cli.monitors import AsJson, TokenFile, Url
from cli.output import Format, Output, printed
from cli.showing import plain, print_lines, print_table

STATUS_PAGES = "/api/status-pages"

Named = Annotated[str, typer.Argument(help="The page's title, number or publicId.", show_default=False)]

status_pages = typer.Typer(no_args_is_help=True, help="Pages that show customers how their mailboxes are.")


@status_pages.command("list")
def list_(json: AsJson = False, output: Output = Format.TABLE, url: Url = None, token_file: TokenFile = None) -> None:
    """List status pages, and where they are seen."""

    async def found() -> list[dict[str, Any]]:
        async with api_client(url=url, token_file=token_file) as api:
            return await _pages(api)

    items = finish(found())
    if printed(output, items, json=json):
        return
    if not items:
        print_lines("There are no status pages yet; add one by `mailprobe status-pages add`.")
        return
    rows = [
        (str(item["id"]), plain(item["title"]), str(item["customerId"]), _shows(item), item["address"] or _why(item))
        for item in items
    ]
    print_table(("id", "title", "customer", "shows", "address"), rows)


@status_pages.command("add")
def add(
    title: Annotated[str, typer.Argument(help="What stands at its top.", show_default=False)],
    customer: Annotated[str, typer.Option(help="Whose monitors it shows: a number or publicId.", show_default=False)],
    monitor: Annotated[
        list[str] | None, typer.Option(help="Shows this monitor, as ID or ID=PUBLIC NAME; may be repeated.")
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(help="Shows all with this tag as one line, as TAG or TAG=PUBLIC NAME; may be repeated."),
    ] = None,
    apart: Annotated[bool, typer.Option("--apart", help="Shows the monitors of tags below each other.")] = False,
    text: Annotated[str | None, typer.Option(help="What stands below the title.")] = None,
    hostnames: Annotated[bool, typer.Option("--hostnames", help="Names that tell a host may be shown.")] = False,
    users: Annotated[bool, typer.Option("--users", help="Names that tell an account may be shown.")] = False,
    messages: Annotated[
        bool, typer.Option("--messages", help="Shows what exactly was wrong, the server's own words among it.")
    ] = False,
    hidden: Annotated[bool, typer.Option("--hidden", help="Nobody sees it yet.")] = False,
    json: AsJson = False,
    output: Output = Format.TABLE,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Add a status page; without --monitor and --tag it shows every monitor of the customer."""

    async def added() -> dict[str, Any]:
        body: dict[str, Any] = {
            "title": title,
            "customerId": _identifier(customer),
            "text": text,
            "isPublished": not hidden,
            "showsHostnames": hostnames,
            "showsUsers": users,
            "showsMessages": messages,
        }
        async with api_client(url=url, token_file=token_file) as api:
            if monitor or tag:
                body["components"] = await _components(api, monitor or [], tag or [], combined=not apart)
            answer: dict[str, Any] = await api.request("POST", STATUS_PAGES, body=body)
            return answer

    page = finish(added())
    if not printed(output, page, json=json):
        where = "nobody sees it yet" if page["address"] is None else f"whoever knows it sees it at {page['address']}"
        print_lines(f"Added {page['title']} as {page['id']}; {where}.")


@status_pages.command("revoke")
def revoke(
    page: Named,
    renew: Annotated[bool, typer.Option("--renew", help="It has another address from now on.")] = False,
    json: AsJson = False,
    output: Output = Format.TABLE,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Revoke a page's address: whoever knows it finds nothing there any more."""

    async def revoked() -> dict[str, Any]:
        async with api_client(url=url, token_file=token_file) as api:
            found = await _page_named(api, page)
            body = {"slug": "new" if renew else None}
            answer: dict[str, Any] = await api.request("PATCH", f"{STATUS_PAGES}/{found['publicId']}", body=body)
            return answer

    item = finish(revoked())
    if not printed(output, item, json=json):
        now = f" It is at {item['address']} now." if item["address"] else ""
        print_lines(f"The address of {item['title']} is revoked.{now}")


@status_pages.command("rm", hidden=True)
@status_pages.command("remove")
def remove(page: Named, url: Url = None, token_file: TokenFile = None) -> None:
    """Remove a status page."""

    async def removed() -> str:
        async with api_client(url=url, token_file=token_file) as api:
            found = await _page_named(api, page)
            await api.request("DELETE", f"{STATUS_PAGES}/{found['publicId']}")
            return str(found["title"])

    print_lines(f"Removed {finish(removed())}.")


async def _pages(api: ApiClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await api.request("GET", STATUS_PAGES)
    return found


async def _page_named(api: ApiClient, named: str) -> dict[str, Any]:
    everything = await _pages(api)
    found = [each for each in everything if named in (str(each["id"]), each["publicId"])]
    found = found or [each for each in everything if each["title"] == named]
    if not found:
        raise Failed(f"there is no status page {named}")
    if len(found) > 1:
        raise Failed(f"several status pages are called {named}; name it by its number")
    return found[0]


async def _components(api: ApiClient, monitors: list[str], tags: list[str], *, combined: bool) -> list[dict[str, Any]]:
    known = {each["name"]: each["id"] for each in await api.tags()} if tags else {}
    components: list[dict[str, Any]] = []
    for each in monitors:
        named, _, name = each.partition("=")
        components.append({"monitorId": _identifier(named), "name": name or None})
    for each in tags:
        # A tag may be called anything, what holds a = among it.
        named, name = (each, "") if each in known else each.split("=", 1) if "=" in each else (each, "")
        number = known.get(named, _identifier(named))
        components.append({"tagId": number, "name": name or None, "combined": combined})
    return components


def _identifier(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() else text


def _shows(page: dict[str, Any]) -> str:
    if page["components"] is None:
        return "all of the customer"
    count = len(page["components"])
    return f"{count} {'line' if count == 1 else 'lines'}"


def _why(page: dict[str, Any]) -> str:
    return "revoked" if page["slug"] is None else "not published"
