"""What `make run` prints can be pasted as it stands."""

import shlex
import sys
from pathlib import Path

import pytest

from services.standalone.announcement import announcement


def test_the_printed_command_is_found_from_anywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [".venv/bin/mailprobe", "run"])
    text = announcement("http://127.0.0.1:8080", "mp_x", Path("/my data/first-token"))
    (line,) = (line for line in text.splitlines() if " status " in line)
    assert shlex.split(line) == [
        str(tmp_path / ".venv/bin/mailprobe"),
        *("status", "--url", "http://127.0.0.1:8080", "--token-file", "/my data/first-token"),
    ]


def test_that_nobody_would_be_told_is_said_only_where_it_is_so() -> None:
    told = announcement("http://127.0.0.1:8080", "mp_x", Path("/data/first-token"))
    untold = announcement("http://127.0.0.1:8080", "mp_x", Path("/data/first-token"), somebody_told=False)
    assert "Nobody would be told" not in told
    assert "Nobody would be told of an outage" in untold
    assert "channels add" in untold


def test_the_set_up_link_is_said_while_nobody_can_sign_in() -> None:
    link = "http://127.0.0.1:8080/set-up#once"
    fresh = announcement("http://127.0.0.1:8080", "mp_x", Path("/data/first-token"), set_up_link=link)
    settled = announcement("http://127.0.0.1:8080", "mp_x", Path("/data/first-token"))
    assert link in fresh.splitlines()
    assert "set-up" not in settled
    assert "First token: mp_x" in fresh
