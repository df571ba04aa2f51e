"""The report of `make chaos`: written between its marks, and nothing else touched."""

import pytest

from tests.faults.__main__ import BEGIN, END, RELIABILITY, main, report, written_into
from tests.support.faults import results
from tests.support.faults.results import FaultRow


def test_it_is_written_between_its_marks() -> None:
    document = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert written_into(document, "new") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    assert written_into(RELIABILITY.read_text(), "new").count("\nnew\n") == 1


def test_a_document_without_marks_is_left_alone() -> None:
    with pytest.raises(ValueError, match="RELIABILITY"):
        written_into("nothing to fill in", "new")


def test_the_sums_and_every_row_are_in_it() -> None:
    said = report([FaultRow("one", faults=2, slots=10), FaultRow("other", faults=1, slots=5)])
    assert "`chaos.faults 3`, `chaos.slots 15`, `chaos.lost 0`" in said
    assert "| one | 2 | 10 |" in said
    assert "| other | 1 | 5 |" in said
    assert "part of a run" in said
    whole = report([], minutes=61.6, at_once=5)
    assert "part of a run" not in whole
    assert "One run of 62 minutes, 5 parts side by side." in whole


@pytest.mark.parametrize(
    ("row", "code"),
    [(FaultRow("well", faults=1, slots=1), 0), (FaultRow("ill", faults=1, slots=1, lost=1), 1), (None, 1)],
    ids=["sound", "lost", "nothing ran"],
)
def test_what_was_lost_is_the_last_that_is_said_and_the_exit_code(
    row: FaultRow | None,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    kept = [] if row is None else [row]
    monkeypatch.setattr(results, "read", lambda: kept)
    assert main(["--only-report"]) == code
    assert capsys.readouterr().out.splitlines()[-5:] == results.closing_lines(kept)
