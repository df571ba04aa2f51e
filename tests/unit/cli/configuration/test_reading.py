"""What files may say, and how what is wrong is told: with its place, and the likely word."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from cli.configuration.desired import desired
from cli.configuration.normal import Kind, Wanted
from cli.configuration.places import WrongConfiguration
from cli.configuration.reading import read_configuration
from cli.configuration.schema import json_schema
from cli.configuration.yaml_reading import read_yaml, write_yaml
from cli.main import app

SCHEMA = Path(__file__).parents[4] / "docs" / "mailprobe-configuration.schema.json"


def faults(tmp_path: Path, text: str, **options: bool) -> list[str]:
    path = tmp_path / "mail.yaml"
    path.write_text(text)
    try:
        desired(read_configuration([path], **options), **options)
    except WrongConfiguration as error:
        return [str(fault).removeprefix(f"{path}:") for fault in error.faults]
    return []


def monitors(tmp_path: Path, text: str) -> list[Wanted]:
    path = tmp_path / "mail.yaml"
    path.write_text(text)
    return desired(read_configuration([path]))[Kind.MONITOR]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("monitors: [{hostnam: a.example}]", "1:13: hostnam is no field here; is hostname meant?"),
        ("monitors: [{hostname: a.example, xyzzy: 1}]", "1:34: xyzzy is no field here; there are customer, hostname"),
        ("monitors:\n- hostname: a.example\n  hostname: b.example", "3:3: hostname is there already, in line 2"),
        ("monitors: [{hostname: https://a.example}]", "1:13: hostname has to be a host name alone"),
        ("monitors: [{hostname: a.example, port: 99999}]", "1:34: port has to be at most 65535"),
        ("monitors: [{hostname: a.example, port: '993'}]", "1:34: port has to be a whole number"),
        ("monitors: [{hostname: a.example, protocol: imap4}]", "1:34: protocol has to be one of 'imap' or 'pop3'"),
        ("monitors: [{hostname: a.example, checkInterval: 0.7}]", "1:34: checkInterval has to be a multiple of 0.5"),
        ("monitors: [{hostname: a.example, checkInterval: 0.5, timeoutSeconds: 31}]", "1:54: timeoutSeconds is longer"),
        ("monitors: [{hostname: a.example, password: {env: X}}]", "1:34: a password without a user"),
        ("monitors: [{hostname: a.example, user: me, password: abc}]", "1:44: a secret does not stand in the file"),
        ("monitors: [{hostname: a.example, user: me, password: {envv: X}}]", "1:44: password has to be {env: NAME}"),
        ("monitors: [{name: a}]", "1:12: hostname is required"),
        ("monitors: [{hostname: a.example}, {hostname: a.example}]", "1:35: a monitor of this name is in line 1"),
        ("monitors: [{hostname: a.example, extra: {user: x}}]", "1:42: extra.user: a field of its own"),
        ("monitors: {hostname: a.example}", "1:1: monitors has to be a list"),
        (
            "defaults: {monitors: {portt: 1}}\nmonitors: [{hostname: a.example}]",
            "1:23: portt is no field here; is port",
        ),
        ("channels: [{name: a, type: pigeon}]", "1:22: type has to be one of"),
        ("channels: [{name: a}]", "1:12: type is required"),
        ("channels: [{name: a, type: webhook, config: {url: nowhere}}]", "1:46: config.url: it has to be a URL"),
        ("channels: [{name: a, type: slack, config: {secret: x}}]", "1:44: config.secret: a secret does not stand"),
        ("channels: [{name: a, type: slack, config: {}}]", "1:35: config.secret: it is required"),
        ("maintenance: [{name: a, startTime: soon, duration: 1h, customer: x}]", "1:25: soon is no time"),
        ("maintenance: [{name: a, startTime: 2030-01-01T00:00, customer: x}]", "1:15: say when it ends"),
        ("maintenance: [{name: a, startTime: 2030-01-01T00:00, duration: 1h}]", "1:15: it is for nobody"),
        ("maintenance: [{name: a, startTime: 2030-01-01T00:00, duration: 1h, timeZone: Mars}]", "IANA time zone"),
        ("tags: [{name: a, color: mauve}]", "1:18: color has to be one of"),
        ("version: 2", "1:1: version has to be one of 1"),
        ("monitors: [", "did not find expected node content"),
        ("a: !!python/object:os.system x", "1:4: the tag"),
        ("[1, 2]", "1:1: the file has to be a mapping"),
        ("x-a: &a [*a]\nmonitors: []", "nested"),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(tmp_path: Path, text: str, said: str) -> None:
    found = faults(tmp_path, text)
    assert any(said in fault for fault in found), found


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    text = "monitors:\n- {hostname: a/b}\n- {hostname: a.example, port: 0}\ntags: [{}]\n"
    assert [fault.partition(": ")[0] for fault in faults(tmp_path, text)] == ["2:4", "3:25", "4:8"]


def test_laughs_multiplied_by_aliases_are_refused(tmp_path: Path) -> None:
    lines = ["x-0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    lines += [f"x-{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 9)]
    assert "more than 200000 values" in faults(tmp_path, "\n".join(lines))[0]


def test_words_mean_what_they_look_like() -> None:
    read = read_yaml(
        b"[NO, yes, on, 1:30, 0123, 1e5, 2026-12-31, true, null, 5, 0.5, '5', 12345678901234567890]", "f"
    ).value
    assert read == [
        *("NO", "yes", "on", "1:30", "0123", "1e5", "2026-12-31", True, None, 5, 0.5, "5", "12345678901234567890"),
    ]


@pytest.mark.parametrize(
    "value", ["NO", "1:30", "0123", "1e5", "5", "true", "~", "a: b", "# x", "", "ü\n", " x", "=1", 1.5, 7]
)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert read_yaml(write_yaml({"a": [value]}).encode(), "f").value == {"a": [value]}


def test_defaults_and_anchors_are_laid_under_what_an_entry_says(tmp_path: Path) -> None:
    one, two = monitors(
        tmp_path,
        """
x-pop: &pop {protocol: pop3, checkInterval: 10}
defaults:
  monitors: {hostname: MAIL.Example.com., tags: production, timeoutSeconds: 20}
monitors:
- {user: me, ipFamily: 4}
- {<<: *pop, name: other, checkInterval: 15, hostname: 192.0.2.1, tags: []}
""",
    )
    assert (one.name, one.fields["hostname"], one.fields["tags"]) == ("me", "mail.example.com", ["production"])
    assert (one.fields["ipFamily"], one.fields["timeoutSeconds"], one.fields["security"]) == ("4", 20, "tls")
    assert (two.fields["protocol"], two.fields["checkInterval"], two.fields["tags"]) == ("pop3", 15, [])


def test_several_files_are_one_configuration_of_one_manager(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("manager: team\ntags: [{name: one}]")
    (tmp_path / "b.yml").write_text("tags: [{name: two}]")
    read = read_configuration([tmp_path])
    assert (read.manager, [each.value.name for each in read.tags]) == ("team", ["one", "two"])
    (tmp_path / "b.yml").write_text("manager: others")
    with pytest.raises(WrongConfiguration, match="several managers: others, team"):
        read_configuration([tmp_path])


def test_a_secret_in_the_file_needs_to_be_allowed_and_is_never_shown(tmp_path: Path) -> None:
    text = "monitors: [{hostname: a.example, user: me, password: marker-1234}]"
    assert faults(tmp_path, text, allow_literal_secrets=True) == []
    path = tmp_path / "mail.yaml"
    refused = CliRunner().invoke(app, ["validate", str(path)])
    assert (refused.exit_code, "marker-1234" in refused.output) == (1, False)
    allowed = CliRunner().invoke(app, ["validate", str(path), "--allow-literal-secrets"])
    assert (allowed.exit_code, allowed.stdout) == (0, "Sound: 1 monitors, managed by files.\n")


def test_the_published_schema_is_that_of_the_models() -> None:
    assert json.loads(SCHEMA.read_text()) == json_schema(), "write it anew: mailprobe schema > docs/…"


@pytest.mark.parametrize(
    ("text", "sound"),
    [
        ("monitors: [{hostname: a.example, tags: one, password: {env: X}, user: me}]", True),
        ("monitors: [{hostname: a.example, password: abc, user: me}]", False),
        ("channels: [{name: a, type: slack, config: {secret: {file: x}}}]", True),
        ("channels: [{name: a, type: slack, config: {secret: x}}]", False),
        ("channels: [{name: a, type: email, config: {colour: red}}]", False),
        ("x-a: {b: c}", True),
        ("y: 1", False),
    ],
)
def test_editors_are_told_the_same_as_the_command(text: str, sound: bool) -> None:
    assert Draft202012Validator(json_schema()).is_valid(yaml.safe_load(text)) is sound
