"""Who is asking, and what that allows. Pure; who it is comes from the token store."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from services.api_gateway.problems import forbidden


class Role(StrEnum):
    """What a token may do: `readonly` may change a monitor's status and plan maintenance, `supporter` nothing."""

    ADMIN = "admin"
    USER = "user"
    READONLY = "readonly"
    SUPPORTER = "supporter"


_WRITERS = frozenset({Role.ADMIN, Role.USER})
READONLY_MAY_CHANGE = frozenset({"status"})


@dataclass(frozen=True, slots=True)
class Principal:
    """The owner of a valid token: of a whole organization, or (with `customer_id`) of one customer of it."""

    token_id: int
    organization_id: int
    role: Role
    customer_id: int | None = None

    def require_write(self) -> None:
        """Raises Problem 403."""
        if self.role not in _WRITERS:
            raise forbidden(f"a {self.role} token may not do this")

    def require_admin(self) -> None:
        """Raises Problem 403."""
        if self.role is not Role.ADMIN:
            raise forbidden(f"a {self.role} token may not do this")

    def require_maintenance(self) -> None:
        """Whether maintenance windows may be planned, which readonly may too; raises Problem 403."""
        if self.role is Role.SUPPORTER:
            raise forbidden("a supporter token may not do this")

    def require_change_of(self, fields: Iterable[str]) -> None:
        """Whether these fields of a monitor may be changed; raises Problem 403."""
        if self.role is Role.READONLY and READONLY_MAY_CHANGE.issuperset(fields):
            return
        if self.role is Role.READONLY:
            raise forbidden("a readonly token may change only the status")
        self.require_write()

    def require_customer(self, customer_id: int) -> None:
        """Whether this customer of the organization is in scope; raises Problem 403."""
        if self.customer_id is not None and self.customer_id != customer_id:
            raise forbidden("this token belongs to another customer")

    def require_organization_wide(self) -> None:
        """Raises Problem 403."""
        if self.customer_id is not None:
            raise forbidden("a token of one customer may not do this")
