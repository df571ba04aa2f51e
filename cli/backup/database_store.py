"""What a backup asks of the database, and makes ready before a restore."""

from dataclasses import dataclass

from shared.database.migrations import applied_and_wanted
from shared.database.operating import operators_connection
from shared.database.pool import GATEWAY_ROLE, NOTIFIER_ROLE, PIPELINE_ROLE

BACKUP_ROLE = "mailprobe_backup"
ROLES = (GATEWAY_ROLE, PIPELINE_ROLE, NOTIFIER_ROLE, BACKUP_ROLE)

_SERVER = (
    "SELECT current_setting('server_version'), current_setting('server_version_num')::integer / 10000, current_user"
)
_OWNER = "SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'mailprobe'"
_MAY_BACK_UP = """
SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1 AND pg_has_role(current_user, oid, 'MEMBER'))"""
_HIDDEN = """
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = 'mailprobe'::regnamespace AND c.relkind IN ('r', 'p')
  AND (NOT has_table_privilege($1, c.oid, 'SELECT')
       OR c.relrowsecurity
          AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'of_backup'))
ORDER BY 1"""
_KEYS_OF_PASSWORDS = """
SELECT split_part(sealed_password, '.', 2) AS key, count(*)::integer AS sealed
FROM monitors WHERE sealed_password IS NOT NULL GROUP BY 1"""
_KEYS_OF_CHANNELS = """
SELECT split_part(each.value, '.', 2) AS key, count(*)::integer AS sealed
FROM notification_channels c, json_each_text(c.sealed_secrets::json) each WHERE c.sealed_secrets IS NOT NULL
GROUP BY 1"""
_IS_EMPTY = "SELECT to_regnamespace('mailprobe') IS NULL"
_MAKE_ROLE = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN CREATE ROLE {role} NOLOGIN NOBYPASSRLS; END IF;
    IF NOT pg_has_role(CURRENT_USER, '{role}', 'MEMBER') THEN GRANT {role} TO CURRENT_USER; END IF;
END $$"""


@dataclass(frozen=True, slots=True)
class Source:
    """The database to back up. `hidden`: tables a backup would leave rows of out."""

    version: str
    major: int
    owner: str | None  # None: no tables of ours
    migration: int
    may_back_up: bool
    hidden: tuple[str, ...]
    keys_of_passwords: dict[str, int]
    keys_of_channels: dict[str, int]


@dataclass(frozen=True, slots=True)
class Target:
    """The database to restore into."""

    major: int
    user: str
    is_empty: bool


async def read_source(dsn: str) -> Source:
    """Raises DatabaseError."""
    async with operators_connection(dsn, role=None, application_name="mailprobe backup") as connection:
        version, major, _ = await connection.fetchrow(_SERVER)
        owner = await connection.fetchval(_OWNER)
        migration, _ = await applied_and_wanted(connection)
        allowed = owner is not None and await connection.fetchval(_MAY_BACK_UP, BACKUP_ROLE)
        if not allowed:
            return Source(version, major, owner, migration, False, (), {}, {})
        hidden = tuple(row["relname"] for row in await connection.fetch(_HIDDEN, BACKUP_ROLE))
        await connection.execute(f'SET ROLE "{BACKUP_ROLE}"')
        return Source(
            version=version,
            major=major,
            owner=owner,
            migration=migration,
            may_back_up=True,
            hidden=hidden,
            keys_of_passwords=dict(await connection.fetch(_KEYS_OF_PASSWORDS)),
            keys_of_channels=dict(await connection.fetch(_KEYS_OF_CHANNELS)),
        )


async def prepare_target(dsn: str) -> Target:
    """Make our roles, which belong to no database and so are in no dump. Raises DatabaseError."""
    async with operators_connection(dsn, role=None, application_name="mailprobe restore") as connection:
        _, major, user = await connection.fetchrow(_SERVER)
        is_empty = await connection.fetchval(_IS_EMPTY)
        if is_empty:
            for role in ROLES:
                await connection.execute(_MAKE_ROLE.format(role=role))
        return Target(major, user, is_empty)
