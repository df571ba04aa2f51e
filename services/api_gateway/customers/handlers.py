"""Customers and the organization over HTTP: enough of both to hang monitors on."""

from http import HTTPStatus

from aiohttp import web

from services.api_gateway.calls import Call, json_answer
from services.api_gateway.customers.customer_store import (
    find_customer,
    find_organization,
    insert_customer,
    list_customers,
    update_customer,
)
from services.api_gateway.customers.models import (
    NEVER_SENT,
    Customer,
    CustomerCreate,
    CustomerCreated,
    CustomerPatch,
    Customers,
)
from services.api_gateway.identifiers import read_uuid
from services.api_gateway.package_configs.package_store import find_package_type
from services.api_gateway.problems import Fault, Problem, not_found, wrong_fields
from services.api_gateway.reading import read_model, read_object, validated
from shared.database.pool import Connection

PATH = "/api/customers"


async def show_customers(call: Call) -> web.Response:
    """`GET /api/customers`: a bare array."""
    async with call.transaction() as connection:
        found = await list_customers(connection, call.organization_id, only=call.principal.customers_wanted())
    return json_answer(Customers(found))


async def show_customer(call: Call) -> web.Response:
    """`GET /api/customers/{publicId}`."""
    async with call.transaction() as connection:
        return json_answer(await customer_of_address(connection, call))


async def change_customer(call: Call) -> web.Response:
    """`PATCH /api/customers/{publicId}`; not for tokens of one customer, who would change their own package."""
    call.principal.require_write()
    call.principal.require_organization_wide()
    body, unkeepable = await read_object(call.request)
    fields = {key: value for key, value in body.items() if key not in NEVER_SENT}
    sent, faults = validated(CustomerPatch, fields, known=unkeepable)
    async with call.transaction() as connection:
        customer = await customer_of_address(connection, call)
        if sent is None:
            raise wrong_fields(faults)
        if sent.package_type is not None:
            package_type = await find_package_type(connection, call.organization_id, sent.package_type)
            if package_type is None:
                raise wrong_fields([Fault(pointer="/packageType", detail="packageType is no configured package")])
            sent = sent.model_copy(update={"package_type": package_type})
        return json_answer(await update_customer(connection, customer, sent))


async def create_customer(call: Call) -> web.Response:
    """`POST /api/customers`."""
    call.principal.require_write()
    call.principal.require_organization_wide()
    sent = await read_model(call.request, CustomerCreate, ignored=NEVER_SENT)
    async with call.transaction() as connection:
        customer = await insert_customer(connection, call.organization_id, sent)
    return json_answer(
        CustomerCreated(customer=customer), status=HTTPStatus.CREATED, location=f"{PATH}/{customer.public_id}"
    )


async def show_organization(call: Call) -> web.Response:
    """`GET /api/organization`."""
    async with call.transaction() as connection:
        organization = await find_organization(connection, call.organization_id)
    if organization is None:
        raise not_found("Organization")
    return json_answer(organization)


async def customer_of_address(connection: Connection, call: Call) -> Customer:
    """The customer the address names; raises Problem 400, 403 or 404."""
    public_id = read_uuid(call.request.match_info["publicId"])
    if public_id is None:
        raise Problem(HTTPStatus.BAD_REQUEST, "Customer public ID (UUID) required")
    customer = await find_customer(connection, call.organization_id, public_id)
    if customer is None:
        raise not_found("Customer")
    call.principal.require_customer(customer.id)
    return customer
