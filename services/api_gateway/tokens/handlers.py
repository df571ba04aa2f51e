"""Tokens over HTTP, for people who are signed in: a token cannot make tokens, nor learn of others.

The organization's are for admins. A customer's are for whoever may change that customer's monitors, who gives them no
more than they may do themselves.
"""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from aiohttp import web

from services.api_gateway.calls import Call, json_answer
from services.api_gateway.identifiers import read_identifier
from services.api_gateway.monitors.handlers import customer_in_scope, wanted_customers
from services.api_gateway.monitors.models import Deleted
from services.api_gateway.principal import Principal, Role
from services.api_gateway.problems import Problem, forbidden, not_found
from services.api_gateway.reading import read_model, read_query
from services.api_gateway.token_store import TokenFacts, delete_token, find_token, insert_token, tokens_of
from services.api_gateway.tokens.models import (
    ANSWER_ONLY,
    CustomerTokenCreate,
    CustomerTokenQuery,
    OrganizationTokenCreate,
    Tokens,
    created_answer,
    token_answer,
)
from shared.database.pool import Connection

OF_ORGANIZATION = "/api/organization/tokens"
OF_CUSTOMER = "/api/customer/tokens"


async def show_organization_tokens(call: Call) -> web.Response:
    """`GET /api/organization/tokens`: a bare array."""
    _require_organizations(call.principal)
    async with call.transaction() as connection:
        found = await tokens_of(connection, call.organization_id)
    return json_answer(Tokens([token_answer(each) for each in found if each.customer_id is None]))


async def make_organization_token(call: Call) -> web.Response:
    """`POST /api/organization/tokens`."""
    _require_organizations(call.principal)
    sent = await read_model(call.request, OrganizationTokenCreate, ignored=ANSWER_ONLY)
    async with call.transaction() as connection:
        token, facts = await insert_token(
            connection,
            call.organization_id,
            name=sent.name,
            role=sent.role,
            customer_id=None,
            expires=_expiry(sent.expires_in_days),
        )
    return _made(token, facts, OF_ORGANIZATION)


async def revoke_organization_token(call: Call) -> web.Response:
    """`DELETE /api/organization/tokens/{id}`: it is refused from the next request on."""
    _require_organizations(call.principal)
    async with call.transaction() as connection:
        facts = await _token_of_address(connection, call)
        if facts.customer_id is not None:
            raise not_found("Token")
        await delete_token(connection, call.organization_id, facts.id)
    return json_answer(Deleted())


async def show_customer_tokens(call: Call) -> web.Response:
    """`GET /api/customer/tokens`: a bare array, of one customer or of all in scope."""
    _require_customers(call.principal)
    query = read_query(call.request, CustomerTokenQuery)
    async with call.transaction() as connection:
        customer_ids = await wanted_customers(connection, call, query.customer_id)
        found = await tokens_of(connection, call.organization_id)
    shown = [
        token_answer(each)
        for each in found
        if each.customer_id is not None and (customer_ids is None or each.customer_id in customer_ids)
    ]
    return json_answer(Tokens(shown))


async def make_customer_token(call: Call) -> web.Response:
    """`POST /api/customer/tokens`."""
    _require_customers(call.principal)
    sent = await read_model(call.request, CustomerTokenCreate, ignored=ANSWER_ONLY)
    if sent.role is Role.ADMIN and call.principal.role is not Role.ADMIN:
        raise forbidden("an admin's token is made by an admin alone")
    async with call.transaction() as connection:
        customer = await customer_in_scope(connection, call, sent.customer_id)
        token, facts = await insert_token(
            connection,
            call.organization_id,
            name=sent.name,
            role=sent.role,
            customer_id=customer.id,
            expires=_expiry(sent.expires_in_days),
        )
    return _made(token, facts, OF_CUSTOMER)


async def revoke_customer_token(call: Call) -> web.Response:
    """`DELETE /api/customer/tokens/{id}`: it is refused from the next request on."""
    _require_customers(call.principal)
    async with call.transaction() as connection:
        facts = await _token_of_address(connection, call)
        if facts.customer_id is None:
            raise not_found("Token")
        call.principal.require_customer(facts.customer_id)
        if Role(facts.role) is Role.ADMIN and call.principal.role is not Role.ADMIN:
            raise forbidden("an admin's token is revoked by an admin alone")
        await delete_token(connection, call.organization_id, facts.id)
    return json_answer(Deleted())


def _require_organizations(principal: Principal) -> None:
    principal.require_person()
    principal.require_admin()
    principal.require_organization_wide()


def _require_customers(principal: Principal) -> None:
    principal.require_person()
    principal.require_write()


async def _token_of_address(connection: Connection, call: Call) -> TokenFacts:
    identifier = read_identifier(call.request.match_info["id"])
    if identifier is None:
        raise Problem(HTTPStatus.BAD_REQUEST, "Invalid token ID")
    facts = await find_token(connection, call.organization_id, identifier)
    if facts is None:
        raise not_found("Token")
    return facts


def _expiry(days: int | None) -> datetime | None:
    return None if days is None else datetime.now(UTC) + timedelta(days=days)


def _made(token: str, facts: TokenFacts, path: str) -> web.Response:
    return json_answer(created_answer(facts, token), status=HTTPStatus.CREATED, location=f"{path}/{facts.public_id}")
