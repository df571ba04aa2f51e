"""Functions that act as their owner are called by those alone who are meant to."""

import asyncpg
import pytest

from shared.database.pool import GATEWAY_ROLE, connect

_OPEN_TO_ALL = """SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = 'mailprobe' AND p.prosecdef AND has_function_privilege('public', p.oid, 'EXECUTE')
    ORDER BY p.proname"""
_WANDERING = """SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = 'mailprobe' AND p.prosecdef
      AND NOT coalesce('search_path=mailprobe, pg_temp' = ANY (p.proconfig), false)"""


async def test_nothing_that_acts_as_its_owner_is_everybodys(database_dsn: str) -> None:
    connection = await connect(database_dsn, role=None, application_name="test")
    try:
        assert [row["proname"] for row in await connection.fetch(_OPEN_TO_ALL)] == []
        assert [row["proname"] for row in await connection.fetch(_WANDERING)] == []
    finally:
        await connection.close()


async def test_the_audit_log_cannot_be_written_by_a_table_of_ones_own(database_dsn: str) -> None:
    connection = await connect(database_dsn, role=GATEWAY_ROLE, application_name="test")
    try:
        await connection.execute("CREATE TEMP TABLE forged (id bigint, organization_id bigint, name text)")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(
                "CREATE TRIGGER t AFTER INSERT ON forged FOR EACH ROW EXECUTE FUNCTION audit_change('user')"
            )
    finally:
        await connection.close()
