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
from cli.system import system
from cli.tags import tags

# What somebody needs first stands first in --help.
_START = "To begin with"
_WATCH = "Mailboxes, and whoever is told of them"
_FILES = "Configuration as files"
_OPERATE = "For whoever runs mailprobe"

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


for verb in (change, pause, resume, history):
    monitors.command()(verb)
monitors.command("check")(check_now)
monitors.command("test")(try_out)

app.command(rich_help_panel=_START)(run)
app.command(rich_help_panel=_START)(demo)
app.command(rich_help_panel=_START)(doctor)
app.add_typer(check, name="check", rich_help_panel=_START)
app.command(rich_help_panel=_START)(completion)

app.command(rich_help_panel=_WATCH)(status)
app.add_typer(monitors, name="monitors", rich_help_panel=_WATCH)
app.add_typer(incidents, name="incidents", rich_help_panel=_WATCH)
app.add_typer(maintenance, name="maintenance", rich_help_panel=_WATCH)
app.add_typer(channels, name="channels", rich_help_panel=_WATCH)
app.add_typer(customers, name="customers", rich_help_panel=_WATCH)
app.add_typer(tags, name="tags", rich_help_panel=_WATCH)
app.add_typer(status_pages, name="status-pages", rich_help_panel=_WATCH)
app.add_typer(packages, name="packages", rich_help_panel=_WATCH)
app.add_typer(locations, name="locations", rich_help_panel=_WATCH)
app.add_typer(audit, name="audit", rich_help_panel=_WATCH)

app.command(rich_help_panel=_FILES)(validate)
app.command(rich_help_panel=_FILES)(diff)
app.command(rich_help_panel=_FILES)(apply)
app.command(rich_help_panel=_FILES)(export)
app.command(rich_help_panel=_FILES)(schema)
app.add_typer(importing, name="import", rich_help_panel=_FILES)

app.add_typer(people, name="users", rich_help_panel=_OPERATE)
app.add_typer(tokens, name="token", rich_help_panel=_OPERATE)
app.command(rich_help_panel=_OPERATE)(serve)
app.command(rich_help_panel=_OPERATE)(migrate)
app.command(rich_help_panel=_OPERATE)(backup)
app.command(rich_help_panel=_OPERATE)(restore)
app.add_typer(keys, name="keys", rich_help_panel=_OPERATE)
app.add_typer(broker, name="broker", rich_help_panel=_OPERATE)
app.add_typer(system, name="system", rich_help_panel=_OPERATE)
app.add_typer(queues, name="queue", rich_help_panel=_OPERATE)
app.add_typer(dead_letters, name="dlq", rich_help_panel=_OPERATE)
app.add_typer(secrets, name="secrets", rich_help_panel=_OPERATE)


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
