"""The secrets of services run apart: made once, each in the directories of those who need it, kept from then on."""

import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner
from yarl import URL

from cli.main import app
from shared.sealing import PrivateKeyRing, PublicKeyRing


def make(out: Path, *arguments: str) -> None:
    answer = CliRunner().invoke(app, ["secrets", "make", "--out", str(out), *arguments])
    assert answer.exit_code == 0, answer.output


def contents(out: Path) -> dict[str, str]:
    return {str(path.relative_to(out)): path.read_text().strip() for path in out.rglob("*") if path.is_file()}


def test_each_service_gets_its_own_users_and_only_the_keys_it_needs(tmp_path: Path) -> None:
    make(tmp_path, "--location", "eu-fra1")
    files = contents(tmp_path)
    by_folder = {folder.name: sorted(path.name for path in folder.iterdir()) for folder in tmp_path.iterdir()}
    worker = ["amqp-url", "private-keys"]
    assert by_folder["imap-worker-eu-fra1"] == by_folder["pop3-worker-eu-fra1"] == worker
    assert by_folder["notifier"] == ["channel-private-keys", "database-url"]
    assert by_folder["scheduler"] == by_folder["result-recorder"] == ["amqp-url", "database-url", "management-url"]
    held = ["amqp-url", "channel-public-keys", "database-url", "management-url", "public-keys"]
    assert by_folder["api-gateway"] == held
    users = {name: URL(text).user for name, text in files.items() if name.endswith(("amqp-url", "database-url"))}
    assert len({user for user in users.values() if user != "mailprobe"}) == len(
        {name.rpartition("/")[0] for name in users if not name.startswith("operator")}
    )
    passwords = [URL(text).password for name, text in files.items() if "/amqp-url." in name or "/database-url." in name]
    assert len(set(passwords)) == len(passwords)
    assert files["scheduler/amqp-url"] == files["operator/amqp-url.scheduler"]
    public = PublicKeyRing.from_json(files["api-gateway/public-keys"])
    private = PrivateKeyRing.from_json(files["imap-worker-eu-fra1/private-keys"])
    assert private.open(public.seal(b"password", b"context"), b"context") == b"password"


def test_nothing_is_for_anybody_else_to_read(tmp_path: Path) -> None:
    make(tmp_path, "--own-servers")
    for path in tmp_path.rglob("*"):
        if path.parent.name in ("postgres", "rabbitmq") or path.name in ("postgres", "rabbitmq"):
            continue  # read there by users of their own, in volumes of their own
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode in (0o700, 0o600) if path.parent != tmp_path or path.name != "keys" else mode & 0o022 == 0, path


def test_made_again_everything_stays(tmp_path: Path) -> None:
    make(tmp_path, "--own-servers")
    before = contents(tmp_path)
    make(tmp_path, "--own-servers")
    assert contents(tmp_path) == before


def test_another_host_keeps_the_passwords_and_a_new_location_gets_its_own(tmp_path: Path) -> None:
    make(tmp_path)
    before = contents(tmp_path)
    make(tmp_path, "--broker", "amqps://elsewhere:5671/mailprobe", "--location", "default", "--location", "us-nyc1")
    after = contents(tmp_path)
    assert URL(after["scheduler/amqp-url"]).password == URL(before["scheduler/amqp-url"]).password
    assert after["scheduler/amqp-url"].endswith("@elsewhere:5671/mailprobe")
    assert after["imap-worker-us-nyc1/private-keys"] == before["imap-worker-default/private-keys"]
    assert {name for name in before if name.startswith("keys/")} == {n for n in after if n.startswith("keys/")}
    assert all(after[name] == before[name] for name in before if name.startswith("keys/"))


def test_a_database_that_names_nobody_is_refused(tmp_path: Path) -> None:
    answer = CliRunner().invoke(
        app, ["secrets", "make", "--out", str(tmp_path), "--database", "postgresql://db/mailprobe"]
    )
    assert answer.exit_code == 1
    assert "names no user" in answer.output


@pytest.mark.parametrize("location", ["EU", "a.b", "a_b", "x" * 64])
def test_a_location_has_the_form_that_workers_take(tmp_path: Path, location: str) -> None:
    answer = CliRunner().invoke(app, ["secrets", "make", "--out", str(tmp_path), "--location", location])
    assert answer.exit_code == 1
    assert "is no code of a location" in answer.output
