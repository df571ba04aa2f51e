"""`mailprobe check`: what it takes, what it refuses, and how an answer looks to Nagios; no server is asked."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.check import check
from cli.check_showing import Asked, Format, Status, show
from cli.main import app
from shared.checks import outcome as outcomes
from shared.checks.outcome import Outcome
from shared.checks.target import CheckTarget
from shared.checks.vocabulary import OutcomeKind, Phase, WarningCode
from tests.support.plain_logs import log_plainly

TARGET = CheckTarget(protocol="imap", hostname="mail.example.org", port=993, security="tls")


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("PASSWORD", "PASSWORD_FILE", "CA_FILE", "DNS_SERVERS", "ALLOWED_PRIVATE_NETWORKS"):
        monkeypatch.delenv(f"MAILPROBE_{name}", raising=False)
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    # The command sends logs to its own stderr, which ends with the command.
    log_plainly()
    root.handlers[:] = handlers
    root.setLevel(level)


def mailprobe(*arguments: str, stdin: bytes | None = None, **environment: str) -> Result:
    return CliRunner().invoke(app, ["check", *arguments], input=stdin, env=environment)


def of(kind: OutcomeKind, *warnings: WarningCode) -> Outcome:
    said = tuple(outcomes.Warning(code=code, text=f"beware of {code}") for code in warnings)
    return Outcome(kind=kind, phase=Phase.AUTH, message="A sentence.", warnings=said)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (of(OutcomeKind.OK), 0),
        (of(OutcomeKind.OK, WarningCode.UNVERIFIED, WarningCode.PLAINTEXT_PASSWORD), 0),
        (of(OutcomeKind.OK, WarningCode.CERTIFICATE_EXPIRING), 1),
        (of(OutcomeKind.OK, WarningCode.SLOW), 1),
        (of(OutcomeKind.MAILBOX_LOCKED), 1),
        (of(OutcomeKind.RATE_LIMITED), 1),
        (of(OutcomeKind.AUTH_TEMPORARY), 1),
        (of(OutcomeKind.AUTH_REJECTED), 2),
        (of(OutcomeKind.CONNECT_REFUSED), 2),
        (of(OutcomeKind.BLOCKED_TARGET), 3),
        (of(OutcomeKind.INTERNAL), 3),
    ],
)
def test_the_exit_code_goes_by_nagios(answer: Outcome, code: int) -> None:
    assert Status.of(answer).exit_code == code


def test_to_nagios_an_answer_is_one_line_whatever_the_server_said(capsys: pytest.CaptureFixture[str]) -> None:
    answer = Outcome(
        kind=OutcomeKind.AUTH_REJECTED,
        phase=Phase.AUTH,
        message="Rejected | time=0",
        server_words="no\\x0a | x=1\x1b[31m",
        phases_ms={Phase.DNS: 1.5},
        total_ms=20.0,
    )
    show(Asked(TARGET.model_copy(update={"warning_ms": 500}), Format.NAGIOS, verbose=False), answer)
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    assert line.count("|") == 1
    assert "\x1b" not in line
    assert line.startswith("IMAP CRITICAL - auth_rejected at auth: ")
    assert line.endswith(" | time=0.020000s;0.5;;0;30 dns=0.001500s;;;0\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["imap"], "Missing argument"),
        (["smtp", "host"], "No such command"),
        (["imap", "host", "--password", "x"], "No such option"),
        (["imap", "host", "--tls", "--plain"], "choose one of --tls"),
        (["imap", "host", "--ipv4", "--ipv6"], "choose one of --ipv4"),
        (["imap", "imaps://host"], "no bare host name"),
        (["imap", "host:993"], "a port goes into --port"),
        (["imap", "ex ample"], "no host name has"),
        (["imap", "host", "--servername", "x@y"], "no bare host name"),
        (["imap", "host", "--user", "a\nb"], "line end or a NUL"),
        (["pop3", "host", "--mailbox", "Drafts"], "one mailbox only"),
        (["imap", "host", "--timeout", "61"], "--timeout"),
        (["imap", "host", "--ca-file", "/nowhere"], "there is no file /nowhere"),
        (["imap", "host", "--user", "me"], "there is no password"),
        (["imap", "host", "--password-stdin"], "no login"),
        (["imap", "host", "--user", "me", "--password-file", "/nowhere"], "cannot be read"),
        (["imap", "host", "--user", "me", "--password-file", "-", "--password-stdin"], "keep one of them"),
    ],
)
def test_what_makes_no_check_is_unknown_and_never_critical(arguments: list[str], words: str) -> None:
    result = mailprobe(*arguments)
    assert result.exit_code == 3, result.output
    assert words in " ".join(result.output.replace("│", " ").split())
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("stdin", "words"), [(b"", "is empty"), (b"\n", "is empty"), (b"x" * 5000, "longer than"), (b"a\r\nb", "line end")]
)
def test_a_password_that_cannot_be_one_is_refused(stdin: bytes, words: str) -> None:
    result = mailprobe("imap", "host", "--user", "me", "--password-stdin", "--format", "nagios", stdin=stdin)
    assert result.exit_code == 3
    assert words in result.stdout
    assert result.stdout.startswith("IMAP UNKNOWN - ")
    assert "xxxx" not in result.output


def test_a_program_gets_json_even_where_there_was_no_check() -> None:
    result = mailprobe("imap", "host", "--user", "me", "--format", "json", "--password-file", "/nowhere")
    assert result.exit_code == 3
    answer = json.loads(result.stdout)
    assert (answer["kind"], answer["status"], answer["exit_code"]) == ("internal", "unknown", 3)
    assert "/nowhere" in answer["message"]


def test_a_file_that_is_no_certificate_is_said_before_any_connection(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    result = mailprobe("imap", "127.0.0.1", "--port", "9", "--ca-file", str(tmp_path / "ca.pem"))
    assert result.exit_code == 3
    assert "Traceback" not in result.output


def test_an_address_no_mail_server_has_is_blocked() -> None:
    result = mailprobe("imap", "224.0.0.1", "--format", "json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["kind"] == "blocked_target"


def test_a_setting_that_is_wrong_is_said(tmp_path: Path) -> None:
    result = mailprobe("imap", "127.0.0.1", MAILPROBE_ALLOWED_PRIVATE_NETWORKS="nonsense")
    assert result.exit_code == 3
    assert "MAILPROBE_ALLOWED_PRIVATE_NETWORKS" in result.output


def test_both_protocols_are_there() -> None:
    assert {command.name for command in check.registered_commands} == {"imap", "pop3"}
