"""Errors for people: one sentence on stderr and an exit code, never a traceback for what is expected to go wrong."""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, NoReturn, TypeVar

import typer

from cli.showing import plain
from shared.broker.policies import ManagementFailed
from shared.database.errors import DatabaseError
from shared.database.migrations import MigrationError
from shared.runtime.lifecycle import EXIT_CONFIGURATION, EXIT_FAILURE, StartError
from shared.runtime.settings import SettingsError

T = TypeVar("T")

EXIT_USAGE = 2


class Failed(Exception):
    """The command could not do it; the text says why, in a sentence or a line for each thing that is wrong."""

    def __init__(self, said: str, *, code: int = EXIT_FAILURE) -> None:
        super().__init__(said)
        self.code = code


def finish(work: Coroutine[Any, Any, T]) -> T:
    """Run what a verb has to do, and end the command where it fails in an expected way."""
    try:
        return asyncio.run(work)
    except SettingsError as error:
        fail(str(error), code=EXIT_CONFIGURATION)
    except Failed as error:
        fail(str(error), code=error.code)
    except (DatabaseError, MigrationError, ManagementFailed, StartError) as error:
        fail(str(error))


def confirm(question: str, *, yes: bool = False) -> None:
    """Ask before something is lost; raises Failed where nobody can answer."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Failed("this asks first; where nobody can answer, say --yes", code=EXIT_USAGE)
    typer.confirm(question, abort=True, err=True)


def fail(said: str, *, code: int = EXIT_FAILURE) -> NoReturn:
    """Say it and exit."""
    for line in said.splitlines():
        print(f"mailprobe: {plain(line)}", file=sys.stderr)
    raise typer.Exit(code)
