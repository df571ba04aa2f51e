"""Customers and the organization they belong to. The gateway is their only writer."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.api_gateway.customer_models import Customer, CustomerCreate, CustomerPatch, Organization
from shared.database.pool import Connection

_COLUMNS = """id, public_id, organization_id, name, email, package_type, status, custom_fields,
    allowed_check_country_codes, alert_location_threshold_count, created_at, updated_at"""
_BY_NUMBER = f"SELECT {_COLUMNS} FROM customers WHERE organization_id = $1 AND id = $2"  # noqa: S608 - our constants
_BY_UUID = f"SELECT {_COLUMNS} FROM customers WHERE organization_id = $1 AND public_id = $2"  # noqa: S608
_LIST = f"""SELECT {_COLUMNS} FROM customers
    WHERE organization_id = $1 AND ($2::bigint[] IS NULL OR id = ANY ($2)) ORDER BY id"""  # noqa: S608
_INSERT = f"""INSERT INTO customers (organization_id, name, email, package_type, custom_fields)
    VALUES ($1, $2, $3, $4, $5) RETURNING {_COLUMNS}"""  # noqa: S608
_CHANGEABLE = (
    "name",
    "email",
    "package_type",
    "custom_fields",
    "allowed_check_country_codes",
    "alert_location_threshold_count",
)
_ORGANIZATION = """SELECT id, public_id, name, company_name, street, postal_code, city, country, vat_id,
    billing_email, created_at FROM organizations WHERE id = $1"""


async def find_customer(connection: Connection, organization_id: int, identifier: int | UUID) -> Customer | None:
    """The customer by number or public UUID, or None."""
    statement = _BY_UUID if isinstance(identifier, UUID) else _BY_NUMBER
    row = await connection.fetchrow(statement, organization_id, identifier)
    return None if row is None else _customer(row)


async def list_customers(connection: Connection, organization_id: int, *, only: Sequence[int] | None) -> list[Customer]:
    """All customers, or only those in scope."""
    return [_customer(row) for row in await connection.fetch(_LIST, organization_id, only)]


async def insert_customer(connection: Connection, organization_id: int, new: CustomerCreate) -> Customer:
    """Make a customer."""
    row = await connection.fetchrow(
        _INSERT, organization_id, new.name, new.email, new.package_type, new.custom_fields or {}
    )
    return _customer(row)


async def update_customer(connection: Connection, customer: Customer, sent: CustomerPatch) -> Customer:
    """Change what was sent of a customer."""
    names = [name for name in _CHANGEABLE if name in sent.model_fields_set]
    values = [getattr(sent, name) for name in names]
    values = [
        {} if name == "custom_fields" and value is None else value for name, value in zip(names, values, strict=True)
    ]
    assignments = "".join(f"{name} = ${number}, " for number, name in enumerate(names, 3))
    row = await connection.fetchrow(
        f"""UPDATE customers SET {assignments} updated_at = now()
            WHERE organization_id = $1 AND id = $2 RETURNING {_COLUMNS}""",  # noqa: S608 - our constants
        customer.organization_id,
        customer.id,
        *values,
    )
    return _customer(row)


async def find_organization(connection: Connection, organization_id: int) -> Organization | None:
    """The organization, or None once it is gone."""
    row = await connection.fetchrow(_ORGANIZATION, organization_id)
    return None if row is None else Organization(**row)


def _customer(row: Any) -> Customer:
    return Customer(**row)
