"""The routes of organizations, but for `GET /api/organization`; and of customers that leave one."""

from services.api_gateway.customers import handlers as customers
from services.api_gateway.customers import leaving
from services.api_gateway.customers.models import CustomerCancelled, Organization
from services.api_gateway.operation import CUSTOMER_ID_REQUIRED, NO_CUSTOMER, NOT_ALLOWED, WRONG_FIELDS, Operation
from services.api_gateway.organizations import handlers
from services.api_gateway.organizations.models import (
    OrganizationCreate,
    OrganizationCreated,
    OrganizationPatch,
    Organizations,
)

_CANCEL = f"{customers.PATH}/{{publicId}}/cancel"

ORGANIZATION_OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="PATCH",
        path=handlers.OWN,
        name="changeOrganization",
        summary="Change any of these fields of the organization.",
        handler=handlers.change_organization,
        dry_run=True,
        body=OrganizationPatch,
        answers={200: Organization},
        problems={400: WRONG_FIELDS, 403: NOT_ALLOWED, 404: "The organization is gone."},
    ),
    Operation(
        method="GET",
        path=handlers.PATH,
        name="listOrganizations",
        summary="Every organization, for people with a global role.",
        handler=handlers.show_organizations,
        answers={200: Organizations},
        problems={403: "It takes a person with a global role."},
    ),
    Operation(
        method="POST",
        path=handlers.PATH,
        name="createOrganization",
        summary="Make an organization, and invite its first admin.",
        handler=handlers.create_organization,
        outside=True,
        body=OrganizationCreate,
        answers={201: OrganizationCreated},
        problems={
            400: WRONG_FIELDS,
            403: "It takes a global admin.",
            409: "Somebody signs in by the admin's address already.",
        },
    ),
    Operation(
        method="POST",
        path=_CANCEL,
        name="cancelCustomer",
        summary="Let a customer leave: in three days its monitors are disabled.",
        handler=leaving.cancel_customer,
        dry_run=True,
        answers={200: CustomerCancelled},
        problems={
            400: CUSTOMER_ID_REQUIRED,
            403: NOT_ALLOWED,
            404: NO_CUSTOMER,
            409: "The customer is cancelled already.",
        },
    ),
    Operation(
        method="DELETE",
        path=_CANCEL,
        name="keepCustomer",
        summary="Let a customer stay after all.",
        handler=leaving.keep_customer,
        dry_run=True,
        answers={200: CustomerCancelled},
        problems={400: CUSTOMER_ID_REQUIRED, 403: NOT_ALLOWED, 404: NO_CUSTOMER},
    ),
)
