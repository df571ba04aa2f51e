"""`mailprobe demo`: everything in one process with practice mail servers, and a live table of how they are."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cli.api_client import ApiClient, api_client
from cli.failing import Failed
from cli.showing import ago, console, health_text, plain
from cli.status import reason
from shared.checks.vocabulary import Health
from shared.runtime.lifecycle import first_of, stopped_within

if TYPE_CHECKING:
    from services.standalone.main import Running

_EVERY_SECONDS = 1.0
_CHECKS = 10
_WIDE = 110
_PASSED, _FAILED = Text("●", "green"), Text("✖", "red")


def demo(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Of the API; else 8080, or any free one.", show_default=False)
    ] = None,
    data: Annotated[Path, typer.Option(help="Where the demo keeps its own data.")] = Path("data/demo"),
) -> None:
    """Run all of mailprobe beside practice mail servers, well and ill, and watch what it says of them."""
    from services.standalone.main import announce
    from services.standalone.practice.main import run_demo

    raise typer.Exit(run_demo(port=port, data=data, show=_watch if console().is_terminal else announce))


async def _watch(running: "Running", stop: asyncio.Event) -> None:
    """Keep the table true until the event is set."""
    out = console()
    checks: dict[str, tuple[str | None, list[dict[str, Any]]]] = {}
    async with api_client(url=running.address, token_file=running.token_file) as api:
        with Live(console=out, auto_refresh=False) as live:
            while not stop.is_set():
                try:
                    items = await first_of(stop, _look(api, checks))
                except Failed as failed:
                    live.update(plain(str(failed)), refresh=True)
                else:
                    live.update(_picture(running, items or [], checks, out), refresh=True)
                await stopped_within(stop, _EVERY_SECONDS)


async def _look(api: ApiClient, checks: dict[str, tuple[str | None, list[dict[str, Any]]]]) -> list[dict[str, Any]]:
    """The monitors; their checks are asked for only where there is a new one."""
    items = await api.monitors(sort="id")
    for item in items:
        key, newest = item["publicId"], item["lastCheckedAt"]
        if key not in checks or checks[key][0] != newest:
            checks[key] = (newest, await api.checks(key, limit=_CHECKS))
    return items


def _picture(
    running: "Running",
    items: list[dict[str, Any]],
    checks: dict[str, tuple[str | None, list[dict[str, Any]]]],
    out: Console,
) -> Group:
    # One line each whatever happens: a picture that jumps or scrolls cannot be read.
    wide = out.width >= _WIDE
    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold", expand=True)
    for heading in ("health", "mailbox", *(("by", "checked", "ms") if wide else ()), "checks"):
        table.add_column(heading, no_wrap=True)
    table.add_column("what it says", no_wrap=True, overflow="ellipsis", ratio=1)
    for item in items:
        found = checks[item["publicId"]][1]
        config = item["config"]
        details = (
            plain(f"{config['protocol']} {config['security']}"),
            ago(item["lastCheckedAt"]),
            f"{found[0]['timingImapPop']:.0f}" if found else "",
        )
        table.add_row(
            health_text(item["health"]),
            plain(item["name"]),
            *(details if wide else ()),
            Text().join(_PASSED if check["status"] == "success" else _FAILED for check in reversed(found)),
            plain(_said(item, found)),
        )
    where = f"API {running.address}   token in {running.token_file}   Ctrl-C ends it; the data stays."
    return Group(table, Text(where, style="dim", no_wrap=True, overflow="ellipsis"))


def _said(item: dict[str, Any], checks: list[dict[str, Any]]) -> str:
    """What is wrong, or what a sound mailbox should know all the same."""
    if item["health"] == Health.UP:
        return (checks[0]["warningMessage"] or "") if checks else ""
    said = reason(item).replace(f"{item['hostname']}:{item['port']}", "the server")
    return said[:1].upper() + said[1:]
