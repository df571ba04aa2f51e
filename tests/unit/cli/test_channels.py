"""What a channel is added with: fields as arguments, secrets never."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.channels import coverage_lines
from cli.main import app
from cli.status import incident_lines

MARKER = "marker-22c1"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("MAILPROBE_URL", "MAILPROBE_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MAILPROBE_TOKEN", "mp_x")
    monkeypatch.chdir(tmp_path)


def mailprobe(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, [*arguments, "--url", "http://127.0.0.1:9"], input=stdin)


@pytest.mark.parametrize(
    ("arguments", "stdin", "words"),
    [
        (["webhook", "--set", f"secret={MARKER}"], "", "secret is a secret, which is no argument"),
        (["webhook", "--set", "url"], "", "--set url=VALUE"),
        (["webhook", "--secret-file", "secret"], "", "--secret-file secret=FILE"),
        (["webhook", "--secret-file", "color=-"], "x\n", "not color"),
        (["email", "--ask", "secret"], "x\n", "has no secrets, not secret"),
        (["pushover"], f"{MARKER}\n", "no terminal to ask for the apiToken"),
        (["pushover", "--secret-file", "apiToken=-", "--secret-file", "userKey=-"], "", "not both"),
        (["slack"], "", "the secret of the slack channel is empty"),
        (["slack", "--secret-file", "secret=none"], "", "the file none of the secret of the slack channel"),
        (["webhook", "--secret-file", "headers=-"], f"X-Key: {MARKER}\n", "headers must be JSON"),
        (["pigeon"], "", "pigeon"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(arguments: list[str], stdin: str, words: str) -> None:
    result = mailprobe("channels", "add", *arguments, stdin=stdin)
    assert result.exit_code in (1, 2), result.output
    assert words in " ".join(result.output.replace("│", " ").split())
    assert MARKER not in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["add", "w", "--for", "2h"], "say for whom"),
        (["add", "w", "--monitor", "1"], "either --until or --for"),
        (["add", "w", "--monitor", "1", "--for", "2h", "--until", "now"], "either --until or --for"),
        (["add", "w", "--monitor", "1", "--for", "long"], "no length of time"),
        (["add", "w", "--monitor", "1", "--for", "2h", "--from", "soon"], "soon is no time"),
        (["add", "w", "--monitor", "1", "--for", "2h", "--zone", "Mars"], "no IANA time zone"),
        (["add", "w", "--monitor", "1", "--for", "2h", "--on", "mon"], "need --every"),
        (["add", "w", "--monitor", "1", "--for", "2h", "--every", "weekly", "--on", "moonday,xday"], "no list of days"),
        (["add", "w", "--monitor", "1", "--for", "2h"], "cannot reach mailprobe"),
        (["end"], "Missing argument"),
    ],
)
def test_maintenance_says_what_it_lacks(arguments: list[str], words: str) -> None:
    result = mailprobe("maintenance", *arguments)
    assert result.exit_code in (1, 2), result.output
    assert words in " ".join(result.output.replace("│", " ").split())


def test_it_is_said_whose_outages_nobody_hears_of() -> None:
    assert coverage_lines({"nobodyWouldBeTold": False, "customers": []}) == []
    customers = [{"name": f"c{number}", "monitors": number} for number in range(1, 8)]
    (line,) = coverage_lines({"nobodyWouldBeTold": True, "customers": customers})
    assert line.startswith("Nobody would be told of outages of c1 (1 monitors), c2 (2 monitors)")
    assert "c5 (5 monitors) and others:" in line


def test_open_incidents_are_counted() -> None:
    assert incident_lines(0) == []
    assert incident_lines(1) == ["1 incident is open; see `mailprobe incidents list`."]
    assert incident_lines(2) == ["2 incidents are open; see `mailprobe incidents list`."]
