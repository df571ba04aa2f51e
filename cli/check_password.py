"""The password of a mailbox to check, byte for byte: a prompt, a file, a pipe, the environment; never an argument.

Arguments can be read by every user of a machine, and stay in the history of shells.
"""

import sys
from pathlib import Path

import typer

from cli.check_settings import CheckSettings
from cli.failing import Failed
from shared.checks.target import CheckTarget
from shared.checks.vocabulary import AuthMethod

_CAP_BYTES = 4096


def mailbox_password(
    target: CheckTarget, settings: CheckSettings, *, file: Path | None, from_stdin: bool
) -> bytes | None:
    """None where this check does not log in. Raises `Failed` where there should be one and is none."""
    if target.user is None or target.auth is AuthMethod.NONE:
        if file is not None or from_stdin:
            raise Failed("there is a password but no login: give --user, or leave the password out")
        return None
    if file is not None and from_stdin:
        raise Failed("--password-file and --password-stdin are both given; keep one of them")
    if file is not None and str(file) != "-":
        return _sound(_from_file(file))
    if file is not None or from_stdin:
        return _sound(sys.stdin.buffer.read(_CAP_BYTES + 2))
    if settings.password is not None:
        return _sound(settings.password.get_secret_value().encode())
    if not sys.stdin.isatty():
        # Read unasked, it would hang where nobody closes standard input, or swallow what was meant for another.
        raise Failed("there is no password: use --password-stdin, --password-file or MAILPROBE_PASSWORD")
    prompted: str = typer.prompt(f"Password of {target.user}", hide_input=True, err=True)
    return _sound(prompted.encode())


def _from_file(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(_CAP_BYTES + 2)
    except OSError as error:
        raise Failed(f"the password file {file} cannot be read: {error.strerror}") from None


def _sound(raw: bytes) -> bytes:
    password = raw.removesuffix(b"\n").removesuffix(b"\r")
    if not password:
        raise Failed("the password is empty")
    if len(password) > _CAP_BYTES:
        raise Failed(f"the password is longer than {_CAP_BYTES} bytes")
    if any(byte in password for byte in b"\r\n\0"):
        raise Failed("the password has a line end or a NUL in it, which no mail server takes")
    return password
