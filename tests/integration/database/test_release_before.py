"""Processes of the release before work on while the database is migrated, and on the tables of this release.

What is covered: every statement of that release's stores is planned on the new tables, by the role that would run it,
so that no table, column, function or right of it is gone; every column keeps its type and is not demanded where it was
not. What its gateway writes passes the triggers, checks and rights of this release. And some statements run all the
while that the migrations do.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from shared.database.migrations import migrate, runner
from tests.support.servers.postgres import DatabasesForTests
from tests.support.waiting import until

BEFORE = Path(__file__).parents[2] / "support/release_before/database"
STATEMENTS: dict[str, dict[str, str]] = json.loads((BEFORE / "statements.json").read_text())
COLUMNS: dict[str, dict[str, dict[str, Any]]] = json.loads((BEFORE / "columns.json").read_text())
LAST_MIGRATION = 10

_COLUMNS = """
SELECT c.relname AS table, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS required,
       a.atthasdef OR a.attidentity <> '' AS filled
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'mailprobe'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
  AND a.attnum > 0 AND NOT a.attisdropped"""


async def connected(dsn: str, role: str) -> Any:
    return await asyncpg.connect(dsn, server_settings={"search_path": "mailprobe", "role": role})


async def refused(dsn: str, role: str) -> list[str]:
    """Which of the old statements cannot be run by this role any more, and why."""
    connection = await connected(dsn, role)
    plans = connection.get_server_version().major >= 16
    faults = []
    try:
        for name, statement in STATEMENTS.items():
            if statement["role"] != role:
                continue
            try:
                # A plan asks for rights as well, a preparation does not.
                if plans:
                    await connection.execute(f"EXPLAIN (GENERIC_PLAN) {statement['sql']}")
                else:
                    await connection.prepare(statement["sql"])
            except asyncpg.PostgresError as error:
                faults.append(f"{name}: {error}")
    finally:
        await connection.close()
    return faults


@pytest.mark.parametrize("role", sorted({each["role"] for each in STATEMENTS.values()}))
async def test_every_statement_of_the_release_before_can_be_run(role: str, database_dsn: str) -> None:
    assert await refused(database_dsn, role) == []


async def test_what_is_gone_is_noticed(database_dsn: str) -> None:
    owner = await asyncpg.connect(database_dsn, server_settings={"search_path": "mailprobe"})
    await owner.execute(
        "ALTER TABLE canaries RENAME COLUMN message TO words; REVOKE SELECT ON tags FROM mailprobe_gateway"
    )
    await owner.close()
    assert any("canary_store" in fault for fault in await refused(database_dsn, "mailprobe_pipeline"))
    assert any("permission denied" in fault for fault in await refused(database_dsn, "mailprobe_gateway"))


async def test_no_column_changed_and_no_new_one_is_demanded(database_dsn: str) -> None:
    owner = await asyncpg.connect(database_dsn)
    rows = await owner.fetch(_COLUMNS)
    await owner.close()
    now: dict[str, dict[str, Any]] = {}
    for row in rows:
        now.setdefault(row["table"], {})[row["name"]] = row
    faults = []
    for table, columns in COLUMNS.items():
        for name, before in columns.items():
            column = now.get(table, {}).get(name)
            if column is None:
                faults.append(f"{table}.{name} is gone")
            elif column["type"] != before["type"] or (column["required"] and not before["required"]):
                faults.append(f"{table}.{name} was {before}, is {dict(column)}")
        for name, column in now.get(table, {}).items():
            if name not in columns and column["required"] and not column["filled"]:
                faults.append(f"{table}.{name} is new and demanded, which old statements do not write")
    assert faults == []


class Old:
    """A process of the release before: it says again and again that a worker lives and a canary came through."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self.rounds = 0

    async def run(self, stop: asyncio.Event) -> None:
        connection = await connected(self._dsn, "mailprobe_pipeline")
        try:
            while not stop.is_set():
                async with connection.transaction():
                    await connection.execute("SET LOCAL lock_timeout = '20s'")
                    await self._work(connection)
                self.rounds += 1
                await asyncio.sleep(0)
        finally:
            await connection.close()

    async def _work(self, connection: Any) -> None:
        store = "services.result_recorder.canary_store"
        columns = (["here"], ["imap"], [self.rounds], [True], ["ok"])
        await connection.execute(STATEMENTS[f"{store}._KEEP"]["sql"], *columns)
        await connection.execute(STATEMENTS[f"{store}._HEAR"]["sql"], 30_000)
        await connection.fetch(STATEMENTS[f"{store}._AGES"]["sql"])


async def test_old_processes_go_on_while_the_database_is_migrated(
    databases: DatabasesForTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = runner.migrations()
    async with databases.empty() as dsn:
        with monkeypatch.context() as before:
            before.setattr(runner, "migrations", lambda: everything[:LAST_MIGRATION])
            assert await migrate(dsn) == LAST_MIGRATION
        owner = await asyncpg.connect(dsn)
        await owner.execute("INSERT INTO mailprobe.locations (code, name, last_seen_at) VALUES ('here', 'Here', 1)")
        stop, processes = asyncio.Event(), [Old(dsn) for _ in range(3)]
        running = [asyncio.create_task(each.run(stop)) for each in processes]

        def at_work(before: list[int]) -> Callable[[], Awaitable[bool]]:
            async def beyond() -> bool:
                return all(each.rounds > count for each, count in zip(processes, before, strict=True))

            return beyond

        try:
            await until("all of them work", at_work([0, 0, 0]))
            applied = await migrate(dsn)
            after = [each.rounds for each in processes]
            await until("all of them go on", at_work(after))
        finally:
            stop.set()
            await asyncio.gather(*running)
        assert applied == len(everything) - LAST_MIGRATION > 0
        assert await owner.fetchval("SELECT passed_at = stored_at FROM mailprobe.canaries"), (
            "an old recorder's count too"
        )
        await owner.close()


async def test_what_a_gateway_of_the_release_before_writes_is_taken_as_it_was(database_dsn: str) -> None:
    """Triggers, checks and rights of this release meet statements that know nothing of them, nor say who acts."""
    gateway = await asyncpg.connect(
        database_dsn,
        server_settings={"search_path": "mailprobe", "role": "mailprobe_gateway", "mailprobe.organization": "1"},
    )
    json_text = json.dumps({"user": "someone"})
    written = 0

    async def wrote(store: str, *arguments: Any) -> Any:
        nonlocal written
        written += 1
        return await gateway.fetchrow(STATEMENTS[f"services.api_gateway.{store}"]["sql"], *arguments)

    def monitor(name: str) -> tuple[Any, ...]:
        return (10, name, "mail.example.com", None, "imap", "active", 60_000, 30, None, None, None, json_text)

    try:
        await wrote("customer_store._INSERT", 1, "A customer", None, None, "{}")
        await wrote("package_configs.package_store._MAKE", 1, "large")
        public_id = uuid4()
        row = await wrote("monitor_store._INSERT", public_id, 1, *monitor("A mailbox"), "sealed", uuid4())
        await wrote("monitor_store._UPDATE", 1, public_id, *monitor("Another name"), "sealed", uuid4(), 1)
        tag = await wrote("tags.tag_store._INSERT", 1, "a tag", None)
        await wrote("tags.tag_store._ASSIGN", 1, row["id"], tag["id"])
        asked = ("trigger", 1, row["id"], public_id, 0, 60_000, None, None, None)
        await wrote("request_store._INSERT", uuid4(), *asked)
        begins, ends = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
        about = ("a window", "", begins, ends, "UTC", None, True, None, False)
        window = await wrote("maintenance.window_store._INSERT", 1, *about)
        await wrote("maintenance.window_store._INSERT_TARGETS", 1, window["id"], [row["id"]], [])
        await wrote("maintenance.window_store._UPDATE", 1, window["id"], *about)
        await wrote("maintenance.window_store._FORGET_TARGETS", 1, window["id"])
        await wrote("maintenance.window_store._DELETE", 1, window["id"])
        channel_config = json.dumps({"url": "https://example.com"})
        told = (uuid4(), None, "a channel", "webhook", channel_config, None, [], 0, 0, "{}", True, None)
        channel = await wrote("channels.channel_store._INSERT", 1, *told)
        await wrote("channels.channel_store._DELETE", 1, channel["id"])
        await wrote("token_store._INSERT", 1, None, "a token", "admin", b"\x01" * 32, "mp_…", None)
        (token,) = await gateway.fetch("SELECT id FROM tokens WHERE name = 'a token'")
        await wrote("token_store._TOUCH", token["id"])
        await wrote("token_store._REVOKE", 1, token["id"])
        await wrote("tags.tag_store._UNASSIGN", 1, row["id"], tag["id"])
        await wrote("tags.tag_store._DELETE", 1, tag["id"])
        await wrote("monitor_store._DELETE", 1, public_id)
    finally:
        await gateway.close()
    assert written == 20
