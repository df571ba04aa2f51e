"""Parts side by side: which begin when, what is heard of them, and what becomes of those that fail or are stopped."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.faults.side_by_side import in_order, run

ALONE = "tests/end_to_end/test_flooded_api.py::test_flooded[together]"

# In place of pytest: passes, fails, or waits until it is told to end; it writes down that it began and that it ended.
_PART = """
import pathlib, signal, sys
folder, part = pathlib.Path(sys.argv[1]), sys.argv[-1]
def note(word):
    with (folder / "notes").open("a") as notes:
        notes.write(f"{word} {part}\\n")
try:
    note("began")
    print("hello from", part, flush=True)
    if "waits" in part:
        signal.pause()
except KeyboardInterrupt:
    note("in order")
    sys.exit(2)
note("ended")
sys.exit("ill" in part)
"""


def _notes(folder: Path) -> list[str]:
    path = folder / "notes"
    return path.read_text().splitlines() if path.exists() else []


def test_the_slowest_begin_first_and_what_measures_runs_last() -> None:
    found = ["x.py::test_a", ALONE, "x.py::test_faults[processes]", "x.py::test_outage[full]"]
    assert in_order(found) == ["x.py::test_outage[full]", "x.py::test_faults[processes]", "x.py::test_a", ALONE]


def test_every_part_runs_and_those_that_fail_are_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    found = ["x.py::test_well[1]", "x.py::test_ill[2]", "x.py::test_well[3]", ALONE]
    command = [sys.executable, "-c", _PART, str(tmp_path)]
    assert run(tmp_path, found, ["-k", "test"], at_once=2, command=command) == ["x.py::test_ill[2]"]
    notes = _notes(tmp_path)
    assert sorted(notes[:-2]) == sorted(f"{word} {part}" for part in found[:3] for word in ("began", "ended"))
    assert notes[-2:] == [f"began {ALONE}", f"ended {ALONE}"], "what is to be alone was not"
    said = capfd.readouterr().out
    assert "| hello from x.py::test_well[3]" in said
    assert said.count("= passed after") == 3
    assert said.count("= failed after") == 1


def test_a_run_that_is_stopped_ends_its_parts_in_order_and_begins_no_other(tmp_path: Path) -> None:
    found = ["x.py::test_waits[1]", "x.py::test_waits[2]", "x.py::test_late[3]", ALONE]

    def stop() -> None:
        deadline = time.monotonic() + 60
        while len(_notes(tmp_path)) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    stopper = threading.Thread(target=stop)
    stopper.start()
    command = [sys.executable, "-c", _PART, str(tmp_path)]
    failed = run(tmp_path, found, [], at_once=2, command=command)
    stopper.join()
    assert sorted(failed) == sorted(found)
    ended = sorted(line for line in _notes(tmp_path) if not line.startswith("began"))
    assert ended == [f"in order {part}" for part in found[:2]]
