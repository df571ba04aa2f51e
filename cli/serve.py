"""`mailprobe serve` and `mailprobe run`: one service as a process of its own, or all of them in one."""

from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer


class Service(StrEnum):
    """What can be served; each is a folder of services with a `main` that answers with the exit code."""

    API_GATEWAY = "api_gateway"
    SCHEDULER = "scheduler"
    IMAP_WORKER = "imap_worker"
    POP3_WORKER = "pop3_worker"
    RESULT_RECORDER = "result_recorder"
    NOTIFIER = "notifier"


def serve(service: Annotated[Service, typer.Argument(help="Which of them.", show_default=False)]) -> None:
    """Run one service, with settings from the environment, until told to stop."""
    # Only the one that is asked for is loaded: a worker's host needs nothing of the others.
    raise typer.Exit(import_module(f"services.{service.value}.__main__").main())


def run(
    host: Annotated[str | None, typer.Option(help="Where to listen [MAILPROBE_HOST, 127.0.0.1].")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="[MAILPROBE_PORT, 8080]")] = None,
    data: Annotated[Path | None, typer.Option(help="Where everything is kept [MAILPROBE_DATA, ./data].")] = None,
) -> None:
    """Run all of mailprobe in this one process, with a database of its own."""
    from services.standalone.main import run_standalone

    raise typer.Exit(run_standalone(host=host, port=port, data=data))
