"""`mailprobe monitors import` beside a real gateway: what it says before anything is tried, and what it refuses."""

import csv
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cli.conftest import Command
from tests.support.recorder_desk import RecorderDesk

GMAIL = "address;password;protocol;interval\nanna@gmail.com;hunter2;;\nbea@gmail.com;hunter2;pop3;10\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mailboxes.csv"
    path.write_text(GMAIL)
    return path


def write(file: Path, content: str) -> None:
    file.write_text(content)


async def count(desk: RecorderDesk) -> Any:
    return await desk.value("SELECT count(*) FROM monitors")


async def test_a_dry_run_says_what_would_be_done_and_does_nothing(
    mailprobe: Command, desk: RecorderDesk, file: Path
) -> None:
    shown = await mailprobe("monitors", "import", str(file), "--dry-run")
    assert shown.exit_code == 0, shown.output
    lines = [line.split() for line in shown.stdout.splitlines()]
    assert lines[0] == ["line", "address", "host", "protocol", "security", "would"]
    assert lines[1][:6] == ["2", "anna@gmail.com", "imap.gmail.com:993", "imap", "tls", "add"]
    assert lines[2][:6] == ["3", "bea@gmail.com", "pop.gmail.com:995", "pop3", "tls", "add"]
    assert await count(desk) == 0
    assert "hunter2" not in shown.output


async def test_without_a_worker_nothing_is_imported(mailprobe: Command, desk: RecorderDesk, file: Path) -> None:
    refused = await mailprobe("monitors", "import", str(file))
    assert refused.exit_code == 1
    assert "no worker for imap and pop3 is there, so nothing could be tested" in refused.stderr
    assert await count(desk) == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("address,password\nanna,hunter2\n", "line 2: address has to be an e-mail address"),
        ("address,password,host\na@b.de,hunter2,mx.b.de\nA@b.de,hunter2,MX.b.de\n", "line 3: it is the same mailbox"),
        ("address,password,host,customer\na@b.de,hunter2,mx.b.de,Nobody\n", "line 2: no customer is called Nobody"),
    ],
)
async def test_a_file_with_faults_is_refused_as_a_whole(
    mailprobe: Command, desk: RecorderDesk, file: Path, content: str, said: str
) -> None:
    write(file, content)
    refused = await mailprobe("monitors", "import", str(file))
    assert refused.exit_code == 2
    assert said in refused.stderr
    assert "nothing was imported" in refused.stderr
    assert "hunter2" not in refused.output
    assert await count(desk) == 0


async def test_what_the_api_refuses_is_red_with_its_reason_and_the_rest_goes_on(
    mailprobe: Command, desk: RecorderDesk, file: Path, tmp_path: Path
) -> None:
    await desk.pool.execute(
        "WITH new AS ("
        "  INSERT INTO locations (code, name, last_seen_at) VALUES ('here', 'here', clock_ms()) RETURNING id)"
        " INSERT INTO location_workers SELECT id, 'pop3', 'w', 1, 0, clock_ms() FROM new"
    )
    write(file, "address,password,host,protocol,interval\na@b.de,hunter2,mx.b.de,pop3,1\n")
    red = tmp_path / "red.csv"
    answered = await mailprobe("monitors", "import", str(file), "--red", str(red), "--json")
    assert answered.exit_code == 1, answered.output
    assert '"end": "red"' in answered.stdout
    assert "checkInterval" in answered.stdout
    assert "checkInterval" in red.read_text()
    assert "--red FILE" not in answered.stderr
    again = await mailprobe("monitors", "import", str(red), "-o", "csv")
    (only,) = csv.DictReader(again.stdout.splitlines())
    assert (only["line"], only["address"], only["end"]) == ("2", "a@b.de", "red")
    assert "--red FILE" in again.stderr
    assert "not used" not in again.stderr
    assert await count(desk) == 0
    assert "hunter2" not in answered.output + again.output
