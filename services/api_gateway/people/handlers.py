"""People over HTTP, for admins. What people do with their own account is in `sessions`."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID

from aiohttp import web

from services.api_gateway.calls import Call, json_answer
from services.api_gateway.customers.customer_store import find_customer
from services.api_gateway.identifiers import read_uuid
from services.api_gateway.monitors.models import Deleted
from services.api_gateway.people.link_store import Purpose, link_address, make_link
from services.api_gateway.people.models import (
    ANSWER_ONLY,
    ResetLink,
    UserCreate,
    UserPatch,
    Users,
    invited_answer,
    user_answer,
)
from services.api_gateway.people.people_store import (
    EMAIL_TAKEN,
    Person,
    delete_person,
    end_sessions,
    find_person,
    forget_links,
    hold_other_admins,
    insert_person,
    list_people,
    update_person,
)
from services.api_gateway.people.rules import (
    is_active_admin,
    require_no_rise,
    require_not_oneself,
    require_reach,
    require_rule,
    require_sight,
    scope_faults,
)
from services.api_gateway.principal import Role
from services.api_gateway.problems import Fault, Problem, not_found, wrong_fields
from services.api_gateway.reading import read_model, read_object, validated
from services.api_gateway.sessions.cookies import is_secure
from shared.database.errors import DatabaseRejected
from shared.database.pool import Connection

PATH = "/api/users"


async def show_users(call: Call) -> web.Response:
    """`GET /api/users`: a bare array."""
    require_sight(call.principal)
    async with call.transaction() as connection:
        found = await list_people(connection, call.organization_id)
    return json_answer(Users([user_answer(person) for person in found]))


async def show_user(call: Call) -> web.Response:
    """`GET /api/users/{publicId}`."""
    require_sight(call.principal)
    async with call.transaction() as connection:
        return json_answer(user_answer(await _person_of_address(connection, call)))


async def invite_user(call: Call) -> web.Response:
    """`POST /api/users`: who can sign in once they have opened the link in the answer."""
    require_rule(call.principal)
    sent = await read_model(call.request, UserCreate, ignored=ANSWER_ONLY)
    require_no_rise(call.principal, before=None, after=sent.global_role)
    try:
        async with call.transaction() as connection:
            customer_ids = await _customers(connection, call, sent.customer_ids)
            if faults := scope_faults(sent.role, sent.global_role, customer_ids):
                raise wrong_fields(faults)
            person = await insert_person(
                connection,
                call.organization_id,
                email=sent.email,
                name=sent.name,
                role=sent.role,
                global_role=sent.global_role,
                customer_ids=customer_ids,
            )
            token, expires = await make_link(connection, call.organization_id, Purpose.INVITATION, user_id=person.id)
    except DatabaseRejected as error:
        raise address_taken(error) from None
    link = link_address(address_for_people(call), Purpose.INVITATION, token)
    return json_answer(
        invited_answer(person, link, expires), status=HTTPStatus.CREATED, location=f"{PATH}/{person.public_id}"
    )


async def change_user(call: Call) -> web.Response:
    """`PATCH /api/users/{publicId}`: judged against the row as it is, which is held meanwhile."""
    require_rule(call.principal)
    body, unkeepable = await read_object(call.request)
    fields = {key: value for key, value in body.items() if key not in ANSWER_ONLY}
    sent, faults = validated(UserPatch, fields, known=unkeepable)
    try:
        async with call.transaction() as connection:
            person = await _person_of_address(connection, call, held=True)
            require_reach(call.principal, person)
            if sent is None:
                raise wrong_fields(faults)
            changes = await _changes(connection, call, person, sent)
            changed = await update_person(connection, person, changes) if changes else person
            if changes.keys() - {"name"}:
                # Whatever they had open was let in as somebody else.
                await end_sessions(connection, person.organization_id, person.id, but=_own_session(call, person))
            if changes.keys() & {"email", "disabled"}:
                # A link went to whoever had the old address, or to somebody who was to be kept out.
                await forget_links(connection, person.organization_id, person.id)
    except DatabaseRejected as error:
        raise address_taken(error) from None
    return json_answer(user_answer(changed))


async def remove_user(call: Call) -> web.Response:
    """`DELETE /api/users/{publicId}`."""
    require_rule(call.principal)
    async with call.transaction() as connection:
        person = await _person_of_address(connection, call, held=True)
        require_reach(call.principal, person)
        require_not_oneself(call.principal, person)
        if is_active_admin(person):
            await require_another_admin(connection, person)
        await delete_person(connection, person)
    return json_answer(Deleted())


async def make_reset_link(call: Call) -> web.Response:
    """`POST /api/users/{publicId}/reset-link`: the password stays as it is until the link is opened."""
    require_rule(call.principal)
    async with call.transaction() as connection:
        person = await _person_of_address(connection, call, held=True)
        require_reach(call.principal, person)
        if person.disabled:
            raise Problem(HTTPStatus.CONFLICT, "The person is disabled", detail="enable them first")
        purpose = Purpose.INVITATION if person.invited else Purpose.RESET
        token, expires = await make_link(connection, person.organization_id, purpose, user_id=person.id)
    link = link_address(address_for_people(call), purpose, token)
    return json_answer(ResetLink(link=link, link_expires_at=expires))


def address_for_people(call: Call) -> str:
    """Where links lead: MAILPROBE_PUBLIC_URL, else where this request came to."""
    settings = call.resources.settings
    if settings.public_url is not None:
        return settings.public_url
    return f"{'https' if is_secure(call.request, settings) else 'http'}://{call.request.host}"


def address_taken(error: DatabaseRejected) -> Problem | DatabaseRejected:
    """409 where that is what the database says; else what it says."""
    if error.constraint != EMAIL_TAKEN:
        return error
    said = "somebody signs in by this email already"
    return Problem(HTTPStatus.CONFLICT, said, faults=[Fault(pointer="/email", detail=said)])


async def require_another_admin(connection: Connection, person: Person) -> None:
    """Raises Problem 409 where nobody could look after the organization without this person."""
    if not await hold_other_admins(connection, person):
        raise Problem(
            HTTPStatus.CONFLICT, "The last admin", detail="an organization keeps an admin; make somebody else one first"
        )


async def _person_of_address(connection: Connection, call: Call, *, held: bool = False) -> Person:
    public_id = read_uuid(call.request.match_info["publicId"])
    if public_id is None:
        raise Problem(HTTPStatus.BAD_REQUEST, "User public ID (UUID) required")
    person = await find_person(connection, call.organization_id, public_id, held=held)
    if person is None:
        raise not_found("User")
    return person


async def _changes(connection: Connection, call: Call, person: Person, sent: UserPatch) -> dict[str, Any]:
    """What differs from the row; raises Problem 400, 403 or 409 where it may not be so."""
    told = sent.model_fields_set
    wanted: dict[str, Any] = {name: getattr(sent, name) for name in told if name != "customer_ids"}
    if "customer_ids" in told:
        wanted["customer_ids"] = await _customers(connection, call, sent.customer_ids)
    before = {name: getattr(person, name) for name in wanted}
    if person.customer_ids is not None and "customer_ids" in wanted:
        before["customer_ids"] = list(person.customer_ids)
    changes = {name: value for name, value in wanted.items() if value != before[name]}
    require_no_rise(call.principal, before=person.global_role, after=changes.get("global_role", person.global_role))
    if changes.keys() & {"role", "global_role", "customer_ids", "disabled"}:
        require_not_oneself(call.principal, person)
    faults = scope_faults(
        changes.get("role", person.role),
        changes.get("global_role", person.global_role),
        changes.get("customer_ids", person.customer_ids),
    )
    if faults:
        raise wrong_fields(faults)
    stays = changes.get("role", person.role) is Role.ADMIN and not changes.get("disabled", person.disabled)
    if is_active_admin(person) and not stays:
        await require_another_admin(connection, person)
    return changes


async def _customers(connection: Connection, call: Call, identifiers: Sequence[int | UUID] | None) -> list[int] | None:
    """The numbers of these customers, in order; raises Problem 400 naming who is unknown."""
    if identifiers is None:
        return None
    found = [await find_customer(connection, call.organization_id, each) for each in dict.fromkeys(identifiers)]
    unknown = [
        Fault(pointer=f"/customerIds/{place}", detail="Customer not found")
        for place, customer in enumerate(found)
        if customer is None
    ]
    if unknown:
        raise wrong_fields(unknown)
    return sorted({customer.id for customer in found if customer is not None})


def _own_session(call: Call, person: Person) -> int | None:
    return call.principal.session_id if call.principal.actor.id == person.id else None
