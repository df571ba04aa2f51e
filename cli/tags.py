"""`mailprobe tags`: list, add, change and remove tags, put them on monitors and take them off, through the API."""

from typing import Annotated, Any

import typer

from cli.api_client import TAGS, ApiClient, api_client
from cli.failing import Failed, finish
from cli.monitors import AsJson, TokenFile, Url
from cli.output import Format, Output, printed
from cli.showing import plain, print_lines, print_table

MONITOR_TAGS = "/api/monitor-tags"

Named = Annotated[str, typer.Argument(help="The tag's name, number or publicId.", show_default=False)]
Monitors = Annotated[
    list[str], typer.Argument(metavar="MONITORS...", help="Their numbers or publicIds.", show_default=False)
]
Color = Annotated[str | None, typer.Option(help="slate, red, amber, green, teal, blue, indigo, violet, pink, gray.")]

tags = typer.Typer(no_args_is_help=True, help="Words that monitors are grouped by.")


@tags.command("list")
def list_(json: AsJson = False, output: Output = Format.TABLE, url: Url = None, token_file: TokenFile = None) -> None:
    """List tags."""

    async def found() -> list[dict[str, Any]]:
        async with api_client(url=url, token_file=token_file) as api:
            return await api.tags()

    items = finish(found())
    if not printed(output, items, json=json):
        rows = [(str(item["id"]), plain(item["name"]), plain(item["color"] or ""), item["publicId"]) for item in items]
        print_table(("id", "name", "color", "public id"), rows)


@tags.command("add")
def add(
    name: Annotated[str, typer.Argument(help="The word.", show_default=False)],
    color: Color = None,
    json: AsJson = False,
    output: Output = Format.TABLE,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Add a tag."""
    body = {"name": name, **({} if color is None else {"color": color})}

    async def added() -> dict[str, Any]:
        async with api_client(url=url, token_file=token_file) as api:
            answer: dict[str, Any] = await api.request("POST", TAGS, body=body)
            return answer

    item = finish(added())
    if not printed(output, item, json=json):
        print_lines(f"Added {item['name']} as {item['id']}.")


@tags.command("change")
def change(
    tag: Named,
    name: Annotated[str | None, typer.Option(help="Another word.")] = None,
    color: Color = None,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Rename or recolour a tag."""
    body = {field: value for field, value in (("name", name), ("color", color)) if value is not None}

    async def changed() -> None:
        async with api_client(url=url, token_file=token_file) as api:
            found = await _tag_named(api, tag)
            await api.request("PATCH", f"{TAGS}/{found['publicId']}", body=body)

    finish(changed())
    print_lines(f"Changed {tag}.")


@tags.command("remove")
def remove(tag: Named, url: Url = None, token_file: TokenFile = None) -> None:
    """Remove a tag, from monitors and maintenance windows as well."""

    async def removed() -> None:
        async with api_client(url=url, token_file=token_file) as api:
            found = await _tag_named(api, tag)
            await api.request("DELETE", f"{TAGS}/{found['publicId']}")

    finish(removed())
    print_lines(f"Removed {tag}.")


@tags.command("assign")
def assign(tag: Named, monitors: Monitors, url: Url = None, token_file: TokenFile = None) -> None:
    """Put a tag on monitors."""
    _each(tag, monitors, "POST", url, token_file)
    print_lines(f"{len(monitors)} monitors carry {tag}.")


@tags.command("unassign")
def unassign(tag: Named, monitors: Monitors, url: Url = None, token_file: TokenFile = None) -> None:
    """Take a tag off monitors."""
    _each(tag, monitors, "DELETE", url, token_file)
    print_lines(f"{len(monitors)} monitors carry {tag} no more.")


def _each(tag: str, monitors: list[str], method: str, url: Url, token_file: TokenFile) -> None:
    async def done() -> None:
        async with api_client(url=url, token_file=token_file) as api:
            found = await _tag_named(api, tag)
            for monitor in monitors:
                named = int(monitor) if monitor.isascii() and monitor.isdigit() else monitor
                body = {"monitorType": "imap_pop", "monitorId": named, "tagId": found["id"]}
                try:
                    await api.request(method, MONITOR_TAGS, body=body)
                except Failed as error:
                    raise Failed(f"{monitor}: {error}", code=error.code) from None

    finish(done())


async def _tag_named(api: ApiClient, named: str) -> dict[str, Any]:
    everything = await api.tags()
    found = [each for each in everything if each["name"] == named]
    found = found or [each for each in everything if named in (str(each["id"]), each["publicId"])]
    if not found:
        raise Failed(f"there is no tag {named}")
    return found[0]
