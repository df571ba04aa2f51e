"""People as an operator looks after them at the database: where nobody can sign in, or nobody is to.

The rules are those of the API, but for who asks: whoever holds the database's address may do anything.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime

from services.api_gateway.acting import told_actor
from services.api_gateway.customers.customer_store import find_customer
from services.api_gateway.people.link_store import Purpose, link_address, make_link
from services.api_gateway.people.people_store import (
    EMAIL_TAKEN,
    end_sessions,
    find_person,
    forget_links,
    hold_other_admins,
    insert_person,
    list_people,
    people_exist,
    update_person,
)
from services.api_gateway.people.people_store import Person as Person
from services.api_gateway.people.rules import is_active_admin, scope_faults
from services.api_gateway.principal import GlobalRole, Role
from shared.database.errors import DatabaseRejected
from shared.database.pool import Connection, Pool, organization_transaction

FIRST_ORGANIZATION = 1


class Refused(Exception):
    """It may not be so; the text says why, in a sentence without its end."""


async def set_up_link(pool: Pool, address: str, *, operator: str) -> tuple[str, datetime] | None:
    """A new link for the first person, and when it expires; None where somebody can sign in already."""
    if await people_exist(pool):
        return None
    async with _as_operator(pool, FIRST_ORGANIZATION, operator) as connection:
        token, expires = await make_link(connection, FIRST_ORGANIZATION, Purpose.SET_UP)
    return link_address(address, Purpose.SET_UP, token), expires


async def people_of(pool: Pool, organization_id: int) -> list[Person]:
    """Everybody of an organization."""
    async with organization_transaction(pool, organization_id) as connection:
        return await list_people(connection, organization_id)


async def add_person(
    pool: Pool,
    organization_id: int,
    address: str,
    *,
    email: str,
    name: str,
    role: Role | str,
    global_role: GlobalRole | str | None,
    customers: Sequence[int],
    operator: str,
) -> tuple[str, datetime]:
    """Invite somebody; the link that lets them in, and when it expires. Raises Refused."""
    given, everywhere = Role(role), GlobalRole(global_role) if global_role else None
    limited = sorted(set(customers)) or None
    if faults := scope_faults(given, everywhere, limited):
        raise Refused(faults[0].detail)
    try:
        async with _as_operator(pool, organization_id, operator) as connection:
            for customer in limited or ():
                if await find_customer(connection, organization_id, customer) is None:
                    raise Refused(f"there is no customer {customer} in organization {organization_id}")
            person = await insert_person(
                connection,
                organization_id,
                email=email,
                name=name,
                role=given,
                global_role=everywhere,
                customer_ids=limited,
            )
            token, expires = await make_link(connection, organization_id, Purpose.INVITATION, user_id=person.id)
    except DatabaseRejected as error:
        taken = error.constraint == EMAIL_TAKEN
        raise Refused(
            f"somebody signs in as {email} already" if taken else f"there is no organization {organization_id}"
        ) from None
    return link_address(address, Purpose.INVITATION, token), expires


async def reset_link(
    pool: Pool, organization_id: int, address: str, *, email: str, operator: str
) -> tuple[str, datetime]:
    """A link to a new password, and when it expires. Raises Refused."""
    async with _as_operator(pool, organization_id, operator) as connection:
        person = _there(await find_person(connection, organization_id, email, held=True), email, organization_id)
        if person.disabled:
            raise Refused(f"{email} is disabled; enable them first: mailprobe users disable --undo {email}")
        purpose = Purpose.INVITATION if person.invited else Purpose.RESET
        token, expires = await make_link(connection, organization_id, purpose, user_id=person.id)
    return link_address(address, purpose, token), expires


async def disable_person(pool: Pool, organization_id: int, *, email: str, disabled: bool, operator: str) -> None:
    """Keep somebody out from the next request on, or let them in again. Raises Refused."""
    async with _as_operator(pool, organization_id, operator) as connection:
        person = _there(await find_person(connection, organization_id, email, held=True), email, organization_id)
        if disabled and is_active_admin(person) and not await hold_other_admins(connection, person):
            raise Refused(f"{email} is the last admin of organization {organization_id}; make somebody else one first")
        await update_person(connection, person, {"disabled": disabled})
        await end_sessions(connection, organization_id, person.id)
        await forget_links(connection, organization_id, person.id)


def _as_operator(pool: Pool, organization_id: int, operator: str) -> AbstractAsyncContextManager[Connection]:
    return organization_transaction(pool, organization_id, actor=told_actor("operator", None, operator))


def _there(person: Person | None, email: str, organization_id: int) -> Person:
    if person is None:
        raise Refused(f"nobody signs in as {email} in organization {organization_id}")
    return person
