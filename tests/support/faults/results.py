"""What became of each fault that was injected: one JSON object a line, appended as soon as it is known.

Provides the row, the file, the table of RELIABILITY.md and the lines `make chaos` ends with. Counting is left to
`ledger` beside this.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

RESULTS = Path(__file__).parents[3] / ".chaos" / "results.jsonl"


@dataclass(frozen=True, slots=True)
class FaultRow:
    """One kind of fault, injected `faults` times.

    `lost`: slots that ended nowhere, logins the farm saw that nothing accounts for, outages nobody was told of.
    `duplicates_recorded`: checks recorded more than once; `absorbed`: results that came again and were dropped.
    `false_incidents`: incidents of mailboxes that were never down. `notices_again`: messages sent more than once, under
    the same key. `remark`: what the reader must know to judge the figures, such as what a minute stands for.
    """

    name: str
    faults: int
    slots: int
    lost: int = 0
    duplicates_recorded: int = 0
    absorbed: int = 0
    false_incidents: int = 0
    worst_lateness_s: float = 0.0
    recovery_s: float = 0.0
    notices_again: int = 0
    remark: str = ""

    @property
    def sound(self) -> bool:
        return not (self.lost or self.duplicates_recorded or self.false_incidents)


def append(row: FaultRow, path: Path = RESULTS) -> None:
    """Keep a row; safe to call from several processes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(asdict(row)).encode() + b"\n"
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, line)  # one write: lines of two processes do not mix
    finally:
        os.close(file)


def read(path: Path = RESULTS) -> list[FaultRow]:
    """The rows in the order they first came; of a name that came again, the newest."""
    rows: dict[str, FaultRow] = {}
    if path.exists():
        for line in path.read_text().splitlines():
            row = FaultRow(**json.loads(line))
            rows[row.name] = row
    return list(rows.values())


def table(rows: Iterable[FaultRow]) -> str:
    """As Markdown, for RELIABILITY.md."""
    lines = [
        "| fault | times | slots | lost | recorded twice | absorbed | false incidents | told again | worst lateness"
        " | recovered in |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        name = f"{row.name} ({row.remark})" if row.remark else row.name
        lines.append(
            f"| {name} | {row.faults} | {row.slots} | {row.lost} | {row.duplicates_recorded} | {row.absorbed}"
            f" | {row.false_incidents} | {row.notices_again} | {row.worst_lateness_s:.1f} s | {row.recovery_s:.1f} s |"
        )
    return "\n".join(lines)


def closing_lines(rows: Iterable[FaultRow]) -> list[str]:
    """What a run ends with, and what is asked of it: the last three are 0."""
    rows = list(rows)
    summed = ("faults", "slots", "lost", "duplicates_recorded", "false_incidents")
    assert set(summed) <= {each.name for each in fields(FaultRow)}
    return [f"chaos.{name} {sum(getattr(row, name) for row in rows)}" for name in summed]
