"""What a program reads: one form or another of the same answer, and nothing else beside it."""

import csv
import io
import json

import pytest
import yaml
from typer.testing import CliRunner

from cli.main import app
from cli.output import Format, printed

ITEMS = [
    {"name": "info", "health": {"failures": 0, "ok": True}, "tags": [], "port": None},
    {"name": '=HYPERLINK("x")', "tags": [{"id": 1}], "more": 'a "quoted", text'},
]


def shown(output: Format, capsys: pytest.CaptureFixture[str], **options: bool) -> str:
    assert printed(output, ITEMS, **options)
    return capsys.readouterr().out


def test_the_same_is_said_in_each_form(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(shown(Format.JSON, capsys)) == ITEMS
    assert json.loads(shown(Format.TABLE, capsys, json=True)) == ITEMS
    assert yaml.safe_load(shown(Format.YAML, capsys)) == ITEMS
    assert printed(Format.TABLE, ITEMS) is False
    assert capsys.readouterr().out == ""


def test_csv_has_a_column_for_each_field_of_any_and_no_formula(capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(csv.DictReader(io.StringIO(shown(Format.CSV, capsys))))
    assert list(rows[0]) == ["name", "health.failures", "health.ok", "tags", "port", "more"]
    assert (rows[0]["health.ok"], rows[0]["port"], rows[0]["tags"]) == ("true", "", "")
    assert (rows[1]["name"], rows[1]["tags"]) == ('\'=HYPERLINK("x")', '[{"id": 1}]')
    assert rows[1]["more"] == 'a "quoted", text'


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script_of_its_own(shell: str) -> None:
    result = CliRunner().invoke(app, ["completion", shell])
    assert (result.exit_code, f"complete_{shell}" in result.output) == (0, True)


@pytest.mark.parametrize(
    "verbs",
    [
        "monitors list show add change pause resume remove check test history",
        "customers list show add change cancel",
        "incidents list show ack note snooze",
        "maintenance list show add end",
        "channels list show add change test remove",
        "tags list add change remove assign unassign",
        "packages list change",
        "locations list",
    ],
)
def test_every_group_has_its_verbs(verbs: str) -> None:
    group, *names = verbs.split()
    listed = CliRunner().invoke(app, [group, "--help"]).output
    assert [name for name in names if f" {name} " not in listed] == []
