"""The `mailprobe` command: its verbs, put together."""

import io
import logging
import sys
from importlib import metadata
from typing import Annotated

import typer

from cli.audit import audit
from cli.backup import backup, restore
from cli.broker import broker
from cli.channels import channels
from cli.check import check
from cli.completion import completion
from cli.configuration.command import apply, diff, export, schema, validate
from cli.customers import customers
from cli.database import migrate, tokens
from cli.dead_letters import dead_letters
from cli.demo import demo
from cli.doctor import doctor
from cli.fleet_secrets import secrets
from cli.importing.command import importing
from cli.incidents import incidents
from cli.key_rotation import keys
from cli.maintenance import maintenance
from cli.monitor_changes import change, check_now, history, pause, resume, try_out
from cli.monitors import monitors
from cli.packages import locations, packages
from cli.people import people
from cli.queues import queues
from cli.serve import run, serve
from cli.showing import print_lines
from cli.status import status
from cli.status_pages import status_pages
from cli.tags import tags

app = typer.Typer(
    name="mailprobe",
    help="Watches mailboxes over IMAP and POP3.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they would print local variables, passwords among them
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print_lines(f"mailprobe {metadata.version('mailprobe')}")
        raise typer.Exit


@app.callback()
def _start(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Watches mailboxes over IMAP and POP3."""


app.command()(status)
app.command()(validate)
app.command()(diff)
app.command()(apply)
app.command()(export)
app.command()(schema)
app.add_typer(importing, name="import")
app.command()(doctor)
for verb in (change, pause, resume, history):
    monitors.command()(verb)
monitors.command("check")(check_now)
monitors.command("test")(try_out)
app.add_typer(monitors, name="monitors")
app.add_typer(incidents, name="incidents")
app.add_typer(maintenance, name="maintenance")
app.add_typer(audit, name="audit")
app.add_typer(channels, name="channels")
app.add_typer(customers, name="customers")
app.add_typer(tags, name="tags")
app.add_typer(status_pages, name="status-pages")
app.add_typer(packages, name="packages")
app.add_typer(locations, name="locations")
app.add_typer(check, name="check")
app.command()(completion)
app.command()(run)
app.command()(demo)
app.command()(serve)
app.command()(migrate)
app.add_typer(tokens, name="token")
app.add_typer(people, name="users")
app.add_typer(keys, name="keys")
app.command()(backup)
app.command()(restore)
app.add_typer(broker, name="broker")
app.add_typer(queues, name="queue")
app.add_typer(dead_letters, name="dlq")
app.add_typer(secrets, name="secrets")


def main() -> None:
    """Run the command; exits."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that lacks a character gets another one, not a traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    # What libraries log on the way (a connection refused) our own words say; `serve` and `run` log as they are set to.
    logging.getLogger().addHandler(logging.NullHandler())
    app()


if __name__ == "__main__":
    main()
