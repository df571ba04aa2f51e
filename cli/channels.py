"""`mailprobe channels`: list, add, try and remove notification channels through the API."""

import json as json_text
from typing import Annotated, Any

import typer

from cli.api_client import CHANNELS, api_client
from cli.channel_secrets import channel_secrets
from cli.failing import EXIT_USAGE, Failed, finish
from cli.monitors import AsJson, TokenFile, Url
from cli.output import Format, Output, printed
from cli.showing import ago, plain, print_lines, print_table
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
def list_(json: AsJson = False, output: Output = Format.TABLE, url: Url = None, token_file: TokenFile = None) -> None:
    """List channels, and how it goes with them."""

    async def found() -> tuple[list[dict[str, Any]], dict[str, Any]]:
        async with api_client(url=url, token_file=token_file) as api:
            return await api.channels(), await api.coverage()

    items, coverage = finish(found())
    if printed(output, items, json=json):
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
    output: Output = Format.TABLE,
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
    if printed(output, channel, json=json):
        return
    print_lines(f"Added {channel['name']} as {channel['id']}; try it by `mailprobe channels test {channel['id']}`.")
    print_lines(*(f"Note: {warning['text']}" for warning in channel["warnings"]))


@channels.command("show")
def show(
    channel: Annotated[str, typer.Argument(help="Its id.", show_default=False)],
    json: AsJson = False,
    output: Output = Format.TABLE,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Show a channel; its secrets are never shown."""

    async def found() -> dict[str, Any]:
        async with api_client(url=url, token_file=token_file) as api:
            answer: dict[str, Any] = await api.request("GET", f"{CHANNELS}/{channel}")
            return answer

    item = finish(found())
    if printed(output, item, json=json):
        return
    secrets = secret_fields(ChannelType(item["type"])) & item["config"].keys()
    print_lines(
        f"{item['name']}: {item['type']}, priority {item['priority']}, {_health(item)}",
        *(f"  {field}: {value}" for field, value in item["config"].items() if field not in secrets | {"hasSecret"}),
        *(f"  {field}: set" for field in sorted(secrets)),
        *(f"Note: {warning['text']}" for warning in item["warnings"]),
    )


@channels.command("change")
def change(
    channel: Annotated[str, typer.Argument(help="Its id.", show_default=False)],
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    fields: Fields = None,
    secret_files: SecretFiles = None,
    ask: Asked = None,
    priority: Annotated[int | None, typer.Option(min=0, help="The lowest is told first.")] = None,
    delay: Annotated[int | None, typer.Option(min=0, help="Seconds to wait before telling.")] = None,
    active: Annotated[bool | None, typer.Option("--on/--off", help="Whether it is told at all.")] = None,
    json: AsJson = False,
    output: Output = Format.TABLE,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Change a channel. Secrets stay, unless they are given, or would go to another place."""
    told = {"name": name, "priority": priority, "delaySeconds": delay, "isActive": active}
    body: dict[str, Any] = {field: value for field, value in told.items() if value is not None}

    async def changed() -> dict[str, Any]:
        if not (body or fields or secret_files or ask):
            raise Failed("say what to change, such as --priority 2", code=EXIT_USAGE)
        async with api_client(url=url, token_file=token_file) as api:
            if fields or secret_files or ask:
                stored = await api.request("GET", f"{CHANNELS}/{channel}")
                kind = ChannelType(stored["type"])
                public = {key: value for key, value in stored["config"].items() if key not in secret_fields(kind)}
                sent = _config(kind, fields or [], secret_files or [], ask or [], needed=False)
                body["config"] = {**public, **sent}
            answer: dict[str, Any] = await api.request("PATCH", f"{CHANNELS}/{channel}", body=body)
            return answer

    item = finish(changed())
    if not printed(output, item, json=json):
        print_lines(f"Changed {item['name']}.", *(f"Note: {warning['text']}" for warning in item["warnings"]))


@channels.command("test")
def try_(
    channel: Annotated[str, typer.Argument(help="Its id.", show_default=False)],
    json: AsJson = False,
    output: Output = Format.TABLE,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Send a message to a channel for real. Exit code 1 where that fails."""

    async def tested() -> dict[str, Any]:
        async with api_client(url=url, token_file=token_file) as api:
            named = int(channel) if channel.isascii() and channel.isdigit() else channel
            return await api.test_channel({"channelId": named})

    answer = finish(tested())
    if printed(output, answer, json=json):
        pass
    elif answer["success"]:
        print_lines(f"Sent, in {answer['durationMs'] / 1000:.1f} s.")
    else:
        print_lines(f"Not sent: {answer['error']}")
    if not answer["success"]:
        raise typer.Exit(1)


@channels.command("rm", hidden=True)
@channels.command("remove")
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


def _config(
    channel_type: ChannelType, fields: list[str], files: list[str], asked: list[str], *, needed: bool = True
) -> dict[str, Any]:
    """`needed`: the secrets it cannot do without are asked for, as none are stored."""
    config: dict[str, Any] = {}
    for field in fields:
        name, separator, value = field.partition("=")
        if not separator:
            raise Failed(f"{name} needs a value: --set {name}=VALUE", code=EXIT_USAGE)
        if name in secret_fields(channel_type):
            raise Failed(f"{name} is a secret, which is no argument: use --secret-file {name}=FILE", code=EXIT_USAGE)
        config[name] = _value(value)
    return config | channel_secrets(channel_type, files, asked, needed=needed)


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
