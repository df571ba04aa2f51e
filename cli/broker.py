"""`mailprobe broker`: our policies, on brokers that do not load them from a file."""

from pathlib import Path
from typing import Annotated

import typer

from cli.failing import Failed, fail, finish
from cli.secret_files import addresses_by_role
from cli.settings import ManagementSettings
from cli.showing import print_lines
from shared.broker import policies
from shared.broker.users import apply_users, rights_of

DEFAULT_VHOST = "mailprobe"

ManagementUrl = Annotated[
    str | None,
    typer.Option(help="RabbitMQ's management [MAILPROBE_MANAGEMENT_URL].", metavar="URL", show_default=False),
]
Vhost = Annotated[
    str | None, typer.Option(help="The vhost; else that of MAILPROBE_AMQP_URL, or mailprobe.", show_default=False)
]

broker = typer.Typer(no_args_is_help=True, help="RabbitMQ's policies, without which no dead letter is kept.")


@broker.command("apply")
def apply(
    management_url: ManagementUrl = None,
    vhost: Vhost = None,
    users: Annotated[
        Path | None,
        typer.Option(
            help="Also make each service's own user, with the rights it needs and no others: the directory with a "
            "file amqp-url.ROLE for each.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Make the vhost where it is missing, and set our policies in it."""
    addresses = addresses_by_role(users, "amqp-url.") if users else {}
    for role in addresses:
        try:
            rights_of(role)
        except ValueError as error:
            fail(str(error))
    url, chosen = finish(where_management_is(management_url, vhost))
    for name in finish(policies.apply(url, vhost=chosen)):
        print_lines(f"Set the policy {name} in the vhost {chosen}.")
    for name in finish(apply_users(url, addresses)) if addresses else ():
        print_lines(f"The user {name} is there, with its rights.")


@broker.command("verify")
def verify(management_url: ManagementUrl = None, vhost: Vhost = None) -> None:
    """Say what is missing or different; exit code 1 where anything is."""
    url, chosen = finish(where_management_is(management_url, vhost))
    faults = finish(policies.verify(url, vhost=chosen))
    for fault in faults:
        print_lines(fault)
    if faults:
        raise typer.Exit(1)
    print_lines(f"The vhost {chosen} has all our policies.")


async def where_management_is(management_url: str | None, vhost: str | None) -> tuple[str, str]:
    """Its address and our vhost, from the options and the environment; for `finish`."""
    settings = ManagementSettings.load(**({"management_url": management_url} if management_url else {}))
    if vhost is None:
        vhost = policies.vhost_of(settings.amqp_url.get_secret_value()) if settings.amqp_url else DEFAULT_VHOST
    if not vhost:
        raise Failed("the vhost has no name")
    return settings.management_url.get_secret_value(), vhost
