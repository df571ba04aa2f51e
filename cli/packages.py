"""`mailprobe packages` and `mailprobe locations`: what customers' packages allow and when people are told, and where
checks are made from.
"""

import json as json_text
from typing import Annotated, Any
from urllib.parse import quote

import typer

from cli.api_client import api_client
from cli.failing import EXIT_USAGE, Failed, finish
from cli.monitors import AsJson, TokenFile, Url
from cli.output import Format, Output, printed
from cli.showing import ago, plain, print_lines, print_table

PACKAGES = "/api/package-configs"
LOCATIONS = "/api/locations"

packages = typer.Typer(no_args_is_help=True, help="When people are told, and what customers may have, by package.")
locations = typer.Typer(no_args_is_help=True, help="Where checks are made from.")


@packages.command("list")
def list_packages(
    json: AsJson = False, output: Output = Format.TABLE, url: Url = None, token_file: TokenFile = None
) -> None:
    """List packages."""
    items = _asked(PACKAGES, url, token_file)
    if printed(output, items, json=json):
        return
    rows = [
        (
            plain(item["packageType"]),
            str(item["alertConsecutiveChecks"]),
            _agreement(item),
            f"{item['retryIntervalSeconds']} s",
            "any" if item["checkIntervalMinutes"] is None else f"{item['checkIntervalMinutes']:g} min",
            f"{item['dataRetentionMonths']} months",
            str(item["usedByCustomerCount"]),
        )
        for item in items
    ]
    print_table(("package", "failures", "locations", "retry", "shortest interval", "kept", "customers"), rows)


@packages.command("change")
def change_package(
    package: Annotated[str, typer.Argument(help="Its type, such as standard; a new one is made.", show_default=False)],
    fields: Annotated[
        list[str],
        typer.Option("--set", help="A field: alertConsecutiveChecks=2; null takes it away. May be repeated."),
    ],
    json: AsJson = False,
    output: Output = Format.TABLE,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Change a package, by the fields of PATCH /api/package-configs/{packageType}."""

    async def changed() -> dict[str, Any]:
        body = dict(_field(each) for each in fields)
        async with api_client(url=url, token_file=token_file) as api:
            answer: dict[str, Any] = await api.request("PATCH", f"{PACKAGES}/{quote(package, safe='')}", body=body)
            return answer

    item = finish(changed())
    if not printed(output, item, json=json):
        print_lines(f"Changed {item['packageType']}, the package of {item['usedByCustomerCount']} customers.")


@locations.command("list")
def list_locations(
    json: AsJson = False, output: Output = Format.TABLE, url: Url = None, token_file: TokenFile = None
) -> None:
    """List locations, and whether somebody is there."""
    items = _asked(LOCATIONS, url, token_file)
    if printed(output, items, json=json):
        return
    rows = [
        (
            "live" if item["live"] else "silent",
            plain(item["code"]),
            plain(item["name"]),
            plain(item["country"] or ""),
            ", ".join(f"{each['protocol']} ({each['workers']})" for each in item["protocols"] if each["live"]),
            ago(item["lastSeenAt"]),
        )
        for item in items
    ]
    print_table(("state", "code", "name", "country", "workers", "last heard of"), rows)


def _asked(path: str, url: Url, token_file: TokenFile) -> list[dict[str, Any]]:
    async def found() -> list[dict[str, Any]]:
        async with api_client(url=url, token_file=token_file) as api:
            answer: list[dict[str, Any]] = await api.request("GET", path)
            return answer

    return finish(found())


def _agreement(item: dict[str, Any]) -> str:
    threshold = item["alertLocationThreshold"]
    return f"{item['alertLocationThresholdCount']} agree" if threshold == "majority" else str(threshold)


def _field(text: str) -> tuple[str, Any]:
    """`name=value`: numbers, true, false and null are what they are in JSON, all else is text."""
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise Failed(f"{text} needs a value: --set {name}=VALUE", code=EXIT_USAGE)
    try:
        return name, json_text.loads(value)
    except ValueError:
        return name, value
