"""`make chaos`: every fault injected, and what became of it in one table.

`python -m tests.faults [--at-once N] [--resume] [--only-report] [--write] [what is for pytest]`.
Its parts run side by side; anew, unless it is to resume what an earlier run left. A whole run in which every part came
to a good end writes RELIABILITY.md's table, anything else only with `--write`. Exits with 1 where something was lost,
recorded twice or told falsely, or a part failed or was not begun.
"""

import argparse
import os
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.side_by_side import parts, run
from tests.support.faults import results

REPOSITORY = Path(__file__).parents[2]
RELIABILITY = REPOSITORY / "RELIABILITY.md"
BEGIN, END = "<!-- written by make chaos -->", "<!-- end -->"


def written_into(document: str, text: str) -> str:
    """The document with this between its two marks."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"RELIABILITY.md has no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def report(rows: list[results.FaultRow], *, minutes: float | None = None, at_once: int = 1) -> str:
    """The table, and what made it: one whole run that took so long, or parts of several."""
    sums = ", ".join(f"`{line}`" for line in results.closing_lines(rows))
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    where = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    busy = f"load average {os.getloadavg()[0]:.0f} in the end"
    part = (
        "Each fault as it came out when part of a run last had it; what is not in it was not run. "
        if minutes is None
        else f"One run of {minutes:.0f} minutes, {at_once} parts side by side. "
    )
    return f"{part}{when}, {where}, {busy}: {sums}.\n\n{results.table(rows)}"


def main(arguments: list[str]) -> int:
    """Run, sum up, print; the exit code."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument(
        "--resume", action="store_true", help="keep the rows of an earlier run; newer ones replace them"
    )
    parser.add_argument("--only-report", action="store_true", help="run nothing: sum up the rows there are")
    parser.add_argument("--write", action="store_true", help="write RELIABILITY.md's table, although a part was run")
    parser.add_argument("--at-once", type=int, default=6, help="so many parts side by side")
    given, for_pytest = parser.parse_known_args(arguments)
    failed: list[str] = []
    began = time.monotonic()
    if not given.only_report:
        if not given.resume:
            results.RESULTS.unlink(missing_ok=True)
        found = parts(REPOSITORY, for_pytest)
        print(f"{len(found)} parts, {given.at_once} at once", flush=True)
        failed = run(REPOSITORY, found, for_pytest, at_once=given.at_once) if found else ["nothing is called so"]
    minutes = None
    if not (for_pytest or given.only_report or given.resume or failed):
        minutes = (time.monotonic() - began) / 60
    rows = results.read()
    if given.write or minutes is not None:
        text = report(rows, minutes=minutes, at_once=given.at_once)
        RELIABILITY.write_text(written_into(RELIABILITY.read_text(), text))
    print(f"\n{results.table(rows)}\n")
    for part in failed:
        print(f"failed, or not begun: {part}")
    print("\n".join(results.closing_lines(rows)), flush=True)
    return int(bool(failed) or not rows or not all(row.sound for row in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
