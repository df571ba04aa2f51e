"""Passwords and other secrets: asked for at a terminal, read from a file or a pipe; never an argument all could see."""

import sys
from pathlib import Path

import typer

from cli.failing import EXIT_USAGE, Failed

_CAP_BYTES = 4096


def mailbox_password(user: str, password_file: Path | None) -> str:
    """The password, without the line's end. `-` as the file, or no terminal: standard input. Raises Failed."""
    return read_secret("the password", password_file, option="--password-file", prompt=f"Password of {user}")


def read_secret(
    what: str, file: Path | None, *, option: str, prompt: str | None = None, may_be_piped: bool = True
) -> str:
    """A secret, without the line's end. Raises Failed.

    Args:
        file: `-` is standard input; None: a prompt at a terminal, else standard input where it may be.
        option: by which its file is named.
    """
    if file is None and sys.stdin.isatty():
        prompted: str = typer.prompt(prompt or what[:1].upper() + what[1:], hide_input=True, err=True)
        return prompted
    if file is None and not may_be_piped:
        raise Failed(f"there is no terminal to ask for {what} at; name its file by {option}", code=EXIT_USAGE)
    try:
        if file is None or str(file) == "-":
            raw = sys.stdin.buffer.read(_CAP_BYTES + 1)
        else:
            with file.open("rb") as opened:
                raw = opened.read(_CAP_BYTES + 1)
        secret = raw.removesuffix(b"\n").removesuffix(b"\r").decode()
    except OSError as error:
        raise Failed(f"the file {file} of {what} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Failed(f"{what} is not UTF-8 text") from None
    if not secret or len(raw) > _CAP_BYTES:
        wrong = "is empty" if not secret else f"is longer than {_CAP_BYTES} bytes"
        raise Failed(f"{what} {wrong}; give it at the prompt, by a pipe or by {option}", code=EXIT_USAGE)
    return secret
