"""`mailprobe status`: how all monitors are, the worst first, what is wrong in a sentence, and who is not told."""

from typing import Any

import typer

from cli.api_client import api_client
from cli.channels import coverage_lines
from cli.failing import finish
from cli.monitors import NONE_YET, AsJson, TokenFile, Url
from cli.output import Format, Output, printed
from cli.showing import ago, health_text, plain, print_lines, print_table
from shared.checks.vocabulary import Health

_MOST_INCIDENTS = 10_000
_WORST_FIRST = (Health.DOWN, Health.DEGRADED, Health.UNKNOWN, Health.UP)


def status(json: AsJson = False, output: Output = Format.TABLE, url: Url = None, token_file: TokenFile = None) -> None:
    """How all monitors are, worst first. Exit code 1 where something is down."""

    async def found() -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, Any]]:
        async with api_client(url=url, token_file=token_file) as api:
            monitors = sorted(await api.monitors(), key=_rank)
            return monitors, await api.incidents(limit=_MOST_INCIDENTS, status="open"), await api.coverage()

    items, incidents, coverage = finish(found())
    told = [_told(item) for item in items]
    everything = {"monitors": told, "incidents": incidents, "coverage": coverage}
    shown = printed(output, told if output is Format.CSV else everything, json=json)
    if not shown and not items:
        print_lines(NONE_YET)
    elif not shown:
        print_table(
            ("health", "name", "host", "what is wrong", "since", "checked"),
            [
                (
                    _shown_health(item),
                    item["name"],
                    item["hostname"],
                    reason(item) if _is_checked(item) else "",
                    ago(item["healthSince"]) if item["healthSince"] else "",
                    ago(item["lastCheckedAt"]),
                )
                for item in items
            ],
        )
    if not shown:
        print_lines(*incident_lines(len(incidents)), *coverage_lines(coverage))
    if any(item["health"] == Health.DOWN and _is_checked(item) for item in items):
        raise typer.Exit(1)


def incident_lines(count: int) -> list[str]:
    """How many incidents are open."""
    if not count:
        return []
    many = f"{count} incidents are" if count > 1 else "1 incident is"
    more = "at least " if count == _MOST_INCIDENTS else ""
    return [f"{more}{many} open; see `mailprobe incidents list`."]


def reason(item: dict[str, Any]) -> str:
    """Why a monitor is not up."""
    if item["health"] == Health.UNKNOWN and item["lastCheckedAt"] is None:
        return "Not checked yet."
    return item["healthMessage"] or ""


def _rank(item: dict[str, Any]) -> tuple[bool, int, str, int]:
    known = item["health"] in _WORST_FIRST
    place = _WORST_FIRST.index(item["health"]) if known else len(_WORST_FIRST)
    return not _is_checked(item), place, item["name"].lower(), item["id"]


def _is_checked(item: dict[str, Any]) -> bool:
    return bool(item["status"] != "disabled")


def _shown_health(item: dict[str, Any]) -> Any:
    return health_text(item["health"]) if _is_checked(item) else plain("- disabled")


def _told(item: dict[str, Any]) -> dict[str, Any]:
    names = ("publicId", "name", "hostname", "status", "health", "healthSince", "lastCheckedAt")
    return {**{name: item[name] for name in names}, "reason": item["healthMessage"]}
