"""`mailprobe channels`: list, add, try and remove notification channels through the API."""

import json as json_text
from typing import Annotated, Any

import typer

from cli.api_client import api_client
from cli.channel_secrets import channel_secrets
from cli.failing import EXIT_USAGE, Failed, finish
from cli.monitors import AsJson, TokenFile, Url
from cli.showing import ago, plain, print_json, print_lines, print_table
from shared.notifications.channel_types import ChannelType, secret_fields

NOBODY = "Nobody would be told"
_HINT = "add a channel by `mailprobe channels add`, or an address to the monitors."

Type = Annotated[ChannelType, typer.Argument(help="How to tell.", show_default=False)]
Fields = Annotated[
    list[str] | None,
    typer.Option("--set", help="A field of its config: email=ops@example.com, url=https://…; may be repeated."),
]
SecretFiles = Annotated[
    list[str] | None,
    typer.Option("--secret-file", help="A secret's file: secret=FILE, - for standard input; may be repeated."),
]
Asked = Annotated[
    list[str] | None, typer.Option("--ask", help="Ask for this secret too; those it needs are asked for anyway.")
]

channels = typer.Typer(no_args_is_help=True, help="Ways to tell people.")


@channels.command("list")
def list_(json: AsJson = False, url: Url = None, token_file: TokenFile = None) -> None:
    """List channels, and how it goes with them."""

    async def found() -> tuple[list[dict[str, Any]], dict[str, Any]]:
        async with api_client(url=url, token_file=token_file) as api:
            return await api.channels(), await api.coverage()

    items, coverage = finish(found())
    if json:
        print_json(items)
        return
    if items:
        rows = [
            (
                plain(item["name"]),
                item["type"],
                "everybody" if item["customerId"] is None else f"customer {item['customerId']}",
                str(item["priority"]),
                _health(item),
                ago(item["health"]["lastSentAt"]),
                str(item["id"]),
            )
            for item in items
        ]
        print_table(("name", "type", "for", "priority", "how it goes", "last sent", "id"), rows)
        for item in items:
            print_lines(*(f"Note on {item['name']}: {warning['text']}" for warning in item["warnings"]))
    print_lines(*coverage_lines(coverage))
    if not items and not coverage["nobodyWouldBeTold"]:
        print_lines("There are no channels yet; add one by `mailprobe channels add`.")


@channels.command("add")
def add(
    channel_type: Type,
    name: Annotated[str | None, typer.Option(help="What people call it; else its type.")] = None,
    fields: Fields = None,
    secret_files: SecretFiles = None,
    ask: Asked = None,
    customer: Annotated[str | None, typer.Option(help="Of this customer alone, instead of the defaults.")] = None,
    priority: Annotated[int, typer.Option(min=0, help="The lowest is told first.")] = 1,
    delay: Annotated[int, typer.Option(min=0, help="Seconds to wait before telling.")] = 0,
    min_duration: Annotated[int | None, typer.Option(min=0, help="Seconds an incident must last.")] = None,
    json: AsJson = False,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Add a channel. Its secrets are asked for, or read from files or a pipe."""

    async def added() -> dict[str, Any]:
        body: dict[str, Any] = {
            "type": channel_type,
            "name": name or str(channel_type),
            "config": _config(channel_type, fields or [], secret_files or [], ask or []),
            "priority": priority,
            "delaySeconds": delay,
        }
        if min_duration is not None:
            body["conditions"] = {"minIncidentDuration": min_duration}
        if customer is not None:
            body["customerId"] = int(customer) if customer.isascii() and customer.isdigit() else customer
        async with api_client(url=url, token_file=token_file) as api:
            return await api.add_channel(body)

    channel = finish(added())
    if json:
        print_json(channel)
        return
    print_lines(f"Added {channel['name']} as {channel['id']}; try it by `mailprobe channels test {channel['id']}`.")
    print_lines(*(f"Note: {warning['text']}" for warning in channel["warnings"]))


@channels.command("test")
def try_(
    channel: Annotated[str, typer.Argument(help="Its id.", show_default=False)],
    json: AsJson = False,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Send a message to a channel for real. Exit code 1 where that fails."""

    async def tested() -> dict[str, Any]:
        async with api_client(url=url, token_file=token_file) as api:
            named = int(channel) if channel.isascii() and channel.isdigit() else channel
            return await api.test_channel({"channelId": named})

    answer = finish(tested())
    if json:
        print_json(answer)
    elif answer["success"]:
        print_lines(f"Sent, in {answer['durationMs'] / 1000:.1f} s.")
    else:
        print_lines(f"Not sent: {answer['error']}")
    if not answer["success"]:
        raise typer.Exit(1)


@channels.command("rm")
def remove(
    removed: Annotated[list[str], typer.Argument(metavar="channels", help="Their ids.", show_default=False)],
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Remove channels and their secrets. What they were told stays in history."""

    async def gone() -> None:
        async with api_client(url=url, token_file=token_file) as api:
            for channel in removed:
                try:
                    answer = await api.remove_channel(channel)
                except Failed as error:
                    raise Failed(f"{channel}: {error}", code=error.code) from None
                print_lines(f"Removed channel {channel}.")
            if answer["nobodyWouldBeTold"]:
                print_lines(*coverage_lines(await api.coverage()))

    finish(gone())


def coverage_lines(coverage: dict[str, Any]) -> list[str]:
    """What there is to say where somebody's outages would go unheard."""
    if not coverage["nobodyWouldBeTold"]:
        return []
    whose = ", ".join(f"{each['name']} ({each['monitors']} monitors)" for each in coverage["customers"][:5])
    more = " and others" if len(coverage["customers"]) > 5 else ""
    return [f"{NOBODY} of outages of {whose}{more}: {_HINT}"]


def _config(channel_type: ChannelType, fields: list[str], files: list[str], asked: list[str]) -> dict[str, Any]:
    config: dict[str, Any] = {}
    for field in fields:
        name, separator, value = field.partition("=")
        if not separator:
            raise Failed(f"{name} needs a value: --set {name}=VALUE", code=EXIT_USAGE)
        if name in secret_fields(channel_type):
            raise Failed(f"{name} is a secret, which is no argument: use --secret-file {name}=FILE", code=EXIT_USAGE)
        config[name] = _value(value)
    return config | channel_secrets(channel_type, files, asked)


def _value(text: str) -> Any:
    """Lists and objects are written as JSON; all else is text."""
    if not text.startswith(("[", "{")):
        return text
    try:
        return json_text.loads(text)
    except ValueError:
        return text


def _health(channel: dict[str, Any]) -> str:
    health = channel["health"]
    if not channel["isActive"]:
        return "off"
    if health["failures"]:
        rests = f", rests until {health['restingUntil']}" if health["restingUntil"] else ""
        return f"failed {health['failures']} times: {health['lastError']}{rests}"
    return "well" if health["lastSentAt"] else "not used yet"
