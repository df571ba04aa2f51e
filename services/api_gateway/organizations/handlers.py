"""Organizations over HTTP: one's own, and all of them for people with a global role."""

from http import HTTPStatus

from aiohttp import web

from services.api_gateway.calls import Call, json_answer
from services.api_gateway.organizations.models import (
    ANSWER_ONLY,
    OrganizationCreate,
    OrganizationCreated,
    OrganizationPatch,
    Organizations,
)
from services.api_gateway.organizations.organization_store import (
    all_organizations,
    insert_organization,
    next_organization_id,
    update_organization,
)
from services.api_gateway.people.handlers import address_for_people, address_taken
from services.api_gateway.people.link_store import Purpose, link_address, make_link
from services.api_gateway.people.models import invited_answer
from services.api_gateway.people.people_store import insert_person
from services.api_gateway.principal import Role
from services.api_gateway.problems import Fault, Problem, not_found
from services.api_gateway.reading import read_model
from shared.database.errors import DatabaseRejected
from shared.database.pool import organization_transaction

OWN = "/api/organization"
PATH = "/api/organizations"


async def change_organization(call: Call) -> web.Response:
    """`PATCH /api/organization`."""
    call.principal.require_admin()
    call.principal.require_organization_wide()
    sent = await read_model(call.request, OrganizationPatch, ignored=ANSWER_ONLY)
    async with call.transaction() as connection:
        changed = await update_organization(
            connection, call.organization_id, {name: getattr(sent, name) for name in sent.model_fields_set}
        )
    if changed is None:
        raise not_found("Organization")
    return json_answer(changed)


async def show_organizations(call: Call) -> web.Response:
    """`GET /api/organizations`: a bare array."""
    call.principal.require_global()
    return json_answer(Organizations(await all_organizations(call.resources.pool)))


async def create_organization(call: Call) -> web.Response:
    """`POST /api/organizations`: its first admin gets a link; the rest is theirs to make."""
    call.principal.require_global(admin=True)
    sent = await read_model(call.request, OrganizationCreate, ignored=ANSWER_ONLY)
    pool = call.resources.pool
    number = await next_organization_id(pool)
    try:
        async with organization_transaction(pool, number, actor=call.actor) as connection:
            made = await insert_organization(connection, number, sent.model_dump(exclude={"admin"}))
            admin = await insert_person(
                connection, number, email=sent.admin.email, name=sent.admin.name, role=Role.ADMIN
            )
            token, expires = await make_link(connection, number, Purpose.INVITATION, user_id=admin.id)
    except DatabaseRejected as error:
        problem = address_taken(error)
        if isinstance(problem, Problem):
            problem.faults = tuple(Fault(pointer="/admin/email", detail=each.detail) for each in problem.faults)
        raise problem from None
    link = link_address(address_for_people(call), Purpose.INVITATION, token)
    return json_answer(
        OrganizationCreated(organization=made, admin=invited_answer(admin, link, expires)),
        status=HTTPStatus.CREATED,
        location=f"{OWN}?organizationId={made.id}",
    )
