"""Customers and organizations as requests describe them and answers show them."""

import json
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, RootModel

from services.api_gateway.field_types import AnswerModel, Countries, Email, Moment, Name, RequestModel, ignoring, wrong

_CUSTOM_FIELDS_CAP_BYTES = 16 * 1024

# Fields of answers that mean nothing in a request.
NEVER_SENT = frozenset({"id", "publicId", "organizationId", "status", "cancelsAt", "createdAt", "updatedAt"})


def _within_its_size(value: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(value, ensure_ascii=False).encode()) > _CUSTOM_FIELDS_CAP_BYTES:
        raise wrong(f"{{field}} must have at most {_CUSTOM_FIELDS_CAP_BYTES // 1024} KiB")
    return value


class CustomerCreate(RequestModel):
    """A new customer."""

    model_config = ConfigDict(json_schema_extra=ignoring(NEVER_SENT))

    name: Name
    email: Email | None = None
    package_type: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    custom_fields: Annotated[dict[str, Any], AfterValidator(_within_its_size)] | None = None
    allowed_check_country_codes: Countries | None = None
    alert_location_threshold_count: Annotated[int, Field(ge=1, le=100)] | None = Field(
        default=None, description="How many locations have to agree; null: as the package says."
    )


def _without_defaults(schema: dict[str, Any]) -> None:
    ignoring(NEVER_SENT)(schema)
    for described in schema["properties"].values():
        described.pop("default", None)


class CustomerPatch(RequestModel):
    """Any of these fields of a customer."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    # A default of these is never read: only fields that were sent count.
    name: Name = ""
    email: Email | None = None
    package_type: Annotated[str, Field(min_length=1, max_length=255)] | None = Field(
        default=None, description="The type or the display name of a package; null: the standard one."
    )
    custom_fields: Annotated[dict[str, Any], AfterValidator(_within_its_size)] | None = None
    allowed_check_country_codes: Countries | None = None
    alert_location_threshold_count: Annotated[int, Field(ge=1, le=100)] | None = Field(
        default=None, description="How many locations have to agree; null: as the package says."
    )


class Customer(AnswerModel):
    """A customer."""

    id: int
    public_id: UUID
    organization_id: int
    name: str
    email: str | None
    package_type: str | None
    status: str = Field(description="active, marked_for_cancellation or cancelled.")
    cancels_at: Moment | None = Field(description="When a customer that leaves is gone; null: it does not.")
    custom_fields: dict[str, Any]
    allowed_check_country_codes: list[str] | None
    alert_location_threshold_count: int | None
    created_at: Moment
    updated_at: Moment


class Customers(RootModel[list[Customer]]):
    """All customers the token may see."""


class CustomerCreated(AnswerModel):
    """The customer that was made."""

    success: Literal[True] = True
    customer: Customer


class CustomerCancelled(AnswerModel):
    """The customer, as it is now."""

    success: Literal[True] = True
    customer: Customer


class Organization(AnswerModel):
    """The organization the token belongs to."""

    id: int
    public_id: UUID
    name: str
    company_name: str | None
    street: str | None
    postal_code: str | None
    city: str | None
    country: str | None
    vat_id: str | None
    billing_email: str | None
    created_at: Moment
