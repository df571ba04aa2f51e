"""The routes of customers, and of the organization they are of."""

from services.api_gateway.customers import handlers
from services.api_gateway.customers.models import (
    Customer,
    CustomerCreate,
    CustomerCreated,
    CustomerPatch,
    Customers,
    Organization,
)
from services.api_gateway.manners.entity_tags import Tagged
from services.api_gateway.manners.holding_store import customer_held, organization_held
from services.api_gateway.operation import CUSTOMER_ID_REQUIRED, NO_CUSTOMER, NOT_ALLOWED, WRONG_FIELDS, Operation

_CUSTOMERS = handlers.PATH

CUSTOMER_OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="GET",
        path=_CUSTOMERS,
        name="listCustomers",
        summary="The customers a token may see.",
        handler=handlers.show_customers,
        answers={200: Customers},
    ),
    Operation(
        method="POST",
        path=_CUSTOMERS,
        name="createCustomer",
        summary="Create a customer.",
        handler=handlers.create_customer,
        dry_run=True,
        body=CustomerCreate,
        answers={201: CustomerCreated},
        problems={400: WRONG_FIELDS, 403: NOT_ALLOWED},
    ),
    Operation(
        method="GET",
        path=f"{_CUSTOMERS}/{{publicId}}",
        name="getCustomer",
        summary="One customer.",
        handler=handlers.show_customer,
        tagged=Tagged(hold=customer_held),
        answers={200: Customer},
        problems={400: CUSTOMER_ID_REQUIRED, 403: NOT_ALLOWED, 404: NO_CUSTOMER},
    ),
    Operation(
        method="PATCH",
        path=f"{_CUSTOMERS}/{{publicId}}",
        name="changeCustomer",
        summary="Change any of these fields of a customer.",
        handler=handlers.change_customer,
        dry_run=True,
        body=CustomerPatch,
        answers={200: Customer},
        problems={
            400: f"{CUSTOMER_ID_REQUIRED}; or: {WRONG_FIELDS}",
            403: NOT_ALLOWED,
            404: NO_CUSTOMER,
        },
    ),
    Operation(
        method="GET",
        path="/api/organization",
        name="getOrganization",
        summary="The organization the token belongs to.",
        handler=handlers.show_organization,
        tagged=Tagged(hold=organization_held),
        answers={200: Organization},
        problems={404: "The organization is gone."},
    ),
)
