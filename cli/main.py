"""The `mailprobe` command; its verbs are in cli/verbs.py."""

import io
import logging
import sys
from importlib import metadata
from typing import Annotated

import typer

from cli.showing import print_lines
from cli.verbs import Verbs

app = typer.Typer(
    name="mailprobe",
    cls=Verbs,
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
