"""Passwords of mailboxes: asked for at a terminal, read from a file or a pipe; never an argument others could see."""

import sys
from pathlib import Path

import typer

from cli.failing import EXIT_USAGE, Failed

_CAP_BYTES = 4096


def mailbox_password(user: str, password_file: Path | None) -> str:
    """The password, without the line's end. `-` as the file, or no terminal: standard input. Raises Failed."""
    if password_file is None and sys.stdin.isatty():
        prompted: str = typer.prompt(f"Password of {user}", hide_input=True, err=True)
        return prompted
    try:
        if password_file is None or str(password_file) == "-":
            raw = sys.stdin.buffer.read(_CAP_BYTES + 1)
        else:
            with password_file.open("rb") as file:
                raw = file.read(_CAP_BYTES + 1)
        password = raw.removesuffix(b"\n").removesuffix(b"\r").decode()
    except OSError as error:
        raise Failed(f"the password file {password_file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Failed("the password is not UTF-8 text") from None
    if not password or len(raw) > _CAP_BYTES:
        what = "is empty" if not password else f"is longer than {_CAP_BYTES} bytes"
        raise Failed(f"the password {what}; give it at the prompt, by a pipe or by --password-file", code=EXIT_USAGE)
    return password
