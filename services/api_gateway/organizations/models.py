"""Organizations as requests describe them. How answers show them is `customers.models.Organization`."""

from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, RootModel

from services.api_gateway.customers.models import Organization
from services.api_gateway.field_types import AnswerModel, Email, Name, RequestModel, ignoring, one_line
from services.api_gateway.people.models import UserInvited

ANSWER_ONLY = frozenset({"id", "publicId", "createdAt"})

Line = Annotated[str, Field(max_length=255), AfterValidator(one_line)]


class OrganizationAdmin(RequestModel):
    """Who looks after a new organization."""

    email: Email
    name: Name


class OrganizationCreate(RequestModel):
    """A new organization, and its first admin."""

    model_config = ConfigDict(json_schema_extra=ignoring(ANSWER_ONLY))

    name: Name
    company_name: Line | None = None
    street: Line | None = None
    postal_code: Line | None = None
    city: Line | None = None
    country: Line | None = None
    vat_id: Line | None = None
    billing_email: Email | None = None
    admin: OrganizationAdmin


def _without_defaults(schema: dict[str, Any]) -> None:
    ignoring(ANSWER_ONLY)(schema)
    for described in schema["properties"].values():
        described.pop("default", None)


class OrganizationPatch(RequestModel):
    """Any of these fields of an organization."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    # A default of these is never read: only fields that were sent count.
    name: Name = ""
    company_name: Line | None = None
    street: Line | None = None
    postal_code: Line | None = None
    city: Line | None = None
    country: Line | None = None
    vat_id: Line | None = None
    billing_email: Email | None = None


class Organizations(RootModel[list[Organization]]):
    """Every organization of the installation."""


class OrganizationCreated(AnswerModel):
    """The organization that was made, and the link for its first admin."""

    organization: Organization
    admin: UserInvited
