"""`mailprobe users`: people, as an operator looks after them at the database."""

import asyncio
import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli import operator_pool
from cli.main import app
from services.api_gateway.people.link_store import Purpose, find_link
from services.api_gateway.people.people_store import insert_person
from services.api_gateway.principal import Role
from shared.database.pool import GATEWAY_ROLE, open_pool, organization_transaction

OWNER = "owner@example.com"


async def users(dsn: str, *arguments: str) -> Result:
    named = ["users", *arguments, "--database-url", dsn]
    return await asyncio.to_thread(lambda: CliRunner().invoke(app, named))


async def _purpose(dsn: str, link: str) -> Purpose | None:
    async with open_pool(dsn, role=GATEWAY_ROLE, application_name="test") as pool:
        found = await find_link(pool, link.strip().partition("#")[2])
    return None if found is None else found.purpose


async def _settled(dsn: str, email: str, **described: Any) -> None:
    async with (
        open_pool(dsn, role=GATEWAY_ROLE, application_name="test") as pool,
        organization_transaction(pool, 1) as connection,
    ):
        values = {"role": Role.ADMIN, **described}
        await insert_person(connection, 1, email=email, name=email, password_hash="kept", **values)


async def test_a_set_up_link_is_made_until_somebody_can_sign_in(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await users(database_dsn, "set-up-link")
    assert first.exit_code == 0, first.output
    assert first.stdout.startswith("http://127.0.0.1:8080/set-up#")
    assert "until" in first.stderr
    monkeypatch.setenv("MAILPROBE_PUBLIC_URL", "https://mailprobe.example.com/")
    second = await users(database_dsn, "set-up-link")
    assert second.stdout.startswith("https://mailprobe.example.com/set-up#")
    assert await _purpose(database_dsn, first.stdout) is None
    assert await _purpose(database_dsn, second.stdout) is Purpose.SET_UP
    await _settled(database_dsn, OWNER)
    third = await users(database_dsn, "set-up-link")
    assert (third.exit_code, "#" in third.stdout) == (0, False)
    assert "Somebody can sign in already" in third.stdout


async def test_people_are_invited_listed_and_given_a_new_link(database_dsn: str) -> None:
    await _settled(database_dsn, OWNER)
    made = await users(database_dsn, "add", "reader@example.com", "--role", "readonly", "--customer", "10")
    assert made.exit_code == 0, made.output
    assert await _purpose(database_dsn, made.stdout) is Purpose.INVITATION
    listed = json.loads((await users(database_dsn, "list", "--json")).stdout)
    assert [(each["email"], each["role"], each["invited"], each["customerIds"]) for each in listed] == [
        (OWNER, "admin", False, None),
        ("reader@example.com", "readonly", True, [10]),
    ]
    shown = (await users(database_dsn, "list")).stdout
    assert "reader@example.com" in shown
    assert "invited" in shown
    again = await users(database_dsn, "reset-link", "READER@example.com")
    assert await _purpose(database_dsn, again.stdout) is Purpose.INVITATION
    assert await _purpose(database_dsn, made.stdout) is None
    assert await _purpose(database_dsn, (await users(database_dsn, "reset-link", OWNER)).stdout) is Purpose.RESET


async def test_what_may_not_be_is_said_in_a_sentence(database_dsn: str) -> None:
    await _settled(database_dsn, OWNER)
    for arguments, said in (
        (("add", "Owner@Example.com"), "signs in as Owner@Example.com already"),
        (("add", "x@example.com", "--role", "readonly"), "--customer"),
        (("add", "x@example.com", "--customer", "4711"), "there is no customer 4711"),
        (("add", "x@example.com", "--organization", "7"), "there is no organization 7"),
        (("add", "x@example.com", "--address", "mailprobe.example.com"), "https://"),
        (("reset-link", "x@example.com"), "nobody signs in as x@example.com"),
        (("disable", OWNER), "the last admin"),
        (("disable", "x@example.com"), "nobody signs in as x@example.com"),
        (("list", "--data", "/nowhere"), "no mailprobe runs with the data"),
    ):
        ended = await users(database_dsn, *arguments)
        assert (ended.exit_code, said in ended.output) == (1, True), (arguments, ended.output)
        assert "Traceback" not in ended.output
    assert (await users(database_dsn, "add", "not an address")).exit_code == 2


async def test_somebody_is_kept_out_and_let_in_again(database_dsn: str) -> None:
    await _settled(database_dsn, OWNER)
    await _settled(database_dsn, "user@example.com", role=Role.USER)
    assert (await users(database_dsn, "disable", "user@example.com")).exit_code == 0
    listed = json.loads((await users(database_dsn, "list", "--json")).stdout)
    assert [each["disabled"] for each in listed] == [False, True]
    refused = await users(database_dsn, "reset-link", "user@example.com")
    assert (refused.exit_code, "--undo" in refused.output) == (1, True)
    assert (await users(database_dsn, "disable", "--undo", "user@example.com")).exit_code == 0
    listed = json.loads((await users(database_dsn, "list", "--json")).stdout)
    assert [each["disabled"] for each in listed] == [False, False]


async def test_beside_a_running_mailprobe_nothing_has_to_be_named(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    await _settled(database_dsn, OWNER)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MAILPROBE_DATABASE_URL", raising=False)
    alone = await asyncio.to_thread(lambda: CliRunner().invoke(app, ["users", "list"]))
    assert (alone.exit_code, "--data" in alone.stderr) == (78, True)
    monkeypatch.setattr(
        operator_pool, "running_dsn", lambda place: database_dsn if place == Path("data/postgres") else None
    )
    assert (await asyncio.to_thread(CliRunner().invoke, app, ["token", "create", "ci"])).exit_code == 0
    for verb, name in (("users", OWNER), ("token", "ci")):
        listed = await asyncio.to_thread(CliRunner().invoke, app, [verb, "list", "-o", "csv"])
        assert listed.exit_code == 0, listed.output
        assert [each["name"] for each in csv.DictReader(listed.stdout.splitlines())] == [name]
    monkeypatch.setenv("MAILPROBE_URL", "http://127.0.0.1:9000")
    made = await asyncio.to_thread(lambda: CliRunner().invoke(app, ["users", "reset-link", OWNER]))
    assert made.stdout.startswith("http://127.0.0.1:9000/invitation#"), made.output
