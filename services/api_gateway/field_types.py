"""The types of fields, each with what it refuses and in which words; models are put together from them.

Everything is strict: a number in quotes is no number, true is no number, and unknown fields are named.
"""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from services.api_gateway.hostnames import NotAHostname, canonical_hostname
from services.api_gateway.identifiers import read_customer_identifier, read_uuid

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_COUNTRY = re.compile(r"[A-Za-z]{2}")
MAX_COUNTRIES = 250

# What validators refuse, said to clients as well: control characters and line ends nowhere, and more than blanks.
_NO_CONTROLS = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]*"
_SAID_ON_ONE_LINE = rf"^{_NO_CONTROLS}[^\s\x00-\x1f\x7f-\x9f\u2028\u2029]{_NO_CONTROLS}$"
_EMAIL_PATTERN = r"^[^@\s\x00-\x1f\x7f-\x9f\u2028\u2029]+@[^@\s\x00-\x1f\x7f-\x9f\u2028\u2029]+$"
IDENTIFIER_PATTERN = r"^([1-9][0-9]{0,15}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$"


class RequestModel(BaseModel):
    """A body or query of a request: strict, camelCase, without unknown fields."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, alias_generator=to_camel, hide_input_in_errors=True
    )


class AnswerModel(BaseModel):
    """A body of an answer: camelCase."""

    model_config = ConfigDict(
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        json_schema_serialization_defaults_required=True,
    )


def ignoring(names: Iterable[str]) -> Callable[[dict[str, Any]], None]:
    """For a body's JSON schema: fields of answers that may be sent back, and mean nothing."""

    def add(schema: dict[str, Any]) -> None:
        for name in sorted(names):
            schema["properties"].setdefault(name, {"readOnly": True, "description": "Ignored in requests."})

    return add


def wrong(text: str) -> PydanticCustomError:
    """A validator's refusal; `{field}` in the text becomes the field's name."""
    return PydanticCustomError("mailprobe", text)


def _hostname(value: str) -> str:
    try:
        return canonical_hostname(value)
    except NotAHostname:
        raise wrong("{field} must be a valid hostname (no protocol, no path)") from None


def one_line(value: str) -> str:
    if _CONTROL.search(value):
        raise wrong("{field} must not hold control characters")
    return value


def said(value: str) -> str:
    if not value.strip():
        raise wrong("{field} must not be empty")
    return value


def _email(value: str) -> str:
    if not _EMAIL.fullmatch(value):
        raise wrong("{field} must be an e-mail address")
    return value


def _no_line_ends(value: str) -> str:
    # Each of these would end a command on its way to the mail server (RFC 9051 §4.3, RFC 1939 §3).
    if any(character in value for character in "\r\n\x00"):
        raise wrong("{field} must not hold CR, LF or NUL")
    return value


def _country(value: str) -> str:
    if not _COUNTRY.fullmatch(value):
        raise wrong("{field} must be a country's two letters (ISO 3166-1), such as DE")
    return value.upper()


def _countries(value: list[str]) -> list[str] | None:
    return list(dict.fromkeys(value)) or None


def _half_minutes(value: float) -> float:
    if not (value * 2).is_integer():
        raise wrong("{field} must be a multiple of 0.5 minutes")
    return value


Hostname = Annotated[
    str,
    Field(min_length=1, max_length=1000),
    AfterValidator(_hostname),
    Field(
        description="A bare host name (IDN is kept as A-label) or an IP address.",
        examples=["mail.example.com"],
        json_schema_extra={"format": "idn-hostname"},
    ),
]
Name = Annotated[
    str,
    Field(min_length=1, max_length=255, json_schema_extra={"pattern": _SAID_ON_ONE_LINE}),
    AfterValidator(said),
    AfterValidator(one_line),
]
Email = Annotated[
    str,
    Field(
        max_length=254,
        json_schema_extra={"format": "email", "pattern": r"^[^@\s\x00-\x1f\x7f-\x9f]+@[^@\s\x00-\x1f\x7f-\x9f]+$"},
    ),
    AfterValidator(_email),
    AfterValidator(one_line),
]
PhoneNumber = Annotated[
    str,
    Field(min_length=1, max_length=50, json_schema_extra={"pattern": _SAID_ON_ONE_LINE}),
    AfterValidator(said),
    AfterValidator(one_line),
]
CredentialText = Annotated[
    str,
    Field(min_length=1, max_length=1024, json_schema_extra={"pattern": r"^[^\r\n\x00]+$"}),
    AfterValidator(_no_line_ends),
]
Port = Annotated[int, Field(ge=1, le=65535)]
Countries = Annotated[
    list[Annotated[str, Field(json_schema_extra={"pattern": "^[A-Za-z]{2}$"}), AfterValidator(_country)]],
    Field(max_length=MAX_COUNTRIES),
    AfterValidator(_countries),
]
IntervalMinutes = Annotated[
    float,
    Field(ge=0.5, le=1440, json_schema_extra={"multipleOf": 0.5}, description="Minutes, in steps of half a one."),
    AfterValidator(_half_minutes),
]
TimeoutSeconds = Annotated[int, Field(ge=1, le=60)]


def _identifier(value: Any) -> int | UUID:
    identifier = read_uuid(value) if isinstance(value, str) else read_customer_identifier(value)
    if identifier is None:
        raise wrong("{field} must be a number or a public UUID")
    return identifier


Identifier = Annotated[
    int | UUID,
    BeforeValidator(_identifier),
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "format": "uuid"}],
            "description": "The number or the public UUID.",
        }
    ),
]

NamedCustomer = Annotated[
    str,
    WithJsonSchema(
        {"type": "string", "pattern": IDENTIFIER_PATTERN, "description": "A customer's number or public UUID."}
    ),
]
"""A customer, as a query names one; what it reads as is `read_customer_identifier`'s."""


def _iso(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Moment = Annotated[
    datetime,
    PlainSerializer(_iso, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-02-26T12:00:00.000Z"]}),
]
"""A moment as answers write it: ISO 8601, UTC, milliseconds."""


def moment_of_ms(epoch_ms: int) -> datetime:
    """A time of the pipeline (milliseconds since the epoch) as a moment."""
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)


def moment_if_known(epoch_ms: int | None) -> datetime | None:
    """The same, of a time that may not have come yet."""
    return None if epoch_ms is None else moment_of_ms(epoch_ms)
