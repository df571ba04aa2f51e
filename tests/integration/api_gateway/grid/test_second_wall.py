"""The second wall: with every condition of ours left out of the SQL, the database itself keeps organizations apart.

Generated from the catalogue: tables, views and functions that come later are held to the same, or have to be named.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest_asyncio

from shared.database.pool import GATEWAY_ROLE, connect
from tests.integration.api_gateway.conftest import World
from tests.integration.api_gateway.grid.ground import Ground, planted
from tests.integration.api_gateway.grid.tenants import FOREIGN

# What the gateway may read without belonging to anybody: it is the installation's own.
INSTALLATION_WIDE = frozenset(
    {"canaries", "hearing", "location_workers", "locations", "results_kept", "rollup_progress", "schema_migrations"}
    | {"sign_in_attempts"}
)
# What runs with its owner's rights when the gateway calls it, and so has to keep organizations apart by itself.
TRUSTED_FUNCTIONS = frozenset(
    {"find_token", "find_bearer", "find_session", "find_account", "find_link", "find_status_page"}  # by a secret
    | {"audit_refused_sign_in"}  # writes of somebody before they are let in, and answers nothing
    | {"login_busy_until", "people_exist"}  # answer with a time, and with yes or no
    | {"all_organizations"}  # for people who look after the installation
    | {"schedule_standing", "newest_delays", "telling_standing", "results_standing"}  # for them too: sums, no rows
    # The gateway's own work, for no request.
    | {"due_cancellations", "forget_kept_answers", "forget_audit", "forget_past_of_people"}
)

_REACHABLE = """
    SELECT c.relname, EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'organization_id')
        OR c.relname = 'organizations' AS of_tenants, c.relkind = 'v' AS is_view,
        coalesce('security_invoker=true' = ANY (c.reloptions), false) AS as_invoker
    FROM pg_class c
    WHERE c.relnamespace = 'mailprobe'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition
      AND has_any_column_privilege('mailprobe_gateway', c.oid, 'SELECT, INSERT, UPDATE')"""
_FUNCTIONS = """
    SELECT p.proname FROM pg_proc p
    WHERE p.pronamespace = 'mailprobe'::regnamespace AND p.prosecdef AND p.prorettype <> 'trigger'::regtype
      AND has_function_privilege('mailprobe_gateway', p.oid, 'EXECUTE')"""
_PARTITIONS = """
    SELECT c.relname FROM pg_class c
    WHERE c.relnamespace = 'mailprobe'::regnamespace AND c.relispartition
      AND has_any_column_privilege('mailprobe_gateway', c.oid, 'SELECT, INSERT, UPDATE')"""


@pytest_asyncio.fixture
async def ground(world: World) -> Ground:
    await world.location("zqlocation")
    return await planted(world.dsn)


@pytest_asyncio.fixture
async def gateway(world: World) -> AsyncIterator[Any]:
    connection = await connect(world.dsn, role=GATEWAY_ROLE, application_name="second wall")
    yield connection
    await connection.close()


async def _as_organization(connection: Any, number: int) -> None:
    await connection.execute("SELECT set_config('mailprobe.organization', $1, true)", str(number))


async def _tried(connection: Any, statement: str, *values: Any) -> list[Any] | None:
    """What a statement answers; None where the database forbids it. Nothing of it stays."""
    attempt = connection.transaction()
    await attempt.start()
    try:
        return list(await connection.fetch(statement, *values))
    except (asyncpg.InsufficientPrivilegeError, asyncpg.ObjectNotInPrerequisiteStateError):
        return None  # the second: a view, which cannot be written to
    except asyncpg.IntegrityConstraintViolationError:
        return []  # it was let through as far as the constraints
    finally:
        await attempt.rollback()


async def test_no_row_of_another_organization_is_read_changed_or_made(
    ground: Ground, gateway: Any, figures: Callable[[str], None]
) -> None:
    broken, tried = [], 0
    reachable = [row["relname"] for row in await gateway.fetch(_REACHABLE) if row["of_tenants"]]
    assert {"monitors", "results", "customers", "monitor_maintenance"} <= set(reachable)
    async with gateway.transaction():
        await _as_organization(gateway, 1)
        for table in reachable:
            key = "id" if table == "organizations" else "organization_id"
            theirs = ground.foreign.rows.get(table)
            read = await _tried(gateway, f"SELECT {key} AS key, to_jsonb(t)::text AS row FROM {table} t")
            tried += 1
            if read is not None:
                if table in ground.tables and not read:
                    broken.append(f"{table}: our own rows are not seen, so that this proves nothing")
                if any(row["key"] != 1 or FOREIGN in row["row"] for row in read):
                    broken.append(f"{table}: another organization's rows are seen")
            for verb in (f"UPDATE {table} SET {key} = {key}", f"DELETE FROM {table}"):
                tried += 1
                reached = await _tried(gateway, f"{verb} RETURNING {key} AS key") or []
                if any(row["key"] != 1 for row in reached):
                    broken.append(f"{table}: {verb} reaches another organization's rows")
            tried += 1
            # Whom a person is limited to is looked at before anything else, and would hide who may be written.
            limited = any(column.name == "customer_ids" for column in ground.tables.get(table, ()))
            given = f"UPDATE {table} SET {key} = 2{', customer_ids = NULL' if limited else ''}"
            if await _tried(gateway, given) is not None and key != "id":
                broken.append(f"{table}: a row can be given to another organization")
            if theirs is not None:
                tried += 1
                made = await _generated(gateway, table)
                names = ", ".join(name for name in theirs if name not in made)
                statement = f"""INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE
                    SELECT {names} FROM jsonb_populate_record(NULL::{table}, $1)"""
                row = {**await _as_json(ground, table), **({"customer_ids": None} if limited else {})}
                if await _tried(gateway, statement, row) is not None:
                    broken.append(f"{table}: a row can be made for another organization")
    figures(f"second wall: {len(reachable)} tables and views, {tried} statements, {len(broken)} let through")
    assert broken == [], "\n".join(broken)


async def _generated(connection: Any, table: str) -> set[str]:
    rows = await connection.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attgenerated <> ''", table
    )
    return {row["attname"] for row in rows}


async def _as_json(ground: Ground, table: str) -> Any:
    """The other organization's planted row, read by somebody who may."""
    connection = await connect(ground.dsn, role="mailprobe_backup", application_name="second wall")
    try:
        key = "id" if table == "organizations" else "organization_id"
        return await connection.fetchval(f"SELECT to_jsonb(t) FROM {table} t WHERE {key} = 2 LIMIT 1")
    finally:
        await connection.close()


async def test_before_an_organization_is_named_nothing_is_seen(ground: Ground, gateway: Any) -> None:
    for table in ground.tables:
        assert not await _tried(gateway, f"SELECT 1 FROM {table} LIMIT 1"), table


async def test_whatever_else_the_gateway_can_reach_is_known_to_be_nobodys(ground: Ground, gateway: Any) -> None:
    reachable = await gateway.fetch(_REACHABLE)
    assert {row["relname"] for row in reachable if not row["of_tenants"]} <= INSTALLATION_WIDE
    assert [row["relname"] for row in reachable if row["is_view"] and not row["as_invoker"]] == []
    assert {row["proname"] for row in await gateway.fetch(_FUNCTIONS)} <= TRUSTED_FUNCTIONS
    # A partition by its own name would have no policy of its table's.
    assert [row["relname"] for row in await gateway.fetch(_PARTITIONS)] == []


async def test_every_table_with_tenants_rows_hides_them_from_its_own_owner_too(ground: Ground, gateway: Any) -> None:
    loose = await gateway.fetch(
        "SELECT oid::regclass::text AS name FROM pg_class"
        " WHERE relnamespace = 'mailprobe'::regnamespace AND relname = ANY ($1)"
        " AND NOT (relrowsecurity AND relforcerowsecurity)",
        list(ground.tables),
    )
    assert loose == []
