"""`mailprobe check` as people and Nagios run it, against a real Dovecot."""

import asyncio
import json
import os
import pty
import sys
from asyncio.subprocess import PIPE
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.servers.dovecot import DovecotServer

MEMBERS = {"kind", "phase", "message", "hint", "server_words", "phases_ms", "certificate", "transcript"}
PASSWORD = "right password"
COMMAND = (sys.executable, "-m", "cli.main", "check")


@dataclass(frozen=True)
class Result:
    exit_code: int | None
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.stdout)
        return found


async def mailprobe(
    server: DovecotServer, protocol: str, *options: str, stdin: bytes = b"", **environment: str
) -> Result:
    ports = {
        "imap": {"--tls": server.imaps_port, "--starttls": server.imap_port, "--plain": server.imap_port},
        "pop3": {"--tls": server.pop3s_port, "--starttls": server.pop3_port, "--plain": server.pop3_port},
    }
    how = next((option for option in options if option in ports[protocol]), "--tls")
    process = await asyncio.create_subprocess_exec(
        *COMMAND, protocol, server.host, "--port", str(ports[protocol][how]),
        "--ca-file", str(server.ca_file), *options,
        stdin=PIPE, stdout=PIPE, stderr=PIPE,
        env={**os.environ, "MAILPROBE_PASSWORD": "", "PYTHONWARNINGS": "error", **environment},
    )  # fmt: skip
    out, err = await process.communicate(stdin)
    return Result(process.returncode, out.decode(), err.decode())


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
@pytest.mark.parametrize("how", ["--tls", "--starttls", "--plain"])
async def test_the_whole_result_as_json(dovecot: DovecotServer, protocol: str, how: str) -> None:
    result = await mailprobe(
        dovecot, protocol, how, "--user", "anna", "--password-stdin", "--format", "json", stdin=PASSWORD.encode()
    )
    assert result.exit_code == 0, result
    answer = result.json
    assert set(answer) >= MEMBERS
    assert answer["kind"] == "ok"
    assert answer["login"] == "accepted"
    assert {"dns", "connect", "greeting", "capability", "auth", "mailbox", "logout"} <= set(answer["phases_ms"])
    assert (answer["certificate"] is not None) == (how != "--plain")
    assert PASSWORD not in result.stdout + result.stderr
    assert "C: " in answer["transcript"]


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
async def test_without_a_user_it_ends_after_the_capabilities(dovecot: DovecotServer, protocol: str) -> None:
    result = await mailprobe(dovecot, protocol, "--format", "nagios")
    assert result.exit_code == 0, result
    assert result.stdout.startswith(f"{protocol.upper()} OK - Answered over TLS")
    assert "no login was asked for" in result.stdout
    assert "certificate_days=" in result.stdout
    assert dovecot.accepted_logins() == 0


async def test_the_password_from_a_file_and_from_the_environment(dovecot: DovecotServer, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    assert (await mailprobe(dovecot, "imap", "--user", "anna", "--password-file", str(file))).exit_code == 0
    assert (await mailprobe(dovecot, "pop3", "--user", "anna", MAILPROBE_PASSWORD=PASSWORD)).exit_code == 0
    assert dovecot.accepted_logins("anna") == 2


async def test_a_wrong_password_is_critical_and_shown_nowhere(dovecot: DovecotServer) -> None:
    for options in (["--format", "json"], ["--format", "nagios"], ["--verbose"]):
        result = await mailprobe(dovecot, "imap", "--user", "anna", *options, MAILPROBE_PASSWORD="wrong-5f1c")
        assert result.exit_code == 2
        assert "auth_rejected" in result.stdout
        assert "wrong-5f1c" not in result.stdout + result.stderr
    assert dovecot.rejected_logins("anna") == 3


async def test_what_is_asked_for_is_done(dovecot: DovecotServer) -> None:
    def ask(*options: str) -> Any:
        return mailprobe(dovecot, "imap", "--user", "anna", "--format", "json", *options, MAILPROBE_PASSWORD=PASSWORD)

    warned = await ask("--warn-days", "1000000", "--slow-ms", "1")
    assert warned.exit_code == 1
    assert {warning["code"] for warning in warned.json["warnings"]} == {"certificate_expiring", "slow"}
    missing = await ask("--mailbox", "Nowhere")
    assert (missing.exit_code, missing.json["kind"]) == (2, "mailbox_missing")
    named = await ask("--servername", "mail.example.org")
    assert (named.exit_code, named.json["kind"]) == (2, "tls_hostname")
    unverified = await ask("--no-verify", "--servername", "mail.example.org")
    assert (unverified.exit_code, unverified.json["kind"]) == (0, "ok")
    assert "not verified" in unverified.json["message"]
    unoffered = await ask("--auth", "scram-sha-256")
    assert (unoffered.exit_code, unoffered.json["kind"]) == (2, "auth_unsupported")
    six = await ask("--ipv6")
    assert six.exit_code in (2, 3)


async def test_phases_appear_on_a_terminal_as_they_happen(dovecot: DovecotServer) -> None:
    ours, its = pty.openpty()
    arguments = (*COMMAND, "imap", dovecot.host, "--port", str(dovecot.imaps_port), "--ca-file", str(dovecot.ca_file))
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    process = await asyncio.create_subprocess_exec(*arguments, stdin=its, stdout=its, stderr=its, env=environment)
    os.close(its)
    shown = b""
    loop = asyncio.get_running_loop()
    try:
        while piece := await loop.run_in_executor(None, os.read, ours, 4096):
            shown += piece
    except OSError:
        pass  # the terminal ends with its process
    finally:
        os.close(ours)
    assert await process.wait() == 0
    text = shown.decode()
    # Drawn again for every phase: the first ones stand there before the last ones are known.
    assert text.count("greeting") > 1
    assert text.index("connect") < text.index("capability")
    assert "● ok" in text
