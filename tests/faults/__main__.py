"""`make chaos`: every fault injected, and what became of it in one table.

`python -m tests.faults [--resume] [--only-report] [--write] [what is for pytest]`. Anew, unless it is to resume what an
earlier run left; a whole run writes RELIABILITY.md's table, part of one (`-k`) only with `--write`. Exits with 1 where
something was lost, recorded twice or told falsely, or a test failed.
"""

import argparse
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

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


def report(rows: list[results.FaultRow], *, whole: bool = True) -> str:
    """The table, and what made it; it says so where that was only part of a run."""
    sums = ", ".join(f"`{line}`" for line in results.closing_lines(rows))
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    where = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    busy = f"load average {os.getloadavg()[0]:.0f} in the end"
    part = "" if whole else "Each fault as it came out when part of a run last had it; what is not in it was not run. "
    return f"{part}{when}, {where}, {busy}: {sums}.\n\n{results.table(rows)}"


def main(arguments: list[str]) -> int:
    """Run, sum up, print; the exit code."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument(
        "--resume", action="store_true", help="keep the rows of an earlier run; newer ones replace them"
    )
    parser.add_argument("--only-report", action="store_true", help="run nothing: sum up the rows there are")
    parser.add_argument("--write", action="store_true", help="write RELIABILITY.md's table, although a part was run")
    given, for_pytest = parser.parse_known_args(arguments)
    code = 0
    if not given.only_report:
        if not given.resume:
            results.RESULTS.unlink(missing_ok=True)
        command = [sys.executable, "-m", "pytest", "-m", "chaos", "--timeout=3600", *for_pytest]
        code = subprocess.run(command, cwd=REPOSITORY, check=False).returncode
    rows = results.read()
    if given.write or not (for_pytest or given.only_report):
        whole = not (for_pytest or given.only_report)
        RELIABILITY.write_text(written_into(RELIABILITY.read_text(), report(rows, whole=whole)))
    print(f"\n{results.table(rows)}\n")
    print("\n".join(results.closing_lines(rows)), flush=True)
    return code or int(not rows or not all(row.sound for row in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
