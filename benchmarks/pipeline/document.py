"""Figures into docs/SCALING.md, each block between its markers, under the command it came from."""

import os
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "SCALING.md"


def conditions(bench: str, *, only: str | None = None, load_before: float) -> str:
    """How to repeat it, when it was, and whether somebody else was at work."""
    words = " ".join(each for each in sys.argv[1:] if each != "--write")
    if only:
        others = re.sub(r"--only[= ]\S+", "", words)
        words = f"--only={only} {others}"
    words = " ".join(words.split())
    command = f"make bench BENCH={bench}" + (f' ARGS="{words}"' if words else "")
    cores = len(os.sched_getaffinity(0))
    busy = f"; **a busy machine**, load {load_before:.1f} before the run" if load_before > cores / 2 else ""
    return f"`{command}`, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {cores} cores{busy}."


def write(name: str, lines: Sequence[str], document: Path = DOCUMENT) -> None:
    """Put a block between its markers. Raises ValueError where the document has none."""
    text = document.read_text()
    pattern = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"{document.name} has no markers of {name}")
    block = "\n".join(lines)
    document.write_text(pattern.sub(lambda found: f"{found[1]}{block}\n{found[2]}", text))
