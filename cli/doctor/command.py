"""The verb: gathers what there is to look at, has it examined, and shows the findings."""

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import structlog
import typer
from pydantic import SecretStr
from rich.text import Text

from cli.doctor import database, keys, surroundings
from cli.doctor.database_store import DatabaseFacts, read_facts
from cli.doctor.finding import Finding, Standing, ill, unseen, well
from cli.doctor.processes import examine_processes
from cli.doctor.settings import DoctorSettings
from cli.failing import EXIT_USAGE, fail, finish
from cli.showing import console, plain, print_json
from shared.checks.target import target_from_monitor
from shared.database.embedded_running import running_dsn
from shared.database.errors import DatabaseError
from shared.database.opening import database_name
from shared.sealing import KeyRingError, PrivateKeyRing

_MOST_HOSTS = 20
_LOOKS = {Standing.WELL: ("✔", "green"), Standing.ILL: ("✖", "bold red"), Standing.UNSEEN: ("–", "dim")}


class Format(StrEnum):
    """How the findings are shown."""

    TEXT = "text"
    JSON = "json"


def doctor(
    mail_server: Annotated[
        list[str] | None,
        typer.Option(help="A mail server to reach, HOST:PORT; may be repeated. Else those of active monitors."),
    ] = None,
    process: Annotated[
        list[str] | None,
        typer.Option(help="The admin port of a running process, http://HOST:PORT; may be repeated."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="The data directory of `mailprobe run` [MAILPROBE_DATA].", show_default=False)
    ] = None,
    output: Annotated[Format, typer.Option("--format", help="For people or for programs.")] = Format.TEXT,
) -> None:
    """Look at everything mailprobe needs, as far as it is set here; exit code 1 where anything is wrong.

    Changes nothing, sends no mail and logs in to no mailbox.
    """
    targets = [_host_and_port(each) for each in mail_server or ()]
    processes = [_address(each) for each in process or ()]
    # What the libraries of ours log on the way is said by the findings.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    findings = finish(_examined(targets, processes, data))
    if output is Format.JSON:
        print_json([asdict(finding) for finding in findings])
    else:
        _show(findings)
    if any(finding.standing is Standing.ILL for finding in findings):
        raise typer.Exit(1)


async def _examined(targets: list[tuple[str, int]], processes: list[str], data: Path | None) -> list[Finding]:
    settings = DoctorSettings.load(**({"data": data} if data else {}))
    alone = settings.database_url is None and settings.amqp_url is None and (settings.data / "postgres").is_dir()
    facts, findings = await _database(settings, alone=alone)
    if not targets:
        targets = [_split(each) for each in settings.canary_targets] + _targets_of(facts)
    findings.append(await surroundings.examine_names([host for host, _ in targets], settings.dns_servers))
    findings += await surroundings.examine_egress(targets)
    if alone:
        findings.append(well("broker", "it is in the process of `mailprobe run`"))
    else:
        findings += await surroundings.examine_broker(
            _text(settings.amqp_url), _text(settings.management_url), facts.queues if facts else None
        )
    findings += _keys(settings, facts, alone=alone)
    tells_here = alone or settings.channel_private_keys is not None  # then the notifier's settings are those here
    wanted = facts.mail_wanted if facts and tells_here else None
    findings.append(await surroundings.examine_smtp(_text(settings.smtp_url), settings.mail_from, wanted=wanted))
    findings.append(_operators(settings, alone=alone))
    findings += await examine_processes(processes)
    return findings


async def _database(settings: DoctorSettings, *, alone: bool) -> tuple[DatabaseFacts | None, list[Finding]]:
    dsn = running_dsn(settings.data / "postgres") if alone else _text(settings.database_url)
    if dsn is None and alone:
        return None, [ill("database", f"nobody runs the database in {settings.data}", "start it: `mailprobe run`")]
    if dsn is None:
        return None, [unseen("database", "the database is not set here", "set MAILPROBE_DATABASE_URL")]
    try:
        facts = await read_facts(dsn, most_hosts=_MOST_HOSTS)
    except DatabaseError as error:
        return None, [
            ill("database", f"cannot use {database_name(dsn)}: {error}", "start it, or correct MAILPROBE_DATABASE_URL")
        ]
    return facts, database.examine(facts)


def _keys(settings: DoctorSettings, facts: DatabaseFacts | None, *, alone: bool) -> list[Finding]:
    passwords = facts.keys_of_passwords if facts else None
    channels = facts.keys_of_channels if facts else None
    if alone:
        return [
            _kept_keys("keys", settings.data / "private-keys.json", passwords),
            _kept_keys("channel keys", settings.data / "channel-private-keys.json", channels),
        ]
    return [
        keys.examine("keys", settings.public_keys, settings.private_keys, passwords),
        keys.examine("channel keys", settings.channel_public_keys, settings.channel_private_keys, channels),
    ]


def _kept_keys(name: str, path: Path, sealed_with: dict[str, int] | None) -> Finding:
    try:
        text = path.read_text()
        public = PrivateKeyRing.from_json(text).public().to_json()
    except OSError as error:
        return ill(name, f"cannot read {path}: {error.strerror}", "put it back from a backup")
    except KeyRingError as error:
        return ill(name, f"{path}: {error}", "put it back from a backup")
    return keys.examine(name, SecretStr(public), SecretStr(text), sealed_with)


def _operators(settings: DoctorSettings, *, alone: bool) -> Finding:
    ways = [
        name
        for name, value in (
            ("MAILPROBE_OPERATORS_CHANNEL", settings.operators_channel),
            ("MAILPROBE_DEAD_MANS_URL", settings.dead_mans_url),
        )
        if value is not None
    ]
    if ways:
        return well("operators", f"{' and '.join(ways)} would say that mailprobe has stopped checking")
    remedy = "set MAILPROBE_OPERATORS_CHANNEL or MAILPROBE_DEAD_MANS_URL of the notifier"
    said = "nobody would be told that mailprobe itself has stopped checking"
    if alone or settings.channel_private_keys is not None:  # these are the notifier's settings
        return ill("operators", said, remedy)
    return unseen("operators", "the notifier's settings are not set here", remedy)


def _targets_of(facts: DatabaseFacts | None) -> list[tuple[str, int]]:
    targets = []
    for hostname, port, _, config in (facts.hosts if facts else None) or ():
        target = target_from_monitor(
            hostname=hostname, port=port, timeout_seconds=30, config=dict(config), sealed_password=None
        )
        targets.append((target.hostname, target.port))
    return targets


def _host_and_port(text: str) -> tuple[str, int]:
    host, port = _split(text)
    if not host or not 1 <= port <= 65535:
        fail(f"{text} is no HOST:PORT, such as imap.example.org:993", code=EXIT_USAGE)
    return host, port


def _address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        fail(f"{text} is no address of an admin port, such as http://127.0.0.1:9100", code=EXIT_USAGE)
    return text


def _split(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port) if port.isdecimal() else 0


def _text(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret is not None else None


def _show(findings: list[Finding]) -> None:
    out = console()
    for finding in findings:
        glyph, style = _LOOKS[finding.standing]
        out.print(Text.assemble((glyph, style), " ", (finding.name, "bold"), ": ", plain(finding.said)))
        if finding.remedy:
            out.print(Text.assemble("  → ", plain(finding.remedy)))
    counted: dict[str, Any] = {each: sum(finding.standing is each for finding in findings) for each in Standing}
    out.print(
        f"\n{counted[Standing.WELL]} well, {counted[Standing.ILL]} wrong, {counted[Standing.UNSEEN]} not looked at."
    )
