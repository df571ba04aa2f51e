"""`mailprobe status`: how all monitors are, the worst first, and what is wrong in a sentence."""

import asyncio
from typing import Any

import typer

from cli.api_client import ApiClient, api_client
from cli.failing import finish
from cli.monitors import AsJson, TokenFile, Url
from cli.showing import ago, health_text, plain, print_json, print_lines, print_table
from shared.checks.vocabulary import Health

# Reasons are asked for one monitor at a time: enough of them for a screen, and within the API's rate.
MOST_REASONS = 200
AT_ONCE = 8
LOOKED_BACK = 10

_WORST_FIRST = (Health.DOWN, Health.DEGRADED, Health.UNKNOWN, Health.UP)


def status(json: AsJson = False, url: Url = None, token_file: TokenFile = None) -> None:
    """How all monitors are, worst first. Exit code 1 where something is down."""

    async def found() -> list[dict[str, Any]]:
        async with api_client(url=url, token_file=token_file) as api:
            items = sorted(await api.monitors(), key=_rank)
            return await _with_reasons(api, items)

    items = finish(found())
    if json:
        print_json([_told(item) for item in items])
    elif not items:
        print_lines("There are no monitors yet; add one by `mailprobe monitors add`.")
    else:
        print_table(
            ("health", "name", "host", "what is wrong", "since", "checked"),
            [
                (
                    _shown_health(item),
                    item["name"],
                    item["hostname"],
                    item["reason"] or "",
                    ago(item["healthSince"]) if item["healthSince"] else "",
                    ago(item["lastCheckedAt"]),
                )
                for item in items
            ],
        )
    if any(item["health"] == Health.DOWN and _is_checked(item) for item in items):
        raise typer.Exit(1)


async def _with_reasons(api: ApiClient, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    slots = asyncio.Semaphore(AT_ONCE)

    async def explained(place: int, item: dict[str, Any]) -> dict[str, Any]:
        if not _is_checked(item) or item["health"] == Health.UP or place >= MOST_REASONS:
            return {**item, "reason": None}
        async with slots:
            return {**item, "reason": reason(item, await api.checks(item["publicId"], limit=LOOKED_BACK))}

    return list(await asyncio.gather(*(explained(place, item) for place, item in enumerate(items))))


def reason(item: dict[str, Any], checks: list[dict[str, Any]]) -> str:
    """Why a monitor is not up, by its newest check that says so."""
    if item["health"] == Health.DEGRADED:
        said = (check["errorMessage"] or check["warningMessage"] for check in checks)
    else:
        said = (check["errorMessage"] for check in checks)
    words = next((each for each in said if each), None)
    if item["health"] == Health.UNKNOWN:
        if item["lastCheckedAt"] is None:
            return "Not checked yet."
        silent = "No check has told anything about the server lately."
        return f"{silent} {words}" if words else silent
    return words or ""


def _rank(item: dict[str, Any]) -> tuple[bool, int, str, int]:
    known = item["health"] in _WORST_FIRST
    place = _WORST_FIRST.index(item["health"]) if known else len(_WORST_FIRST)
    return not _is_checked(item), place, item["name"].lower(), item["id"]


def _is_checked(item: dict[str, Any]) -> bool:
    return bool(item["status"] != "disabled")


def _shown_health(item: dict[str, Any]) -> Any:
    return health_text(item["health"]) if _is_checked(item) else plain("- disabled")


def _told(item: dict[str, Any]) -> dict[str, Any]:
    names = ("publicId", "name", "hostname", "status", "health", "healthSince", "lastCheckedAt", "reason")
    return {name: item[name] for name in names}
