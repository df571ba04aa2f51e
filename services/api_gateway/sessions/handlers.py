"""Signing in and out, the first person, invitations, and what people do with their own account, over HTTP."""

from http import HTTPStatus

from aiohttp import web

from services.api_gateway.acting import actor_text
from services.api_gateway.calls import AUTHENTICATOR, Call, json_answer
from services.api_gateway.customers.customer_store import find_organization
from services.api_gateway.identifiers import read_uuid
from services.api_gateway.people.handlers import address_taken
from services.api_gateway.people.link_store import Link, Purpose, find_link, use_link
from services.api_gateway.people.people_store import (
    Person,
    end_sessions,
    find_person,
    forget_links,
    insert_person,
    password_hash_of,
    people_exist,
    update_person,
)
from services.api_gateway.principal import GlobalRole, Principal, Role
from services.api_gateway.problems import Fault, Problem, not_found, too_many, wrong_fields
from services.api_gateway.reading import read_model, read_query
from services.api_gateway.resources import RESOURCES, Resources
from services.api_gateway.sessions import cookies, signing_in
from services.api_gateway.sessions.attempt_store import Limit, attempt_key, count_attempt, forgive
from services.api_gateway.sessions.models import (
    Acceptance,
    ActingFor,
    OwnPatch,
    OwnSession,
    OwnSessions,
    SessionState,
    SetUp,
    SignedIn,
    SignedOut,
    SignIn,
    SignOutQuery,
)
from services.api_gateway.sessions.same_origin import require_same_origin
from services.api_gateway.sessions.session_store import (
    cookie_hash,
    end_session,
    end_session_of_cookie,
    find_session,
    list_sessions,
)
from shared.database.errors import DatabaseRejected
from shared.database.pool import organization_transaction, transaction

PATH = "/api/session"
SESSIONS = "/api/sessions"
_WRONG_CURRENT = "currentPassword is not the present password"


async def show_session(request: web.Request) -> web.Response:
    """`GET /api/session`: for anybody, so that a page knows what to show."""
    return json_answer(await _state(request, await request.app[AUTHENTICATOR].known(request)))


async def sign_in(request: web.Request) -> web.Response:
    """`POST /api/session`."""
    resources = request.app[RESOURCES]
    _require_own_page(request, resources)
    sent = await read_model(request, SignIn)
    given = await signing_in.sign_in(request, resources, email=sent.email, password=sent.password)
    return await _signed_in(request, resources, given)


async def sign_out(request: web.Request) -> web.Response:
    """`DELETE /api/session`: also for a browser whose session has ended already, which is to forget it."""
    resources = request.app[RESOURCES]
    everywhere = read_query(request, SignOutQuery).everywhere
    token = cookies.session_token(request, resources.settings)
    if token is not None:
        _require_own_page(request, resources, unless_silent=False)
        principal = await find_session(resources.pool, cookie_hash(token))
        if principal is not None:
            actor = actor_text(request, resources, user_id=principal.actor.id, name=principal.actor.name)
            async with organization_transaction(resources.pool, principal.home, actor=actor) as connection:
                await end_session_of_cookie(connection, principal.home, token)
                if everywhere:
                    await end_sessions(connection, principal.home, principal.actor.id)
    response = json_answer(SignedOut())
    cookies.clear_session(response, request, resources.settings)
    return response


async def set_up(request: web.Request) -> web.Response:
    """`POST /api/set-up`: the first person, who looks after the first organization and the installation."""
    resources = request.app[RESOURCES]
    _require_own_page(request, resources)
    sent = await read_model(request, SetUp)
    link = await _link(resources, sent.token, Purpose.SET_UP)
    if await people_exist(resources.pool):
        raise _spent()
    hashed = await resources.passwords.hashed(sent.password)
    actor = actor_text(request, resources, user_id=None, name=sent.email)
    try:
        async with organization_transaction(resources.pool, link.organization_id, actor=actor) as connection:
            if not await use_link(connection, link):
                raise _spent()
            person = await insert_person(
                connection,
                link.organization_id,
                email=sent.email,
                name=sent.name,
                role=Role.ADMIN,
                global_role=GlobalRole.ADMIN,
                password_hash=hashed,
            )
            given = await signing_in.opened(connection, request, resources, person.organization_id, person.id)
    except DatabaseRejected as error:
        raise address_taken(error) from None
    return await _signed_in(request, resources, given)


async def accept_invitation(request: web.Request) -> web.Response:
    """`POST /api/invitations/accept`: also how a new password is chosen by a link. Every other session ends."""
    resources = request.app[RESOURCES]
    _require_own_page(request, resources)
    sent = await read_model(request, Acceptance)
    link = await _link(resources, sent.token, Purpose.INVITATION, Purpose.RESET)
    hashed = await resources.passwords.hashed(sent.password)
    actor = actor_text(request, resources, user_id=link.user_id, name="by a link")
    async with organization_transaction(resources.pool, link.organization_id, actor=actor) as connection:
        if link.user_id is None or not await use_link(connection, link):
            raise _spent()
        person = await find_person(connection, link.organization_id, link.user_id, held=True)
        if person is None or person.disabled:
            raise _spent()
        name = sent.name if sent.name is not None and link.purpose is Purpose.INVITATION else person.name
        await update_person(connection, person, {"password_hash": hashed, "name": name})
        await end_sessions(connection, person.organization_id, person.id, forget_devices=True)
        given = await signing_in.opened(connection, request, resources, person.organization_id, person.id)
    return await _signed_in(request, resources, given)


async def change_own(call: Call) -> web.Response:
    """`PATCH /api/session`: one's own name and password. A new password ends every other session."""
    call.principal.require_person()
    sent = await read_model(call.request, OwnPatch)
    changes: dict[str, str] = {}
    kept: str | None = None
    if "name" in sent.model_fields_set:
        changes["name"] = sent.name
    if sent.new_password is not None:
        kept = await _require_current(call, sent.current_password)
        changes["password_hash"] = await call.resources.passwords.hashed(sent.new_password)
    own = (call.principal.home, call.principal.actor.id)
    async with call.home_transaction() as connection:
        person = await find_person(connection, *own, held=True)
        if person is None:
            raise not_found("User")
        if sent.new_password is not None and kept != await password_hash_of(connection, *own):
            raise _wrong_current()  # it was chosen anew meanwhile, to keep somebody out
        if changes:
            await update_person(connection, person, changes)
        if sent.new_password is not None:
            await end_sessions(connection, *own, but=call.principal.session_id)
            await forget_links(connection, *own)
    return json_answer(await _state(call.request, call.principal))


async def show_own_sessions(call: Call) -> web.Response:
    """`GET /api/sessions`: a bare array."""
    call.principal.require_person()
    async with call.home_transaction() as connection:
        found = await list_sessions(connection, call.principal.home, call.principal.actor.id)
    return json_answer(
        OwnSessions(
            [
                OwnSession(
                    public_id=each.public_id,
                    address=each.address,
                    user_agent=each.user_agent,
                    created_at=each.created_at,
                    last_seen_at=each.last_seen_at,
                    expires_at=each.expires_at,
                    current=each.id == call.principal.session_id,
                )
                for each in found
            ]
        )
    )


async def end_own_session(call: Call) -> web.Response:
    """`DELETE /api/sessions/{publicId}`: sign out another browser."""
    call.principal.require_person()
    public_id = read_uuid(call.request.match_info["publicId"])
    if public_id is None:
        raise Problem(HTTPStatus.BAD_REQUEST, "Session public ID (UUID) required")
    async with call.home_transaction() as connection:
        if not await end_session(connection, call.principal.home, call.principal.actor.id, public_id):
            raise not_found("Session")
    return json_answer(SignedOut())


async def _require_current(call: Call, given: str | None) -> str | None:
    """The hash of the present password, which this is; raises Problem 400 or 429.

    Whoever finds a browser open does not get the account with it.
    """
    if given is None:
        raise wrong_fields([Fault(pointer="/currentPassword", detail="currentPassword is required")])
    key = attempt_key("change", str(call.principal.actor.id))
    async with transaction(call.resources.pool) as connection:
        wait_seconds = await count_attempt(connection, (Limit(key, signing_in.FAILURES_OF_ACCOUNT),))
    if wait_seconds is not None:
        raise too_many("currentPassword was wrong too often", retry_after_seconds=wait_seconds)
    async with call.home_transaction() as connection:
        kept = await password_hash_of(connection, call.principal.home, call.principal.actor.id)
    if not await call.resources.passwords.matches(kept, given):
        raise _wrong_current()
    async with transaction(call.resources.pool) as connection:
        await forgive(connection, forgotten=key, taken_back=None)
    return kept


def _wrong_current() -> Problem:
    return wrong_fields([Fault(pointer="/currentPassword", detail=_WRONG_CURRENT)])


def _require_own_page(request: web.Request, resources: Resources, *, unless_silent: bool = True) -> None:
    # Else another page could sign somebody in as a stranger, to see what they enter.
    settings = resources.settings
    secure = cookies.is_secure(request, settings)
    require_same_origin(request, public_url=settings.public_url, secure=secure, unless_silent=unless_silent)


async def _link(resources: Resources, token: str, *purposes: Purpose) -> Link:
    link = await find_link(resources.pool, token)
    if link is None or link.purpose not in purposes:
        raise _spent()
    return link


def _spent() -> Problem:
    return Problem(
        HTTPStatus.NOT_FOUND,
        "Link not found",
        detail="the link is mistyped, was opened already or has expired; ask for another",
    )


async def _signed_in(request: web.Request, resources: Resources, given: signing_in.Opened) -> web.Response:
    principal = await find_session(resources.pool, cookie_hash(given.session))
    state = await _state(request, principal)
    response = json_answer(state, status=HTTPStatus.CREATED, location=PATH)
    signing_in.give_cookies(response, request, resources, given)
    return response


async def _state(request: web.Request, principal: Principal | None) -> SessionState:
    resources = request.app[RESOURCES]
    organization, person = None, None
    if principal is not None:
        async with organization_transaction(resources.pool, principal.organization_id) as connection:
            organization = await find_organization(connection, principal.organization_id)
        if principal.is_person:
            async with organization_transaction(resources.pool, principal.home) as connection:
                person = await find_person(connection, principal.home, principal.actor.id)
    return SessionState(
        authenticated=principal is not None,
        set_up_needed=person is None and not await people_exist(resources.pool),
        insecure=not cookies.is_secure(request, resources.settings),
        user=None if person is None else _shown(person),
        organization=None if organization is None else ActingFor(id=organization.id, name=organization.name),
    )


def _shown(person: Person) -> SignedIn:
    return SignedIn(
        public_id=person.public_id,
        email=person.email,
        name=person.name,
        role=person.role,
        global_role=person.global_role,
        customer_ids=None if person.customer_ids is None else list(person.customer_ids),
        organization_id=person.organization_id,
    )
