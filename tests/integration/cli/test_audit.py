"""`mailprobe audit list`: what was done, by people through the API and by operators at the database."""

import json

import pytest

from cli import api_client
from cli.api_client import ApiClient
from tests.integration.cli.conftest import Command
from tests.support.answers import public_id_of
from tests.support.recorder_desk import RecorderDesk


async def test_an_administrator_sees_who_did_what(mailprobe: Command, desk: RecorderDesk) -> None:
    made = await mailprobe("token", "create", "ci", "--role", "user", "--database-url", desk.dsn)
    assert made.exit_code == 0, made.output
    listed = await mailprobe("audit", "list", "--kind", "token", "--action", "created", "--json")
    assert listed.exit_code == 0, listed.output
    entries = json.loads(listed.stdout)
    assert [(each["actor"]["kind"], each["object"]["name"]) for each in entries] == [
        ("operator", "ci"),
        ("mailprobe", "test"),
    ]
    assert entries[0]["actor"]["name"]
    assert made.stdout.strip() not in listed.stdout
    table = await mailprobe("audit", "list", "--since", "1h", "--limit", "1")
    assert table.exit_code == 0, table.output
    assert ("token ci" in table.stdout, "role: – → user" in table.stdout) == (True, True)
    assert "Nothing" in (await mailprobe("audit", "list", "--since", "2999-01-01")).stdout
    wrong = await mailprobe("audit", "list", "--since", "yesterday")
    assert (wrong.exit_code, "such as 2h" in wrong.stderr) == (2, True)


async def test_every_page_of_it_is_found(api: ApiClient, desk: RecorderDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_client, "PAGE", 2)
    for number in range(5):
        await desk.add_monitor(number)
    found = await api.audit(limit=100, objectKind="monitor")
    assert [each["object"]["id"] for each in found] == [str(public_id_of(number)) for number in (4, 3, 2, 1, 0)]
    assert len(await api.audit(limit=3, objectKind="monitor")) == 3
