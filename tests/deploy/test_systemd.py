"""The systemd units: what they run exists, what they set is understood, and each takes away what it does not need."""

import shlex
from collections import defaultdict
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from shared.runtime.settings import (
    GatewaySettings,
    NotifierSettings,
    RecorderSettings,
    SchedulerSettings,
    Settings,
    StandaloneSettings,
    WorkerSettings,
)

FOLDER = Path(__file__).parents[2] / "deploy/systemd"
UNITS = sorted(FOLDER.glob("*.service"))
SETTINGS: dict[str, tuple[str, type[Settings]]] = {
    "api_gateway": ("api-gateway", GatewaySettings),
    "scheduler": ("scheduler", SchedulerSettings),
    "result_recorder": ("result-recorder", RecorderSettings),
    "imap_worker": ("imap-worker-default", WorkerSettings),
    "pop3_worker": ("pop3-worker-default", WorkerSettings),
    "notifier": ("notifier", NotifierSettings),
}
TAKEN_AWAY = {
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectKernelModules": "yes",
    "ProtectControlGroups": "yes",
    "RestrictNamespaces": "yes",
    "RestrictSUIDSGID": "yes",
    "LockPersonality": "yes",
    "SystemCallArchitectures": "native",
    "UMask": "0077",
}


def directives(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for line in path.read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found[name].append(value)
    return found


def environment(path: Path) -> dict[str, str]:
    pairs = [pair for line in directives(path)["Environment"] for pair in shlex.split(line)]
    return {name: value for name, _, value in (pair.partition("=") for pair in pairs)}


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_is_hardened_and_ends_later_than_the_longest_check(path: Path) -> None:
    found = directives(path)
    assert {name: found[name] for name in TAKEN_AWAY} == {name: [value] for name, value in TAKEN_AWAY.items()}
    assert int(found["TimeoutStopSec"][0]) > 60
    assert found["Restart"] == ["always"]
    assert found.get("User", ["root"]) != ["root"] or found["DynamicUser"] == ["yes"]


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_what_a_unit_runs_is_a_verb_of_the_command(path: Path) -> None:
    program, verb, *_ = shlex.split(directives(path)["ExecStart"][0])
    assert Path(program).name == "mailprobe"
    assert CliRunner().invoke(app, [verb, "--help"]).exit_code == 0


@pytest.mark.parametrize("service", SETTINGS)
def test_each_service_finds_its_secrets_where_systemd_puts_them(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = CliRunner().invoke(app, ["secrets", "make", "--out", str(tmp_path / "secrets")])
    assert made.exit_code == 0, made.output
    folder, settings = SETTINGS[service]
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    for file in (tmp_path / "secrets" / folder).iterdir():
        (credentials / f"secrets_{file.name}").write_bytes(file.read_bytes())
    for name, value in environment(FOLDER / "mailprobe@.service").items():
        monkeypatch.setenv(name, value.replace("%d", str(credentials)))
    settings.load()


def test_the_one_process_takes_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(FOLDER / "mailprobe.service").items():
        monkeypatch.setenv(name, value)
    assert StandaloneSettings.load().data == Path("/var/lib/mailprobe")
