"""The `mailprobe` command: its verbs, put together."""

import io
import sys

import typer

from cli.broker import broker
from cli.check import check
from cli.database import migrate, tokens
from cli.demo import demo
from cli.keys import keys
from cli.monitors import monitors
from cli.serve import run, serve
from cli.status import status

app = typer.Typer(
    name="mailprobe",
    help="Watches mailboxes over IMAP and POP3.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they would print local variables, passwords among them
)
app.command()(status)
app.add_typer(monitors, name="monitors")
app.add_typer(check, name="check")
app.command()(run)
app.command()(demo)
app.command()(serve)
app.command()(migrate)
app.add_typer(tokens, name="token")
app.add_typer(keys, name="keys")
app.add_typer(broker, name="broker")


def main() -> None:
    """Run the command; exits."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that lacks a character gets another one, not a traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    app()


if __name__ == "__main__":
    main()
