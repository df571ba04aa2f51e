"""People in the database. The gateway is their only writer, by the API or by an operator's command."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.api_gateway.principal import GlobalRole, Role
from shared.database.errors import translated_errors
from shared.database.pool import Connection, Pool

_COLUMNS = """id, public_id, organization_id, email, name, password_hash IS NULL AS invited, role, global_role,
    customer_ids, disabled, last_sign_in_at, created_at, updated_at"""
_LIST = f"SELECT {_COLUMNS} FROM users WHERE organization_id = $1 ORDER BY id"  # noqa: S608 - our constants
_BY_UUID = f"SELECT {_COLUMNS} FROM users WHERE organization_id = $1 AND public_id = $2"  # noqa: S608
_BY_NUMBER = f"SELECT {_COLUMNS} FROM users WHERE organization_id = $1 AND id = $2"  # noqa: S608
_BY_EMAIL = f"SELECT {_COLUMNS} FROM users WHERE organization_id = $1 AND lower(email) = lower($2)"  # noqa: S608
_INSERT = f"""INSERT INTO users (organization_id, email, name, password_hash, role, global_role, customer_ids)
    VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING {_COLUMNS}"""  # noqa: S608
_DELETE = "DELETE FROM users WHERE organization_id = $1 AND id = $2"
_CHANGEABLE = ("name", "email", "role", "global_role", "customer_ids", "disabled", "password_hash")
_PASSWORD = "SELECT password_hash FROM users WHERE organization_id = $1 AND id = $2"
# Whoever takes an admin away waits for whoever does so at the same time, and then counts again.
_HOLD_ADMINS = """SELECT id FROM users
    WHERE organization_id = $1 AND role = 'admin' AND NOT disabled AND password_hash IS NOT NULL
    ORDER BY id FOR UPDATE"""
_END_SESSIONS = """DELETE FROM user_sessions
    WHERE organization_id = $1 AND user_id = $2 AND id IS DISTINCT FROM $3::bigint"""
_FORGET_LINKS = "DELETE FROM user_links WHERE organization_id = $1 AND user_id = $2"
_FORGET_DEVICES = "DELETE FROM user_devices WHERE organization_id = $1 AND user_id = $2"
_EXIST = "SELECT people_exist()"

EMAIL_TAKEN = "users_email"  # the index that says so


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may sign in, or is invited to."""

    id: int
    public_id: UUID
    organization_id: int
    email: str
    name: str
    invited: bool  # has no password yet
    role: Role
    global_role: GlobalRole | None
    customer_ids: tuple[int, ...] | None
    disabled: bool
    last_sign_in_at: datetime | None
    created_at: datetime
    updated_at: datetime


async def list_people(connection: Connection, organization_id: int) -> list[Person]:
    """Everybody of an organization, oldest first."""
    return [_person(row) for row in await connection.fetch(_LIST, organization_id)]


async def find_person(
    connection: Connection, organization_id: int, identifier: int | UUID | str, *, held: bool = False
) -> Person | None:
    """By number, public UUID or e-mail address. `held`: nobody changes it until the transaction ends."""
    statement = {int: _BY_NUMBER, str: _BY_EMAIL}.get(type(identifier), _BY_UUID)
    row = await connection.fetchrow(f"{statement} FOR UPDATE" if held else statement, organization_id, identifier)
    return None if row is None else _person(row)


async def insert_person(
    connection: Connection,
    organization_id: int,
    *,
    email: str,
    name: str,
    role: Role,
    global_role: GlobalRole | None = None,
    customer_ids: Sequence[int] | None = None,
    password_hash: str | None = None,
) -> Person:
    """Make a person; raises DatabaseRejected with the constraint EMAIL_TAKEN where the address is somebody's."""
    customers = None if customer_ids is None else sorted(set(customer_ids))
    return _person(
        await connection.fetchrow(_INSERT, organization_id, email, name, password_hash, role, global_role, customers)
    )


async def update_person(connection: Connection, person: Person, changes: Mapping[str, Any]) -> Person:
    """Change some columns of a person; raises DatabaseRejected as above."""
    names = [name for name in _CHANGEABLE if name in changes]
    assignments = "".join(f"{name} = ${number}, " for number, name in enumerate(names, 3))
    row = await connection.fetchrow(
        f"""UPDATE users SET {assignments} updated_at = now()
            WHERE organization_id = $1 AND id = $2 RETURNING {_COLUMNS}""",  # noqa: S608 - our constants
        person.organization_id,
        person.id,
        *(changes[name] for name in names),
    )
    return _person(row)


async def delete_person(connection: Connection, person: Person) -> None:
    """Remove a person; every session, browser and link of theirs goes along."""
    await connection.execute(_DELETE, person.organization_id, person.id)


async def hold_other_admins(connection: Connection, person: Person) -> bool:
    """Whether the organization has another admin who can sign in; held, so that it stays so for this transaction."""
    rows = await connection.fetch(_HOLD_ADMINS, person.organization_id)
    return any(row["id"] != person.id for row in rows)


async def password_hash_of(connection: Connection, organization_id: int, user_id: int) -> str | None:
    """What is kept of a person's password."""
    found: str | None = await connection.fetchval(_PASSWORD, organization_id, user_id)
    return found


async def end_sessions(
    connection: Connection, organization_id: int, user_id: int, *, but: int | None = None, forget_devices: bool = False
) -> None:
    """Sign a person out everywhere, but for the session `but`."""
    await connection.execute(_END_SESSIONS, organization_id, user_id, but)
    if forget_devices:
        await connection.execute(_FORGET_DEVICES, organization_id, user_id)


async def forget_links(connection: Connection, organization_id: int, user_id: int) -> None:
    """What was handed to a person, or to whoever has it now, opens nothing any more."""
    await connection.execute(_FORGET_LINKS, organization_id, user_id)


async def people_exist(pool: Pool) -> bool:
    """Whether anybody at all can sign in; before that, the set-up link is the way in."""
    with translated_errors():
        async with pool.acquire(timeout=10) as connection:
            there: bool = await connection.fetchval(_EXIST)
            return there


def _person(row: Any) -> Person:
    values = dict(row)
    customers = values["customer_ids"]
    return Person(
        **{
            **values,
            "role": Role(values["role"]),
            "global_role": None if values["global_role"] is None else GlobalRole(values["global_role"]),
            "customer_ids": None if customers is None else tuple(customers),
        }
    )
