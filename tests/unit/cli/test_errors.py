"""What goes wrong is said in a sentence, with an exit code, and never as a traceback."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.api_client import _fault
from cli.main import app
from shared.runtime import logs
from tests.support.plain_logs import log_plainly


@pytest.fixture(autouse=True)
def _logs_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A service that is started logs to the standard error of its run, which is closed when the run is over."""
    handlers, configure = logging.getLogger().handlers[:], logs.configure

    def not_for_good(*service: str, for_good: bool = False, **how: Any) -> None:
        configure(*service, **how)

    monkeypatch.setattr(logs, "configure", not_for_good)
    yield
    log_plainly()
    logging.getLogger().handlers[:] = handlers


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("MAILPROBE_TOKEN", "MAILPROBE_URL", "MAILPROBE_DATA", "MAILPROBE_DATABASE_URL", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("MAILPROBE_MANAGEMENT_URL", "MAILPROBE_RABBITMQ_MANAGEMENT_URL", "MAILPROBE_AMQP_URL", "AMQP_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def mailprobe(*arguments: str, stdin: str | None = None, **environment: str) -> Result:
    return CliRunner().invoke(app, list(arguments), input=stdin, env=environment)


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "words"),
    [
        (["status"], {}, 1, "there is no token"),
        (["status", "--token-file", "none"], {}, 1, "the token file none cannot be read"),
        (["status", "--url", "ftp://there"], {"MAILPROBE_TOKEN": "mp_x"}, 2, "is no address of a mailprobe"),
        (["status", "--url", "http://127.0.0.1:9"], {"MAILPROBE_TOKEN": "mp_x"}, 1, "Connection refused; is it"),
        (["monitors", "show", "no-uuid"], {}, 2, "public_id"),
        (["monitors", "rm", "7b0c8f1e-5f0a-4c8e-9d55-0a6a58f9f3aa"], {}, 1, "there is no token"),
        (["monitors", "add", "host", "--password-file", "x"], {"MAILPROBE_TOKEN": "mp_x"}, 2, "without --user"),
        (["migrate"], {}, 78, "MAILPROBE_DATABASE_URL is not set"),
        (["migrate", "--database-url", "mysql://x"], {}, 78, "MAILPROBE_DATABASE_URL is wrong"),
        (
            ["token", "list", "--database-url", "postgresql://nobody@127.0.0.1:9/none"],
            {},
            1,
            "the database 127.0.0.1:9/none: Connection refused",
        ),
        (["migrate", "--database-url", "postgresql://nobody@127.0.0.1:9/none"], {}, 1, "the database 127.0.0.1:9/none"),
        (["broker", "verify"], {}, 78, "MAILPROBE_MANAGEMENT_URL is not set"),
        (["broker", "apply", "--management-url", "http://127.0.0.1:9"], {}, 1, "127.0.0.1:9: Connection refused"),
        (["serve", "town_crier"], {}, 2, "town_crier"),
        (["serve", "notifier"], {}, 78, "MAILPROBE_CHANNEL_PRIVATE_KEYS is not set"),
    ],
)
def test_it_is_said_in_a_sentence(arguments: list[str], environment: dict[str, str], code: int, words: str) -> None:
    result = mailprobe(*arguments, **environment)
    assert result.exit_code == code, result.output
    assert words in " ".join(result.output.replace("│", " ").split())
    assert "Traceback" not in result.output


def test_a_field_is_named_once() -> None:
    assert _fault("/config/url", "config.url: it is required") == "config.url: it is required"
    assert _fault("/priority", "priority must be at least 0") == "priority must be at least 0"
    assert _fault("/tagIds/0", "Tag not found") == "tagIds.0: Tag not found"


def test_the_version_is_printed() -> None:
    result = mailprobe("--version")
    assert (result.exit_code, result.output.split()[0]) == (0, "mailprobe")


def test_help_says_where_the_token_comes_from() -> None:
    assert "MAILPROBE_TOKEN" in mailprobe("status", "--help").output


def test_a_password_is_no_argument() -> None:
    assert mailprobe("monitors", "add", "host", "--password", "x").exit_code == 2


@pytest.mark.parametrize(("stdin", "words"), [("", "is empty"), ("\n", "is empty"), ("x" * 5000, "longer than")])
def test_a_password_that_cannot_be_one_is_refused(stdin: str, words: str) -> None:
    result = mailprobe("monitors", "add", "host", "--user", "me", stdin=stdin, MAILPROBE_TOKEN="mp_x")
    assert result.exit_code == 2
    assert words in result.output
    assert "xxxx" not in result.output
