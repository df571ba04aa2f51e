"""Organizations in the database. The gateway is their only writer."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.api_gateway.customers.models import Organization
from shared.database.errors import translated_errors
from shared.database.pool import Connection, Pool

_COLUMNS = "id, public_id, name, company_name, street, postal_code, city, country, vat_id, billing_email, created_at"
_CHANGEABLE = ("name", "company_name", "street", "postal_code", "city", "country", "vat_id", "billing_email")
# SECURITY DEFINER: every organization, for those who look after all of them.
_ALL = f"SELECT {_COLUMNS} FROM all_organizations()"  # noqa: S608 - our constants
_NUMBER = "SELECT id FROM all_organizations() WHERE id = $1"
_NUMBER_BY_UUID = "SELECT id FROM all_organizations() WHERE public_id = $1"
_NEXT = "SELECT nextval('organizations_id_seq')"
_INSERT = f"""INSERT INTO organizations ({", ".join(("id", *_CHANGEABLE))})
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING {_COLUMNS}"""  # noqa: S608
_STANDARD_PACKAGE = """INSERT INTO package_configs (organization_id, package_type, display_name)
    VALUES ($1, 'standard', 'Standard')"""


async def all_organizations(pool: Pool) -> list[Organization]:
    """Every organization of the installation, oldest first."""
    with translated_errors():
        async with pool.acquire(timeout=10) as connection:
            return [Organization(**row) for row in await connection.fetch(_ALL)]


async def find_organization_id(pool: Pool, identifier: int | UUID) -> int | None:
    """The organization's number, where there is such a one."""
    statement = _NUMBER_BY_UUID if isinstance(identifier, UUID) else _NUMBER
    with translated_errors():
        async with pool.acquire(timeout=10) as connection:
            found: int | None = await connection.fetchval(statement, identifier)
            return found


async def next_organization_id(pool: Pool) -> int:
    """A number nobody else gets: whoever makes an organization acts for it before it is there."""
    with translated_errors():
        async with pool.acquire(timeout=10) as connection:
            number: int = await connection.fetchval(_NEXT)
            return number


async def insert_organization(connection: Connection, number: int, described: Mapping[str, Any]) -> Organization:
    """Make an organization, with the package every one has."""
    row = await connection.fetchrow(_INSERT, number, *(described.get(name) for name in _CHANGEABLE))
    await connection.execute(_STANDARD_PACKAGE, number)
    return Organization(**row)


async def update_organization(
    connection: Connection, organization_id: int, changes: Mapping[str, Any]
) -> Organization | None:
    """Change what was sent of an organization; None once it is gone."""
    names = [name for name in _CHANGEABLE if name in changes]
    assignments = ", ".join(f"{name} = ${number}" for number, name in enumerate(names, 2)) or "name = name"
    row = await connection.fetchrow(
        f"UPDATE organizations SET {assignments} WHERE id = $1 RETURNING {_COLUMNS}",  # noqa: S608 - our constants
        organization_id,
        *(changes[name] for name in names),
    )
    return None if row is None else Organization(**row)
