"""Who reads everything to back it up: every row of every table, those of days to come too, and changes none."""

import asyncpg

from cli.backup.database_store import BACKUP_ROLE, read_source


async def test_it_sees_every_table_and_every_partition_to_come(database_dsn: str) -> None:
    owner = await asyncpg.connect(database_dsn, server_settings={"search_path": "mailprobe"})
    try:
        assert (await read_source(database_dsn)).hidden == ()
        assert await owner.fetchval("SELECT ensure_result_partitions(20)") > 0
        await owner.execute("CREATE TABLE later (organization_id bigint)")
        assert (await read_source(database_dsn)).hidden == ()
        await owner.execute("ALTER TABLE later ENABLE ROW LEVEL SECURITY")
        assert (await read_source(database_dsn)).hidden == ("later",)
    finally:
        await owner.close()


async def test_it_may_change_nothing_and_no_service_may_act_as_it(database_dsn: str) -> None:
    owner = await asyncpg.connect(database_dsn)
    try:
        changeable = await owner.fetch(
            """SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'mailprobe'::regnamespace
               AND c.relkind IN ('r', 'p')
               AND has_table_privilege($1, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')""",
            BACKUP_ROLE,
        )
        assert changeable == []
        members = await owner.fetch(
            """SELECT rolname FROM pg_roles WHERE rolname IN ('mailprobe_gateway', 'mailprobe_pipeline',
               'mailprobe_notifier') AND pg_has_role(oid, $1, 'MEMBER')""",
            BACKUP_ROLE,
        )
        assert members == []
        assert not await owner.fetchval(
            "SELECT rolsuper OR rolbypassrls OR rolcanlogin FROM pg_roles WHERE rolname = $1", BACKUP_ROLE
        )
    finally:
        await owner.close()
