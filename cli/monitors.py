"""`mailprobe monitors`: list, show, add and remove monitors through the API."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from cli.api_client import ApiClient, api_client
from cli.failing import EXIT_USAGE, Failed, confirm, finish
from cli.mailbox_import import import_mailboxes
from cli.monitor_page import monitor_lines
from cli.output import Format, Output, printed
from cli.passwords import mailbox_password
from cli.showing import ago, health_text, plain, print_lines, print_table
from shared.checks.vocabulary import AuthMethod, Health, MailProtocol, MonitorStatus, Security

SHOWN_CHECKS = 10
MASK = "********"
NONE_YET = "There are no monitors yet; add one by `mailprobe monitors add`."

Url = Annotated[
    str | None, typer.Option(help="Where mailprobe is [MAILPROBE_URL, http://127.0.0.1:8080].", show_default=False)
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        help="The token's file; else MAILPROBE_TOKEN, or first-token in MAILPROBE_DATA or ./data.", show_default=False
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON; the same as -o json.")]
PublicId = Annotated[UUID, typer.Argument(help="The monitor's publicId.", show_default=False)]

monitors = typer.Typer(no_args_is_help=True, help="Mailboxes to check.")


@monitors.command("list")
def list_(
    search: Annotated[str | None, typer.Option(help="In name, hostname or customer's name.")] = None,
    health: Annotated[Health | None, typer.Option(help="Only those.")] = None,
    status: Annotated[MonitorStatus | None, typer.Option(help="Only those.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only those that carry it; its name or number.")] = None,
    json: AsJson = False,
    output: Output = Format.TABLE,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """List monitors."""
    wanted = {"search": search, "health": health, "status": status, "tag": tag}

    async def found() -> list[dict[str, Any]]:
        async with api_client(url=url, token_file=token_file) as api:
            return await api.monitors(**{name: str(value) for name, value in wanted.items() if value is not None})

    items = finish(found())
    if printed(output, items, json=json):
        return
    if not items:
        print_lines("None of the monitors is like that." if any(wanted.values()) else NONE_YET)
        return
    rows = [
        (
            health_text(item["health"]),
            plain(item["name"]),
            plain(_address(item)),
            plain(str(item["config"].get("protocol", "imap"))),
            f"{item['checkInterval']:g} min",
            item["status"],
            ago(item["lastCheckedAt"]),
            item["publicId"],
        )
        for item in items
    ]
    print_table(("health", "name", "host", "protocol", "every", "status", "checked", "public id"), rows)


@monitors.command("show")
def show(
    public_id: PublicId,
    json: AsJson = False,
    output: Output = Format.TABLE,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Show a monitor and its latest checks."""

    async def found() -> tuple[dict[str, Any], list[dict[str, Any]]]:
        async with api_client(url=url, token_file=token_file) as api:
            return await api.monitor(public_id), await api.checks(public_id, limit=SHOWN_CHECKS)

    monitor, checks = finish(found())
    if not printed(output, {**monitor, "checks": checks}, json=json):
        print_lines(*monitor_lines(monitor, checks))


@monitors.command("add")
def add(
    hostname: Annotated[str, typer.Argument(help="The mail server's host name.", show_default=False)],
    name: Annotated[str | None, typer.Option(help="What people call it; else user and host.")] = None,
    customer: Annotated[str | None, typer.Option(help="Number or publicId; needed where there are several.")] = None,
    protocol: Annotated[MailProtocol, typer.Option(help="What the server speaks.")] = MailProtocol.IMAP,
    security: Annotated[Security, typer.Option(help="How the connection is protected.")] = Security.TLS,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Else the protocol's own.")] = None,
    user: Annotated[str | None, typer.Option(help="Who logs in; else it ends after the capabilities.")] = None,
    password_file: Annotated[Path | None, typer.Option(help="The password's file; - for standard input.")] = None,
    mailbox: Annotated[str | None, typer.Option(help="Another one than INBOX.")] = None,
    auth: Annotated[AuthMethod, typer.Option(help="How to log in.")] = AuthMethod.AUTO,
    every: Annotated[float, typer.Option("--every", help="Minutes between checks, in halves.")] = 30,
    timeout: Annotated[int, typer.Option(min=1, max=60, help="Seconds a check may take.")] = 30,
    verify: Annotated[bool, typer.Option("--verify/--no-verify", help="Judge the certificate.")] = True,
    servername: Annotated[str | None, typer.Option(help="The certificate's name, where it is another.")] = None,
    json: AsJson = False,
    output: Output = Format.TABLE,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Add a monitor. Its password is asked for, or read from a pipe or --password-file."""

    async def added() -> dict[str, Any]:
        async with api_client(url=url, token_file=token_file) as api:
            body = await monitor_body(
                api,
                hostname=hostname,
                name=name,
                customer=customer,
                port=port,
                every=every,
                timeout=timeout,
                config={"protocol": protocol, "security": security, "auth": auth, "mailbox": mailbox},
                user=user,
                password_file=password_file,
                verify=verify,
                servername=servername,
            )
            return masked(await api.add_monitor(body))

    monitor = finish(added())
    if printed(output, monitor, json=json):
        return
    print_lines(f"Added {monitor['name']} as {monitor['publicId']}; its first check begins at once.")
    for warning in monitor.get("warnings", ()):
        print_lines(f"Note: {warning['text']}")


monitors.command("import")(import_mailboxes)


@monitors.command("rm", hidden=True)
@monitors.command("remove")
def remove(
    public_ids: Annotated[list[UUID], typer.Argument(help="Their publicIds.", show_default=False)],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Remove monitors and their passwords."""

    async def removed() -> None:
        async with api_client(url=url, token_file=token_file) as api:
            for public_id in public_ids:
                if not yes:
                    _ask(await api.monitor(public_id))
                try:
                    await api.remove_monitor(public_id)
                except Failed as error:
                    raise Failed(f"{public_id}: {error}", code=error.code) from None
                print_lines(f"Removed {public_id}.")

    finish(removed())


async def monitor_body(
    api: ApiClient,
    *,
    hostname: str,
    name: str | None,
    customer: str | None,
    port: int | None,
    every: float,
    timeout: int,
    config: Mapping[str, Any],
    user: str | None,
    password_file: Path | None,
    verify: bool,
    servername: str | None,
) -> dict[str, Any]:
    """What describes a monitor to the API; asks for the password where there is a user. Raises Failed."""
    told = {field: value for field, value in config.items() if value is not None}
    if user is not None:
        told |= {"user": user, "password": mailbox_password(user, password_file)}
    elif password_file is not None:
        raise Failed("a password without --user is of no use", code=EXIT_USAGE)
    options: dict[str, Any] = {} if verify else {"rejectUnauthorized": False}
    if servername is not None:
        options["servername"] = servername
    if options:
        told["tlsOptions"] = options
    return {
        "customerId": customer or await _only_customer(api),
        "name": name or (f"{user} at {hostname}" if user else hostname),
        "hostname": hostname,
        "port": port,
        "checkInterval": int(every) if every == int(every) else every,
        "timeoutSeconds": timeout,
        "imapPopConfig": told,
    }


def _ask(monitor: dict[str, Any]) -> None:
    confirm(f"Remove {plain(monitor['name'])} ({plain(_address(monitor))})?")


async def _only_customer(api: ApiClient) -> str:
    customers = await api.customers()
    if len(customers) == 1:
        return str(customers[0]["publicId"])
    if not customers:
        raise Failed("there is no customer to add a monitor to; make one by `mailprobe customers add`")
    known = ", ".join(f"{each['id']} ({each['name']})" for each in customers[:10])
    raise Failed(f"there are several customers, say which by --customer: {known}", code=EXIT_USAGE)


def masked(monitor: dict[str, Any]) -> dict[str, Any]:
    """The API repeats the password to whoever sent it; a terminal's history is no place for it."""
    for name in ("config", "imapPopConfig"):
        if "password" in monitor.get(name, {}):
            monitor[name] = {**monitor[name], "password": MASK}
    return monitor


def _address(monitor: dict[str, Any]) -> str:
    port = monitor["port"]
    return f"{monitor['hostname']}:{port}" if port else str(monitor["hostname"])
