"""How things look: tables for a terminal, plain lines of full length in a pipe, JSON where a program reads."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from shared.checks.vocabulary import Health

# In a pipe nothing is cut or wrapped: what reads it wants whole lines.
_PIPE_WIDTH = 2000

_LOOKS = {
    Health.UP: ("●", "green"),
    Health.DEGRADED: ("◐", "yellow"),
    Health.DOWN: ("✖", "bold red"),
    Health.UNKNOWN: ("?", "dim"),
}


def console() -> Console:
    """Standard output, as wide as it is, or endless where it is no terminal."""
    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False)


def print_json(value: Any) -> None:
    """For programs."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
    """Rows under their headings. Text of others is shown as it is, never as markup."""
    out = console()
    table = Table(*columns, box=SIMPLE_HEAD if out.is_terminal else None, pad_edge=False, header_style="bold")
    for column in table.columns:
        column.overflow = "fold"
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else plain(cell) for cell in row))
    out.print(table)


def print_lines(*lines: str | Text) -> None:
    """Lines of text."""
    out = console()
    for line in lines:
        out.print(line if isinstance(line, Text) else plain(line))


def tell(*lines: str) -> None:
    """Talk beside the data: standard error, so that what is piped on stays clean."""
    for line in lines:
        print(plain(line), file=sys.stderr)


def plain(text: str) -> Text:
    """Text from elsewhere: what could steer a terminal is shown, not obeyed."""
    return Text("".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text))


def health_text(health: str) -> Text:
    """A glyph and the word."""
    try:
        glyph, style = _LOOKS[Health(health)]
    except ValueError:
        return plain(health)
    return Text(f"{glyph} {health}", style=style)


def ago(moment: str | None, *, now: datetime | None = None) -> str:
    """How long ago an ISO time was, in its largest unit."""
    if moment is None:
        return "never"
    seconds = ((now or datetime.now(UTC)) - datetime.fromisoformat(moment.replace("Z", "+00:00"))).total_seconds()
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit} ago"
    return f"{max(0, int(seconds))} s ago"
