"""Secrets of notification channels: asked for at a terminal, read from files or a pipe; never an argument.

Arguments can be read by every user of a machine, and stay in the history of shells.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cli.failing import EXIT_USAGE, Failed
from cli.passwords import read_secret
from shared.notifications.channel_types import ChannelType, required_secrets, secret_fields


def channel_secrets(
    channel_type: ChannelType, files: Sequence[str], asked: Sequence[str], *, needed: bool = True
) -> dict[str, Any]:
    """The secrets of a channel of this type, by name. Raises Failed.

    Args:
        files: `name=file`, `-` for standard input. asked: names to ask for beside those that are needed, where
            they are `needed`.
    """
    places: dict[str, Path | None] = {}
    for each in files:
        name, separator, file = each.partition("=")
        if not separator or not file:
            raise Failed(
                f"{name} needs a file: --secret-file {name}=FILE, or {name}=- for standard input", code=EXIT_USAGE
            )
        places[name] = Path(file)
    for name in (*(sorted(required_secrets(channel_type)) if needed else ()), *asked):
        places.setdefault(name, None)
    unknown = sorted(places.keys() - secret_fields(channel_type))
    if unknown:
        known = ", ".join(sorted(secret_fields(channel_type))) or "no secrets"
        raise Failed(f"a channel of type {channel_type} has {known}, not {unknown[0]}", code=EXIT_USAGE)
    piped = [name for name, file in places.items() if file is not None and str(file) == "-"]
    if len(piped) > 1:
        raise Failed(f"standard input can be {piped[0]} or {piped[1]}, not both", code=EXIT_USAGE)
    return {name: _value(name, _read(channel_type, name, file, places)) for name, file in places.items()}


def _read(channel_type: ChannelType, name: str, file: Path | None, places: dict[str, Path | None]) -> str:
    alone = len([each for each in places.values() if each is None or str(each) == "-"]) == 1
    what = f"the {name} of the {channel_type} channel"
    return read_secret(what, file, option=f"--secret-file {name}=FILE", may_be_piped=alone)


def _value(name: str, text: str) -> Any:
    if name != "headers":
        return text
    try:
        return json.loads(text)
    except ValueError:
        raise Failed('headers must be JSON, such as {"X-Key": "…"}', code=EXIT_USAGE) from None
