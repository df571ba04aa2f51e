"""People as requests describe them and answers show them."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, RootModel

from services.api_gateway.field_types import AnswerModel, Email, Identifier, Moment, Name, RequestModel, ignoring, wrong
from services.api_gateway.people.passwords import LONGEST_PASSWORD, SHORTEST_PASSWORD
from services.api_gateway.people.people_store import Person
from services.api_gateway.principal import GlobalRole, Role

_MOST_CUSTOMERS = 1000
ANSWER_ONLY = frozenset({"id", "publicId", "organizationId", "invited", "lastSignInAt", "createdAt", "updatedAt"})


def _at_least_one(value: list[Any]) -> list[Any]:
    if not value:
        raise wrong("{field} must name a customer; null is every one")
    return value


def _long_enough(value: str) -> str:
    # Length is what makes a password hard to guess; no rules of which characters (NIST SP 800-63B §5.1.1.2).
    if len(value) < SHORTEST_PASSWORD:
        raise wrong(f"{{field}} must have at least {SHORTEST_PASSWORD} characters; a few words make a good one")
    if "\x00" in value:
        raise wrong("{field} must not hold NUL")
    return value


NewPassword = Annotated[
    str,
    Field(
        max_length=LONGEST_PASSWORD,
        description=f"At least {SHORTEST_PASSWORD} characters.",
        json_schema_extra={"minLength": SHORTEST_PASSWORD, "format": "password"},
    ),
    AfterValidator(_long_enough),
]
LinkToken = Annotated[str, Field(min_length=1, max_length=200, description="What stands after the # of the link.")]
CustomerIds = Annotated[
    list[Identifier],
    Field(max_length=_MOST_CUSTOMERS, json_schema_extra={"minItems": 1}),
    AfterValidator(_at_least_one),
]


class UserCreate(RequestModel):
    """Somebody to invite."""

    model_config = ConfigDict(json_schema_extra=ignoring(ANSWER_ONLY))

    email: Email
    name: Name
    role: Annotated[Role, Field(strict=False)] = Role.USER
    global_role: Annotated[GlobalRole, Field(strict=False)] | None = Field(
        default=None, description="In every organization; only a global admin gives it."
    )
    customer_ids: CustomerIds | None = Field(
        default=None, description="Only these customers; null: every one. A readonly user must have some."
    )


def _without_defaults(schema: dict[str, Any]) -> None:
    ignoring(ANSWER_ONLY)(schema)
    for described in schema["properties"].values():
        described.pop("default", None)


class UserPatch(RequestModel):
    """Any of these fields of a person."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    # A default of these is never read: only fields that were sent count.
    email: Email = ""
    name: Name = ""
    role: Annotated[Role, Field(strict=False)] = Role.USER
    global_role: Annotated[GlobalRole, Field(strict=False)] | None = None
    customer_ids: CustomerIds | None = None
    disabled: bool = False


class User(AnswerModel):
    """A person of an organization."""

    id: int
    public_id: UUID
    organization_id: int
    email: str
    name: str
    role: Role
    global_role: GlobalRole | None
    customer_ids: list[int] | None = Field(description="Null: every customer.")
    disabled: bool
    invited: bool = Field(description="Has not chosen a password yet.")
    last_sign_in_at: Moment | None
    created_at: Moment
    updated_at: Moment


class Users(RootModel[list[User]]):
    """Everybody of the organization."""


class UserInvited(User):
    """Who was invited, and the link that lets them in."""

    invitation_link: str = Field(description="Shown this once; it opens once, within seven days.")
    link_expires_at: Moment


class ResetLink(AnswerModel):
    """A link by which a person chooses a new password (or, invited before, their first)."""

    link: str = Field(description="Shown this once; it opens once. The ones before it open nothing any more.")
    link_expires_at: Moment


def user_answer(person: Person) -> User:
    """A person as answers show them."""
    return User(**_fields(person))


def invited_answer(person: Person, link: str, expires: Any) -> UserInvited:
    """The same, with the link."""
    return UserInvited(**_fields(person), invitation_link=link, link_expires_at=expires)


def _fields(person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "public_id": person.public_id,
        "organization_id": person.organization_id,
        "email": person.email,
        "name": person.name,
        "role": person.role,
        "global_role": person.global_role,
        "customer_ids": None if person.customer_ids is None else list(person.customer_ids),
        "disabled": person.disabled,
        "invited": person.invited,
        "last_sign_in_at": person.last_sign_in_at,
        "created_at": person.created_at,
        "updated_at": person.updated_at,
    }
