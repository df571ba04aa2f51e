"""Who may make whom what. Pure."""

from collections.abc import Sequence

from services.api_gateway.people.people_store import Person
from services.api_gateway.principal import GlobalRole, Principal, Role
from services.api_gateway.problems import Fault, forbidden


def require_sight(principal: Principal) -> None:
    """Whether the people of the organization may be seen: by its admins, and whoever reads everything."""
    principal.require_organization_wide()
    if principal.global_role is None:
        principal.require_admin()


def require_rule(principal: Principal) -> None:
    """Whether people may be made and changed: by admins who are signed in. Raises Problem 403.

    A token may not: who has found one would make themselves a person, and stay when it is revoked.
    """
    principal.require_admin()
    principal.require_organization_wide()
    principal.require_person()


def require_reach(principal: Principal, person: Person) -> None:
    """Whether this person may be changed, or handed a link to a new password; raises Problem 403."""
    if person.global_role is not None and principal.global_role is not GlobalRole.ADMIN:
        raise forbidden("somebody with a global role is changed by a global admin alone")


def require_no_rise(principal: Principal, *, before: GlobalRole | None, after: GlobalRole | None) -> None:
    """Whether the global role may be so; raises Problem 403."""
    if before != after and principal.global_role is not GlobalRole.ADMIN:
        raise forbidden("a global role is given and taken by a global admin alone")


def require_not_oneself(principal: Principal, person: Person) -> None:
    """Nobody changes what they may do themselves, nor locks themselves out; raises Problem 403."""
    if principal.is_person and principal.actor.id == person.id:
        raise forbidden("nobody changes their own role, customers or access; another admin does")


def scope_faults(role: Role, global_role: GlobalRole | None, customer_ids: Sequence[int] | None) -> list[Fault]:
    """What does not go together."""
    limited = customer_ids is not None
    if role is Role.ADMIN and limited:
        return [Fault(pointer="/customerIds", detail="customerIds must be null for an admin, who has every customer")]
    if global_role is not None and role is Role.READONLY:
        return [Fault(pointer="/globalRole", detail="globalRole does not go with the role readonly")]
    if global_role is not None and limited:
        return [Fault(pointer="/customerIds", detail="customerIds must be null beside a globalRole")]
    if role is Role.READONLY and not limited:
        return [Fault(pointer="/customerIds", detail="customerIds must name the customers of a readonly user")]
    return []


def is_active_admin(person: Person) -> bool:
    """Whether the organization has an admin in this person."""
    return person.role is Role.ADMIN and not person.disabled and not person.invited
