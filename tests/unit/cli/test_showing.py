"""Words, times and glyphs as people see them."""

import json
from datetime import UTC, datetime

import pytest

from cli.showing import ago, health_text, plain, print_json, print_table

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (None, "never"),
        ("2026-11-22T11:59:58.500Z", "1 s ago"),
        ("2026-11-22T12:00:05.000Z", "0 s ago"),
        ("2026-11-22T11:58:59.000Z", "1 min ago"),
        ("2026-11-22T09:00:00.000Z", "3 h ago"),
        ("2026-11-19T12:00:00.000Z", "3 d ago"),
    ],
)
def test_times_are_said_in_their_largest_unit(moment: str | None, said: str) -> None:
    assert ago(moment, now=NOW) == said


def test_text_of_others_steers_no_terminal() -> None:
    assert plain("a\x1b[2Jb\r\n[red]c").plain == "a\\x1b[2Jb\\r\\n[red]c"


def test_health_is_a_glyph_and_a_word() -> None:
    assert [health_text(each).plain for each in ("up", "degraded", "down", "unknown", "later")] == [
        "● up",
        "◐ degraded",
        "✖ down",
        "? unknown",
        "later",
    ]


def test_in_a_pipe_lines_are_whole_and_markup_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    long = "[bold]" + "word " * 60
    print_table(("name", "said"), [("a", long), ("b", "short")])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert long.strip() in lines[1]


def test_json_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    print_json([{"name": "Zürich"}])
    assert json.loads(capsys.readouterr().out) == [{"name": "Zürich"}]
