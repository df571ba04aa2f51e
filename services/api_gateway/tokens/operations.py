"""The routes of tokens."""

from services.api_gateway.monitors.models import Deleted
from services.api_gateway.operation import NO_CUSTOMER, WRONG_FIELDS, Operation
from services.api_gateway.tokens import handlers
from services.api_gateway.tokens.models import (
    CustomerTokenCreate,
    CustomerTokenQuery,
    OrganizationTokenCreate,
    TokenCreated,
    Tokens,
)

_ADMINS = "It takes an admin who is signed in; a token cannot make tokens."
_WRITERS = "It takes somebody who is signed in and may change the customer's monitors; a token cannot make tokens."
_INVALID = "`Invalid token ID`"
_NO_TOKEN = "`Token not found`"

TOKEN_OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="GET",
        path=handlers.OF_ORGANIZATION,
        name="listOrganizationTokens",
        summary="The organization's tokens.",
        handler=handlers.show_organization_tokens,
        answers={200: Tokens},
        problems={403: _ADMINS},
    ),
    Operation(
        method="POST",
        path=handlers.OF_ORGANIZATION,
        name="createOrganizationToken",
        summary="Make a token of the organization.",
        handler=handlers.make_organization_token,
        body=OrganizationTokenCreate,
        answers={201: TokenCreated},
        problems={400: WRONG_FIELDS, 403: _ADMINS},
    ),
    Operation(
        method="DELETE",
        path=f"{handlers.OF_ORGANIZATION}/{{id}}",
        name="revokeOrganizationToken",
        summary="Revoke a token of the organization.",
        handler=handlers.revoke_organization_token,
        answers={200: Deleted},
        problems={400: _INVALID, 403: _ADMINS, 404: _NO_TOKEN},
    ),
    Operation(
        method="GET",
        path=handlers.OF_CUSTOMER,
        name="listCustomerTokens",
        summary="The tokens of customers.",
        handler=handlers.show_customer_tokens,
        query=CustomerTokenQuery,
        answers={200: Tokens},
        problems={400: WRONG_FIELDS, 403: _WRITERS, 404: NO_CUSTOMER},
    ),
    Operation(
        method="POST",
        path=handlers.OF_CUSTOMER,
        name="createCustomerToken",
        summary="Make a token of one customer.",
        handler=handlers.make_customer_token,
        body=CustomerTokenCreate,
        answers={201: TokenCreated},
        problems={400: WRONG_FIELDS, 403: _WRITERS, 404: NO_CUSTOMER},
    ),
    Operation(
        method="DELETE",
        path=f"{handlers.OF_CUSTOMER}/{{id}}",
        name="revokeCustomerToken",
        summary="Revoke a customer's token.",
        handler=handlers.revoke_customer_token,
        answers={200: Deleted},
        problems={400: _INVALID, 403: _WRITERS, 404: _NO_TOKEN},
    ),
)
