"""Everything a database of ours holds, as text, whoever may see it."""

import asyncpg


async def everything_stored(owner_dsn: str) -> str:
    """Each row of each table of schema mailprobe; lifts the tables' row-level security, so it comes last in a test."""
    connection = await asyncpg.connect(owner_dsn)
    try:
        rows = []
        tables = await connection.fetch(
            "SELECT c.oid::regclass::text AS name FROM pg_class c"
            " WHERE c.relnamespace = 'mailprobe'::regnamespace AND c.relkind = 'r'"
        )
        for table in tables:
            await connection.execute(f"ALTER TABLE {table['name']} NO FORCE ROW LEVEL SECURITY")
            stored = await connection.fetch(f"SELECT t::text AS row FROM {table['name']} t")
            rows += [f"{table['name']} {record['row']}" for record in stored]
        return "\n".join(rows)
    finally:
        await connection.close()
