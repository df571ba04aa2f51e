"""What the machine lacks of the real servers is named, each with the command that installs it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.servers import needs

ABSENT = needs.Need(what="Absent", places=("/nowhere/absent",), package="absent-server", brew="absent")


def test_a_missing_server_is_named_with_the_command_for_this_system() -> None:
    assert needs.missing((ABSENT,)) == [ABSENT]
    assert needs.in_words([ABSENT], platform="linux") == (
        "Absent is missing; install it with: sudo apt-get install -y --no-install-recommends absent-server"
    )
    assert needs.in_words([ABSENT], platform="darwin") == "Absent is missing; install it with: brew install absent"


def test_what_is_there_is_not_missing(tmp_path: Path) -> None:
    program = tmp_path / "server"
    program.write_text("")
    present = needs.Need(what="Present", places=("/nowhere/server", str(program)), package="p", brew="p")
    assert needs.missing((present,)) == []
    assert present.found() == program


def test_the_command_fails_when_something_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(needs, "missing", lambda: [ABSENT])
    assert needs.main([]) == 1
    assert "Absent is missing" in capsys.readouterr().err
    assert needs.main(["--packages"]) == 0
    assert capsys.readouterr().out == "absent-server\n"


def test_the_command_runs_before_anything_is_installed() -> None:
    answer = subprocess.run(
        [sys.executable, "-I", "-S", needs.__file__, "--packages"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (answer.returncode, answer.stderr) == (0, "")
