"""What the database itself says of the tables that hold tenants' rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

_COLUMNS = """
    SELECT c.relname AS table_name, a.attname AS name, format_type(a.atttypid, NULL) AS type,
        a.attnotnull AS required, a.atthasdef OR a.attidentity <> '' AS filled_by_itself, a.attgenerated <> '' AS made
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'mailprobe'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY c.relname, a.attnum"""
_REFERENCES = """
    SELECT k.conrelid::regclass::text AS table_name, k.confrelid::regclass::text AS referred,
        own.attname AS name, other.attname AS referred_name
    FROM pg_constraint k
    CROSS JOIN LATERAL unnest(k.conkey, k.confkey) AS pair(own, other)
    JOIN pg_attribute own ON own.attrelid = k.conrelid AND own.attnum = pair.own
    JOIN pg_attribute other ON other.attrelid = k.confrelid AND other.attnum = pair.other
    WHERE k.contype = 'f' AND k.connamespace = 'mailprobe'::regnamespace AND k.conparentid = 0
    ORDER BY cardinality(k.conkey)"""


@dataclass(frozen=True, slots=True)
class Column:
    """A column, and the column of another table its value has to be found in."""

    table: str
    name: str
    type: str
    required: bool
    filled_by_itself: bool
    made: bool
    refers_to: tuple[str, str] | None

    @property
    def holds_text(self) -> bool:
        return self.type in ("text", "text[]", "jsonb", "json", "character varying")


async def tables_of(connection: Any, by_name: Mapping[str, tuple[str, str]]) -> dict[str, list[Column]]:
    """Every table by its name; those that others refer to come first.

    `by_name`: columns that refer to one of another table without saying so.
    """
    references = {
        (row["table_name"].removeprefix("mailprobe."), row["name"]): (
            row["referred"].removeprefix("mailprobe."),
            row["referred_name"],
        )
        for row in await connection.fetch(_REFERENCES)
    }
    tables: dict[str, list[Column]] = {}
    for row in await connection.fetch(_COLUMNS):
        values = dict(row)
        table = values.pop("table_name")
        refers_to = references.get((table, values["name"])) or by_name.get(values["name"])
        found = Column(table=table, refers_to=refers_to, **values)
        tables.setdefault(table, []).append(found)
    order = TopologicalSorter(
        {
            table: {each.refers_to[0] for each in columns if each.refers_to and each.refers_to[0] != table}
            for table, columns in tables.items()
        }
    )
    return {table: tables[table] for table in order.static_order() if table in tables}


def tenants_tables(tables: Mapping[str, list[Column]]) -> dict[str, list[Column]]:
    """Those that hold rows of organizations, and the organizations themselves."""
    return {
        table: columns
        for table, columns in tables.items()
        if table == "organizations" or any(column.name == "organization_id" for column in columns)
    }
