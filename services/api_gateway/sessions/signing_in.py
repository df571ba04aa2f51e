"""From an e-mail address and a password to a session, with limits that cannot be turned against somebody else.

Failures are counted by (account, address) and by address. A browser its owner signed in with before is counted by
itself alone (OWASP's device cookies): a stranger who guesses from the same address, or from a thousand, does not keep
the owner out of it; from anywhere else the owner comes from another address than the stranger. There is no count by
account alone, for whoever knows an e-mail address could use it up.
"""

from dataclasses import dataclass

from aiohttp import web

from services.api_gateway.acting import actor_text
from services.api_gateway.answering import REQUEST_ID
from services.api_gateway.client_address import address_of, counted_address
from services.api_gateway.people.passwords import Passwords
from services.api_gateway.people.people_store import find_person, password_hash_of, update_person
from services.api_gateway.problems import Problem, too_many, unauthorized
from services.api_gateway.resources import Resources
from services.api_gateway.sessions import cookies
from services.api_gateway.sessions.attempt_store import Limit, attempt_key, count_attempt, forgive
from services.api_gateway.sessions.session_store import (
    DEVICE_LASTS,
    LASTS,
    Account,
    begin_session,
    end_session_of_cookie,
    find_account,
    note_device,
)
from shared.database.pool import Connection, organization_transaction, transaction

FAILURES_OF_ACCOUNT = 10
FAILURES_OF_ADDRESS = 50
FAILURES_OF_DEVICE = 10


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that was just begun, as the browser's cookies."""

    session: str
    device: str


async def sign_in(request: web.Request, resources: Resources, *, email: str, password: str) -> Opened:
    """Begin a session; raises Problem 401 (whatever it is that was wrong), 429 or 503."""
    settings = resources.settings
    device = cookies.device_token(request, settings)
    account = await find_account(resources.pool, email, device)
    limits = _limits(request, resources, email, device if account is not None and account.known_device else None)
    async with transaction(resources.pool) as connection:
        wait_seconds = await count_attempt(connection, limits)
    if wait_seconds is not None:
        raise too_many("too many sign-ins went wrong; wait, or ask an admin", retry_after_seconds=wait_seconds)
    matches = await resources.passwords.matches(None if account is None else account.password_hash, password)
    if account is None or not matches or account.disabled:
        if account is not None:
            address = address_of(request, settings.trusted_proxies)
            resources.refusals.note(account.id, address=address, request_id=request.get(REQUEST_ID))
        raise wrong_credentials()
    fresh = await _fresh_hash(resources.passwords, account, password)
    actor = actor_text(request, resources, user_id=account.id, name=email)
    async with organization_transaction(resources.pool, account.organization_id, actor=actor) as connection:
        person = await find_person(connection, account.organization_id, account.id, held=True)
        if person is None or person.disabled:
            raise wrong_credentials()
        if await password_hash_of(connection, person.organization_id, person.id) != account.password_hash:
            raise wrong_credentials()  # a new one was chosen while this one was looked at
        if fresh is not None:
            await update_person(connection, person, {"password_hash": fresh})
        await forgive(connection, forgotten=limits[0].key, taken_back=limits[1].key if len(limits) > 1 else None)
        known = device if account.known_device else None
        return await opened(connection, request, resources, account.organization_id, account.id, device=known)


async def opened(
    connection: Connection,
    request: web.Request,
    resources: Resources,
    organization_id: int,
    user_id: int,
    *,
    device: str | None = None,
) -> Opened:
    """A session for somebody who has shown who they are. Always a new one: what the browser had before has ended."""
    before = cookies.session_token(request, resources.settings)
    if before is not None:
        await end_session_of_cookie(connection, organization_id, before)
    session = await begin_session(
        connection,
        organization_id,
        user_id,
        address=address_of(request, resources.settings.trusted_proxies),
        user_agent=request.headers.get("User-Agent", "").encode("utf-8", "replace").decode().replace("\x00", ""),
    )
    return Opened(session, await note_device(connection, organization_id, user_id, device))


def give_cookies(response: web.StreamResponse, request: web.Request, resources: Resources, given: Opened) -> None:
    """Let the browser keep its session."""
    settings = resources.settings
    cookies.set_session(response, request, settings, given.session, lasts_seconds=int(LASTS.total_seconds()))
    cookies.set_device(response, request, settings, given.device, lasts_seconds=int(DEVICE_LASTS.total_seconds()))


def wrong_credentials() -> Problem:
    """401, the same for an unknown address, a wrong password and somebody who is disabled."""
    return unauthorized("the e-mail address or the password is wrong")


def _limits(request: web.Request, resources: Resources, email: str, device: str | None) -> tuple[Limit, ...]:
    if device is not None:
        return (Limit(attempt_key("device", device), FAILURES_OF_DEVICE),)
    address = counted_address(address_of(request, resources.settings.trusted_proxies))
    return (
        Limit(attempt_key("account", email.lower(), address), FAILURES_OF_ACCOUNT),
        Limit(attempt_key("address", address), FAILURES_OF_ADDRESS),
    )


async def _fresh_hash(passwords: Passwords, account: Account, password: str) -> str | None:
    """The password hashed with today's parameters, where it was kept with others."""
    kept = account.password_hash
    return await passwords.hashed(password) if kept is not None and passwords.is_outdated(kept) else None
