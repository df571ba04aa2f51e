"""The database of the grid: planted with every tenant's rows, and looked at by somebody who may see all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.database.pool import connect
from tests.integration.api_gateway.grid.catalogue import Column, tables_of, tenants_tables
from tests.integration.api_gateway.grid.planting import BY_NAME, SHARED_TABLES, row_for, unplanted
from tests.integration.api_gateway.grid.tenants import BESIDE, FOREIGN, INNER, OWN, SHARED, Tenant

# Who asked when last; every request may note that.
_NOTED_ANYWAY = ("last_used_at", "last_seen_at")
_NEXT_WRITER = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"


@dataclass(frozen=True, slots=True)
class Ground:
    """What was planted: two customers of an organization, what is the organization's own, and another organization."""

    dsn: str
    tables: Mapping[str, list[Column]]
    own: Tenant
    beside: Tenant
    inner: Tenant
    foreign: Tenant

    @property
    def tenants(self) -> tuple[Tenant, ...]:
        return (self.own, self.beside, self.inner, self.foreign)


async def planted(dsn: str) -> Ground:
    """Plant everything, and make sure that everything was."""
    connection = await connect(dsn, role=None, application_name="planting")
    try:
        async with connection.transaction():
            tables = tenants_tables(await tables_of(connection, BY_NAME))
            # Security is forced on the owner of the tables as well, who is lifted above it for this transaction alone.
            for table in tables:
                await connection.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
            own = Tenant(OWN, SHARED, organization_id=1)
            beside = Tenant(BESIDE, SHARED, organization_id=1)
            inner = Tenant(INNER, SHARED, organization_id=1)
            foreign = Tenant(FOREIGN, FOREIGN, organization_id=2)
            for table, columns in tables.items():
                await _plant(connection, table, columns, (own, beside, foreign), inner)
            for table in tables:
                await connection.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    finally:
        await connection.close()
    return Ground(dsn, tables, own, beside, inner, foreign)


async def _plant(connection: Any, table: str, columns: list[Column], tenants: Sequence[Tenant], inner: Tenant) -> None:
    for tenant in tenants:
        sibling = next((each for each in tenants if each.organization_id == tenant.organization_id), tenant)
        if table in SHARED_TABLES and sibling is not tenant:
            tenant.rows[table] = sibling.rows[table]
            continue
        row = row_for(columns, tenant)
        if table == "organizations":
            stored = await _organization(connection, tenant.organization_id, row)
        else:
            stored = await _inserted(connection, table, row)
        tenant.rows[table] = stored
        if table == "customers":
            tenant.customer_id = stored["id"]
        missed = unplanted(columns, stored, {tenant.word, tenant.shared_word})
        assert not missed, f"nobody would notice whose these are, so name them in planting.VALUES: {missed}"
    may_be_nobodys = any(column.name == "customer_id" and not column.required for column in columns)
    if may_be_nobodys:
        inner.rows[table] = await _inserted(connection, table, {**row_for(columns, inner), "customer_id": None})


async def _organization(connection: Any, organization_id: int, row: Mapping[str, Any]) -> dict[str, Any]:
    values = {key: value for key, value in row.items() if key != "id"}
    await connection.execute(
        "INSERT INTO organizations (id, name) VALUES ($1, '') ON CONFLICT DO NOTHING", organization_id
    )
    await connection.execute("SELECT setval(pg_get_serial_sequence('mailprobe.organizations', 'id'), 100)")
    assignments = ", ".join(f"{name} = ${place}" for place, name in enumerate(values, 2))
    statement = f"UPDATE organizations SET {assignments} WHERE id = $1 RETURNING *"
    return dict(await connection.fetchrow(statement, organization_id, *values.values()))


async def _inserted(connection: Any, table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    names = ", ".join(row)
    places = ", ".join(f"${place}" for place in range(1, len(row) + 1))
    statement = f"INSERT INTO {table} ({names}) VALUES ({places}) RETURNING *"
    return dict(await connection.fetchrow(statement, *row.values()))


class Watch:
    """Sees whether anything was changed, by a digest of all rows of each table and organization.

    As long as nobody began a transaction that writes, the last digest is still right.
    """

    def __init__(self, connection: Any, tables: Mapping[str, list[Column]]) -> None:
        self._connection = connection
        self._as_of: int | None = None
        self._digest: dict[tuple[str, int], str] = {}
        without = " - ".join(f"'{name}'" for name in _NOTED_ANYWAY)
        self._statement = " UNION ALL ".join(
            f"""SELECT '{table}' AS table_name, {_key(table)} AS organization_id,
                    md5(string_agg(row, ',' ORDER BY row)) AS digest
                FROM (SELECT t.*, (to_jsonb(t) - {without})::text AS row FROM {table} t) AS t GROUP BY 2"""
            for table in tables
        )

    async def digest(self) -> Mapping[tuple[str, int], str]:
        """What is kept, by table and organization."""
        as_of = await self._connection.fetchval(_NEXT_WRITER)
        if as_of != self._as_of:
            rows = await self._connection.fetch(self._statement)
            self._digest = {(row["table_name"], row["organization_id"]): row["digest"] for row in rows}
            self._as_of = as_of
        return self._digest


def changes(before: Mapping[tuple[str, int], str], after: Mapping[tuple[str, int], str]) -> set[tuple[str, int]]:
    """The tables, and whose rows of them, that are not what they were."""
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def _key(table: str) -> str:
    return "id" if table == "organizations" else "organization_id"
