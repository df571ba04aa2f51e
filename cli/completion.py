"""`mailprobe completion bash|zsh|fish`: the script that lets a shell complete our verbs and options."""

from enum import StrEnum
from typing import Annotated

import typer
from typer._completion_shared import get_completion_script


class Shell(StrEnum):
    """Whose script."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(shell: Annotated[Shell, typer.Argument(help="Whose script.", show_default=False)]) -> None:
    """Print a shell's completion script: source <(mailprobe completion bash), for example in ~/.bashrc."""
    print(get_completion_script(prog_name="mailprobe", complete_var="_MAILPROBE_COMPLETE", shell=shell))
