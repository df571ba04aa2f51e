"""Customers and the organization they belong to. The gateway is their only writer."""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.api_gateway.customers.models import Customer, CustomerCreate, CustomerPatch, Organization
from shared.database.errors import translated_errors
from shared.database.pool import Connection, Pool


class CustomerStatus(StrEnum):
    """Whether a customer stays."""

    ACTIVE = "active"
    LEAVING = "marked_for_cancellation"
    CANCELLED = "cancelled"


_COLUMNS = """id, public_id, organization_id, name, email, package_type, status, cancels_at, custom_fields,
    allowed_check_country_codes, alert_location_threshold_count, created_at, updated_at"""
_BY_NUMBER = f"SELECT {_COLUMNS} FROM customers WHERE organization_id = $1 AND id = $2"  # noqa: S608 - our constants
_BY_UUID = f"SELECT {_COLUMNS} FROM customers WHERE organization_id = $1 AND public_id = $2"  # noqa: S608
_LIST = f"""SELECT {_COLUMNS} FROM customers
    WHERE organization_id = $1 AND ($2::bigint[] IS NULL OR id = ANY ($2)) ORDER BY id"""  # noqa: S608
_INSERT = f"""INSERT INTO customers (organization_id, name, email, package_type, custom_fields,
        allowed_check_country_codes, alert_location_threshold_count)
    VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING {_COLUMNS}"""  # noqa: S608
_CHANGEABLE = (
    "name",
    "email",
    "package_type",
    "custom_fields",
    "allowed_check_country_codes",
    "alert_location_threshold_count",
)
_HOLD = f"{_BY_NUMBER} FOR UPDATE"
_SET_STATUS = f"""UPDATE customers SET status = $3, cancels_at = now() + $4::interval, updated_at = now()
    WHERE organization_id = $1 AND id = $2 RETURNING {_COLUMNS}"""  # noqa: S608
# SECURITY DEFINER: of every organization, for whoever looks after all of them.
_DUE = "SELECT organization_id, customer_id FROM due_cancellations()"
# A new revision, of which the scheduler hears: what is disabled is not checked.
_DISABLE_MONITORS = """WITH changed AS (
        UPDATE monitors SET status = 'disabled', revision = revision + 1, updated_at = now()
        WHERE organization_id = $1 AND customer_id = $2 AND status <> 'disabled' RETURNING id)
    SELECT count(pg_notify('mailprobe_monitors', id::text)) FROM changed"""
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
        _INSERT,
        organization_id,
        new.name,
        new.email,
        new.package_type,
        new.custom_fields or {},
        new.allowed_check_country_codes,
        new.alert_location_threshold_count,
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


async def hold_customer(connection: Connection, organization_id: int, customer_id: int) -> Customer | None:
    """The customer, held until the transaction ends; or None."""
    row = await connection.fetchrow(_HOLD, organization_id, customer_id)
    return None if row is None else _customer(row)


async def set_customer_status(
    connection: Connection, customer: Customer, status: CustomerStatus, *, grace: timedelta | None
) -> Customer:
    """Let a customer leave, go or stay; `grace`: until it is gone."""
    return _customer(await connection.fetchrow(_SET_STATUS, customer.organization_id, customer.id, status, grace))


async def due_cancellations(pool: Pool) -> list[tuple[int, int]]:
    """Organization and customer of those whose days are over."""
    with translated_errors():
        async with pool.acquire(timeout=10) as connection:
            return [(row["organization_id"], row["customer_id"]) for row in await connection.fetch(_DUE)]


async def disable_monitors(connection: Connection, organization_id: int, customer_id: int) -> int:
    """Check nothing of this customer any more; how many monitors that stops."""
    disabled: int = await connection.fetchval(_DISABLE_MONITORS, organization_id, customer_id)
    return disabled


async def find_organization(connection: Connection, organization_id: int) -> Organization | None:
    """The organization, or None once it is gone."""
    row = await connection.fetchrow(_ORGANIZATION, organization_id)
    return None if row is None else Organization(**row)


def _customer(row: Any) -> Customer:
    return Customer(**row)
