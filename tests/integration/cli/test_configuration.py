"""Configuration as files against a real gateway: compared, applied, exported, applied again."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cli.api_client import ApiClient
from cli.configuration.applying import Outcome, carry_out
from cli.configuration.comparing import Wishes, compare
from cli.configuration.exporting import Exported, exported
from cli.configuration.fingerprints import Fingerprints
from cli.configuration.places import WrongConfiguration
from cli.configuration.planning import Plan
from cli.configuration.reading import read_configuration
from cli.configuration.server import look
from cli.configuration.showing import plan_lines
from cli.configuration.yaml_reading import write_yaml
from shared.database.pool import GATEWAY_ROLE, open_pool, organization_transaction
from tests.support.command_session import Session
from tests.support.recorder_desk import RecorderDesk

MARKER = "marker-71d4-secret"
PLAIN = Wishes()

EVERYTHING = """
version: 1
manager: mail-team
x-often: &often {checkInterval: 5}
defaults:
  monitors: {customer: Müller & Söhne, tags: production}
customers:
  - name: Müller & Söhne
    email: ops@mueller.example
    customFields: {contract: 4711}
    allowedCheckCountryCodes: [NO, de]
    alertLocationThresholdCount: 1
  - name: My mailboxes
tags:
  - {name: production, color: red}
channels:
  - key: hook
    name: Hook
    type: webhook
    config:
      url: https://93.184.215.14/hook
      secret: {env: HOOK_SECRET}
      headers: {X-Key: {env: HOOK_KEY}}
    minIncidentDuration: 60
  - name: People of Müller
    customer: Müller & Söhne
    type: email
    config: {email: ops@example.com, recipients: [b@example.com]}
    fallback: hook
monitors:
  - <<: *often
    key: info
    name: Info
    hostname: Mail.Müller.Example.
    user: info@mueller.example
    password: {file: info.secret}
    ipFamily: 4
    verifyCertificate: false
    servername: mail.example.com
    allowedCheckCountryCodes: [NO]
    extra: {note: kept as it is, tlsOptions: {minVersion: TLSv1.2}}
  - name: Info
    protocol: pop3
    security: starttls
    hostname: pop.example.com
    port: 1110
    user: info
    password: {env: POP_PASSWORD}
    notificationEmail: on-call@example.com
    tags: [production, slow]
    status: maintenance
  - name: Banner
    customer: My mailboxes
    hostname: 93.184.215.14
    security: none
    tags: []
maintenance:
  - name: Patches
    startTime: 2026-07-07T02:00
    duration: 90m
    timeZone: Europe/Berlin
    recurrence: {frequency: weekly, daysOfWeek: [tue, sun], endRecurrenceDate: 2099-12-31}
    monitors: info
  - key: move
    name: The move
    description: "to another house: all of it"
    startTime: 2099-03-01T00:00:00Z
    endTime: 2099-03-02T00:00:00+01:00
    tags: slow
  - name: Müller rests
    startTime: 2099-03-01T00:00
    duration: 1d
    customer: Müller & Söhne
"""


def _edit(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text, before
    path.write_text(text.replace(before, after))


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file, beside it what it reads, and the variables it names."""
    (tmp_path / "info.secret").write_text(MARKER + "\n")
    for name in ("HOOK_SECRET", "HOOK_KEY", "POP_PASSWORD"):
        monkeypatch.setenv(name, f"{MARKER}-{name}")
    path = tmp_path / "mail.yaml"
    path.write_text(EVERYTHING)
    return path


@dataclass
class Mail:
    """Files, and the mailprobe they are compared with."""

    api: ApiClient
    folder: Path

    def write(self, text: str, name: str = "mail.yaml") -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    async def compared(self, path: Path, wishes: Wishes = PLAIN) -> Plan:
        return await compare(self.api, read_configuration([path]), self._fingerprints(path), wishes)

    async def applied(self, path: Path, **wishes: bool) -> Outcome:
        configuration, fingerprints = read_configuration([path]), self._fingerprints(path)
        plan = await compare(self.api, configuration, fingerprints, Wishes(**wishes, secrets_needed=True))
        outcome = await carry_out(
            self.api, plan, manager=configuration.manager, fingerprints=fingerprints, said=lambda *_: None
        )
        fingerprints.save()
        return outcome

    async def exported(self) -> Exported:
        return exported(await look(self.api), manager=None, now=datetime.now(UTC))

    def _fingerprints(self, path: Path) -> Fingerprints:
        return Fingerprints.load(path.with_suffix(".state"))


@pytest.fixture
def mail(api: ApiClient, files: Path) -> Mail:
    return Mail(api, files.parent)


def shown(plan: Plan) -> list[str]:
    return [str(line) for line in plan_lines(plan)]


async def test_the_commands_say_by_their_exit_codes_what_there_is_to_do(session: Session, files: Path) -> None:
    new = await session("diff", str(files))
    assert (new.exit_code, "+ monitor  Info (Müller & Söhne)" in new.stdout) == (2, True), new.output
    assert "11 to make, 1 as they should be." in new.stdout
    applied = await session("apply", str(files))
    assert (applied.exit_code, "11 steps taken" in applied.stdout) == (0, True), applied.output
    same = await session("diff", str(files))
    assert (same.exit_code, same.stdout) == (0, "12 as they should be.\n"), same.output
    told = await session("export")
    assert told.exit_code == 0, told.output
    assert "set 4 variables before applying it: " in told.stderr
    assert not [each for each in (new, applied, same, told) if MARKER in each.output]


async def test_what_was_exported_and_wiped_is_there_again_without_a_difference(
    mail: Mail, desk: RecorderDesk, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await mail.applied(files)
    assert (len(first.done), first.failed, first.stopped) == (11, [], None)
    assert shown(await mail.compared(files, Wishes(prune=True))) == []
    told = await mail.exported()
    info = next(each for each in told.document["monitors"] if each.get("key") == "info")
    assert (info["hostname"], info["allowedCheckCountryCodes"]) == ("mail.xn--mller-kva.example", ["NO"])
    assert info["extra"] == {"note": "kept as it is", "tlsOptions": {"minVersion": "TLSv1.2"}}
    assert MARKER not in write_yaml(told.document)
    for name in told.variables:
        monkeypatch.setenv(name, MARKER)
    written = mail.write(write_yaml({**told.document, "manager": "mail-team"}), "exported.yaml")
    renamed = shown(await mail.compared(written, Wishes(prune=True)))
    assert [line for line in renamed if not line.startswith(("~", "    key: "))] == [], renamed

    assert len((await mail.applied(mail.write("manager: mail-team"), prune=True)).done) == 10
    async with (
        open_pool(desk.dsn, role=GATEWAY_ROLE, application_name="test") as pool,
        organization_transaction(pool, 1) as connection,
    ):
        # Windows that are gone are kept for history's sake, and name whose they were.
        await connection.execute("UPDATE maintenance_windows SET customer_id = NULL, whole_customer = false")
        await connection.execute("DELETE FROM customers WHERE id <> 10")
    assert [await mail.api.monitors(), await mail.api.channels(), await mail.api.windows()] == [[], [], []]

    second = await mail.applied(written)
    assert (len(second.done), second.failed, second.stopped) == (11, [], None)
    last = await mail.compared(written, Wishes(prune=True))
    assert (shown(last), last.same) == ([], 12)
    again = await mail.exported()
    assert {**again.document, "manager": ""} == {**told.document, "manager": ""}


async def test_a_password_is_sent_again_only_when_it_changed(
    mail: Mail, desk: RecorderDesk, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def credential() -> Any:
        return await desk.value("SELECT credential_id FROM monitors WHERE hostname = 'pop.example.com'")

    await mail.applied(files)
    state = files.with_suffix(".state")
    assert (state.stat().st_mode & 0o777, MARKER in state.read_text()) == (0o600, False)
    first = await credential()
    _edit(files, "port: 1110", "port: 1110\n    warningMs: 900")
    assert len((await mail.applied(files)).done) == 1
    assert await credential() == first
    monkeypatch.setenv("POP_PASSWORD", "another")
    assert "    password: changed" in shown(await mail.compared(files))
    assert len((await mail.applied(files)).done) == 1
    second = await credential()
    assert second != first
    # Whose binding changes gets its password again, without which the API would refuse the change.
    _edit(files, "port: 1110", "port: 2110")
    assert (await mail.applied(files)).failed == []
    assert await credential() != second

    state.unlink()
    monkeypatch.delenv("POP_PASSWORD")
    unknown = await mail.compared(files)
    assert (unknown.steps, unknown.assumed) == ((), 4)
    with pytest.raises(WrongConfiguration, match="the variable POP_PASSWORD is not set"):
        await mail.applied(files, resend=True)


async def test_only_what_the_manager_made_is_removed(mail: Mail) -> None:
    def described(manager: str, *names: str) -> Path:
        monitors = "".join(f"- {{name: {name}, hostname: mail.example.com}}\n" for name in names)
        return mail.write(f"manager: {manager}\nmonitors:\n{monitors}", f"{manager}.yaml")

    (customer,) = await mail.api.customers()
    body = {"customerId": customer["id"], "name": "by hand", "hostname": "mail.example.com"}
    await mail.api.add_monitor({**body, "imapPopConfig": {"tls": True}})
    await mail.applied(described("ours", "one", "two"))
    await mail.applied(described("theirs", "three"))
    ours = described("ours", "one", "by hand")
    assert (await mail.compared(ours)).abandoned == 1
    assert len((await mail.applied(ours, prune=True)).done) == 2
    left = {each["name"]: each["managedBy"] for each in await mail.api.monitors()}
    assert left == {"one": "ours", "by hand": "ours", "three": "theirs"}
    ours = described("ours", "three")
    with pytest.raises(WrongConfiguration, match="is managed by theirs; --take-over"):
        await mail.applied(ours)
    assert len((await mail.applied(ours, take_over=True)).done) == 1


async def test_what_could_not_be_done_is_said_and_the_rest_is_done(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "mail.yaml"
    path.write_text(
        """
monitors:
  - {name: well, hostname: mail.example.com}
  - {name: too often, hostname: mail.example.com, protocol: pop3, checkInterval: 1}
  - {name: well too, hostname: mail.example.com}
maintenance:
  - {name: for nobody, startTime: 2099-01-01T00:00, duration: 1h, monitors: too often}
"""
    )
    applied = await session("apply", str(path))
    assert applied.exit_code == 1, applied.output
    assert "monitor too often: checkInterval must be at least 5 minutes" in applied.stderr
    assert "window for nobody: the monitor it needs could not be made" in applied.stderr
    assert "2 of 4 steps were taken, 2 were not; apply again to go on." in applied.stderr
    differs = await session("diff", str(path), "--json")
    assert [step["name"] for step in json.loads(differs.stdout)["steps"]] == ["too often", "for nobody"]


CHANGES = (
    ("email: ops@mueller.example", "packageType: standard"),
    ("color: red", "color: blue"),
    ("secret: {env: HOOK_SECRET}", "method: PUT"),
    ("headers: {X-Key: {env: HOOK_KEY}}", "expectedStatusCodes: [200]"),
    ("minIncidentDuration: 60", "priority: 7"),
    ("    fallback: hook\n", "    isActive: false\n"),
    ("security: starttls", "security: tls"),
    ("tags: [production, slow]", "tags: [slow, new]"),
    ("customer: My mailboxes\n    hostname: 93.184.215.14", "hostname: 93.184.215.15"),
    ("servername: mail.example.com", "mailbox: Archive"),
    ("status: maintenance", "port: 2110"),
    ("port: 1110", ""),
    ("frequency: weekly, daysOfWeek: [tue, sun]", "frequency: monthly, dayOfMonth: 31"),
    ("    monitors: info\n", "    customer: My mailboxes\n"),
    ("    tags: slow\n", "    tags: [slow, production]\n    customer: Müller & Söhne\n"),
    ("    duration: 1d\n    customer: Müller & Söhne", "    duration: 2d\n    monitors: [Banner, info]"),
)


async def test_whatever_is_changed_is_so_after_applying(mail: Mail, files: Path) -> None:
    await mail.applied(files)
    for before, after in CHANGES:
        _edit(files, before, after)
    outcome = await mail.applied(files, prune=True)
    assert [(step.name, said) for step, said in outcome.failed] == []
    assert shown(await mail.compared(files, Wishes(prune=True))) == []
    hook = next(each for each in await mail.api.channels() if each["name"] == "Hook")
    assert (hook["hasSecret"], hook["config"]["method"]) == (False, "PUT")

    # A window for a customer's monitors of a tag becomes one for everybody's.
    _edit(files, "    tags: [slow, production]\n    customer: Müller & Söhne\n", "    tags: slow\n")
    assert (await mail.applied(files)).failed == []
    assert shown(await mail.compared(files, Wishes(prune=True))) == []


async def test_things_of_one_name_are_told_apart(mail: Mail) -> None:
    (customer,) = await mail.api.customers()
    for hostname in ("one.example.com", "two.example.com"):
        body = {"customerId": customer["id"], "name": "the same", "hostname": hostname}
        await mail.api.add_monitor({**body, "imapPopConfig": {"tls": True}})
    told = await mail.exported()
    assert [each["key"] for each in told.document["monitors"]] == ["the-same", "the-same_2"]
    path = mail.write(write_yaml(told.document))
    await mail.applied(path)
    kept = {each["hostname"]: each["externalKey"] for each in await mail.api.monitors()}
    assert kept == {"one.example.com": "the-same", "two.example.com": "the-same_2"}
    _edit(path, "one.example.com", "three.example.com")
    assert [step.action for step in (await mail.applied(path)).done] == ["change"]
    assert len(await mail.api.monitors()) == 2


async def test_what_means_nothing_or_several_things_is_refused_before_anything_is_done(mail: Mail) -> None:
    customer = {"name": "Twice", "email": None, "packageType": None}
    for _ in range(2):
        await mail.api.request("POST", "/api/customers", body=customer)
    path = mail.write(
        """
monitors:
  - {name: a, hostname: a.example.com}
  - {name: b, hostname: b.example.com, customer: Twice}
  - {name: c, hostname: c.example.com, customer: "10"}
maintenance:
  - {name: d, startTime: 2099-01-01T00:00, duration: 1h, monitors: [nobody]}
"""
    )
    with pytest.raises(WrongConfiguration) as refused:
        await mail.applied(path)
    assert [str(fault).partition("mail.yaml:")[2] for fault in refused.value.faults] == [
        "3:5: customer is required, as there are several; under `defaults:` it is said once for all",
        "4:5: there is no customer Twice, or there are several of this name; name it by its publicId",
        "7:5: there is no monitor nobody",
    ]
    assert await mail.api.monitors() == []
