"""Who is asking, and what that allows. Pure; who it is comes from the stores of tokens and sessions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.api_gateway.problems import forbidden


class Role(StrEnum):
    """What one may do: `readonly` may change a monitor's status and plan maintenance, `supporter` nothing."""

    ADMIN = "admin"
    USER = "user"
    READONLY = "readonly"
    SUPPORTER = "supporter"


class GlobalRole(StrEnum):
    """What a person may do in every organization: a supporter reads, an admin does everything."""

    SUPPORTER = "supporter"
    ADMIN = "admin"


class ActorKind(StrEnum):
    """What somebody showed to be let in."""

    TOKEN = "token"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is answerable for what is done: a token or a person, by number, under a name."""

    kind: ActorKind
    id: int
    name: str


_WRITERS = frozenset({Role.ADMIN, Role.USER})
READONLY_MAY_CHANGE = frozenset({"status"})


@dataclass(frozen=True, slots=True)
class Principal:
    """A valid token, or a person who is signed in, and the organization the request is about.

    Args:
        organization_id: the one acted for; of a person with a global role it need not be their own.
        customer_ids: the customers in scope; None: the whole organization.
        home_organization_id: where the actor is kept; None: the same.
        session_id: of a person, the session the request came by.
    """

    actor: Actor
    organization_id: int
    role: Role
    customer_ids: frozenset[int] | None = None
    global_role: GlobalRole | None = None
    home_organization_id: int | None = None
    session_id: int | None = None

    @property
    def home(self) -> int:
        """The organization the actor belongs to."""
        return self.organization_id if self.home_organization_id is None else self.home_organization_id

    @property
    def is_person(self) -> bool:
        return self.actor.kind is ActorKind.USER

    @property
    def single_customer_id(self) -> int | None:
        """The customer meant where none is named: the only one in scope, if there is just one."""
        return next(iter(self.customer_ids)) if self.customer_ids is not None and len(self.customer_ids) == 1 else None

    def customers_wanted(self) -> Sequence[int] | None:
        """The customers in scope as stores take them, None for all."""
        return None if self.customer_ids is None else sorted(self.customer_ids)

    def require_write(self) -> None:
        """Raises Problem 403."""
        if self.role not in _WRITERS:
            raise forbidden(f"a {self._what} may not do this")

    def require_admin(self) -> None:
        """Raises Problem 403."""
        if self.role is not Role.ADMIN:
            raise forbidden(f"a {self._what} may not do this")

    def require_person(self) -> None:
        """Whether somebody is signed in, which a token never is; raises Problem 403."""
        if not self.is_person:
            raise forbidden("a token may not do this; it takes a person who is signed in")

    def require_global(self, *, admin: bool = False) -> None:
        """Whether this person looks after the whole installation; raises Problem 403."""
        if self.global_role is None or (admin and self.global_role is not GlobalRole.ADMIN):
            raise forbidden(f"this takes a person with the global role admin{'' if admin else ' or supporter'}")

    def require_maintenance(self) -> None:
        """Whether maintenance windows may be planned, which readonly may too; raises Problem 403."""
        if self.role is Role.SUPPORTER:
            raise forbidden(f"a {self._what} may not do this")

    def require_change_of(self, fields: Iterable[str]) -> None:
        """Whether these fields of a monitor may be changed; raises Problem 403."""
        if self.role is Role.READONLY and READONLY_MAY_CHANGE.issuperset(fields):
            return
        if self.role is Role.READONLY:
            raise forbidden(f"a {self._what} may change only the status")
        self.require_write()

    def require_customer(self, customer_id: int) -> None:
        """Whether this customer of the organization is in scope; raises Problem 403."""
        if self.customer_ids is not None and customer_id not in self.customer_ids:
            said = (
                "you are not assigned to this customer" if self.is_person else "this token belongs to another customer"
            )
            raise forbidden(said)

    def require_organization_wide(self) -> None:
        """Raises Problem 403."""
        if self.customer_ids is not None:
            whom = "somebody limited to some customers" if self.is_person else "a token of one customer"
            raise forbidden(f"{whom} may not do this")

    @property
    def _what(self) -> str:
        if not self.is_person:
            return f"{self.role} token"
        return "user" if self.role is Role.USER else f"{self.role} user"
