"""`mailprobe import nagios|uptime-kuma`: prints our configuration made of another monitor's."""

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.configuration.yaml_reading import write_yaml
from cli.failing import Failed, finish
from cli.importing.carried import Carried
from cli.importing.nagios import from_nagios
from cli.importing.uptime_kuma import from_uptime_kuma
from cli.showing import tell

Secrets = Annotated[
    Path | None,
    typer.Option("--secrets", help="Write passwords and tokens to this new file, as variables a shell can read."),
]

importing = typer.Typer(no_args_is_help=True, help="Print configuration made of another monitor's.")


@importing.command("nagios")
def nagios(
    paths: Annotated[
        list[Path], typer.Argument(help="nagios.cfg, object files, or directories of them.", show_default=False)
    ],
    secrets: Secrets = None,
) -> None:
    """From Nagios, Icinga 1 or Naemon: services that check IMAP and POP3, with their contacts."""

    async def carried() -> Carried:
        return from_nagios(paths)

    _print(finish(carried()), secrets)


@importing.command("uptime-kuma")
def uptime_kuma(
    path: Annotated[Path, typer.Argument(help="A backup (JSON), or the database kuma.db.", show_default=False)],
    secrets: Secrets = None,
) -> None:
    """From Uptime Kuma: TCP monitors of mail ports, with their notifications."""

    async def carried() -> Carried:
        return from_uptime_kuma(path)

    _print(finish(carried()), secrets)


def _print(carried: Carried, secrets: Path | None) -> None:
    if secrets is not None:

        async def written() -> None:
            _write_secrets(carried, secrets)

        finish(written())
    sys.stdout.write(write_yaml(carried.document()))
    tell(*carried.all_notes())
    if carried.secrets and secrets is None:
        tell(
            f"{len(carried.secrets)} secrets are left out, and named as variables to be set; "
            "--secrets FILE writes them to a file of your own"
        )
    tell(f"{len(carried.monitors)} monitors and {len(carried.channels)} channels were carried over.")


def _write_secrets(carried: Carried, path: Path) -> None:
    """For the owner alone, and never over another file."""
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in carried.secrets.items()]
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.writelines(lines)
    except OSError as error:
        raise Failed(f"{path} cannot be written: {error.strerror}") from None
