"""The rows of `make chaos`: kept, summed, and not to be mistaken for sound ones."""

from pathlib import Path

from tests.support.faults.results import FaultRow, append, closing_lines, read, table


def test_rows_are_kept_in_their_order_and_the_newest_of_a_name_counts(tmp_path: Path) -> None:
    path = tmp_path / "new" / "results.jsonl"
    append(FaultRow("broker killed", faults=1, slots=10, lost=3), path)
    append(FaultRow("receiver down", faults=2, slots=20, worst_lateness_s=1.25), path)
    append(FaultRow("broker killed", faults=1, slots=12, remark="once"), path)
    rows = read(path)
    assert [(row.name, row.slots, row.sound) for row in rows] == [
        ("broker killed", 12, True),
        ("receiver down", 20, True),
    ]
    assert "| broker killed (once) | 1 | 12 | 0 |" in table(rows)


def test_what_went_wrong_is_in_the_sums() -> None:
    rows = [
        FaultRow("a", faults=3, slots=10, lost=1),
        FaultRow("b", faults=1, slots=5, duplicates_recorded=2),
        FaultRow("c", faults=1, slots=5, false_incidents=1),
    ]
    assert [row.sound for row in rows] == [False] * 3
    assert closing_lines(rows) == [
        "chaos.faults 5",
        "chaos.slots 20",
        "chaos.lost 1",
        "chaos.duplicates_recorded 2",
        "chaos.false_incidents 1",
    ]
