"""Notification channels as requests describe them and answers show them. What `config` may hold is
shared/notifications' matter.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field, RootModel, WithJsonSchema

from services.api_gateway.field_types import (
    AnswerModel,
    Identifier,
    Moment,
    Name,
    NamedCustomer,
    RequestModel,
    ignoring,
    wrong,
)
from services.api_gateway.ownership.models import OwnedAnswer, OwnedFields
from services.api_gateway.strict_json import NotJson, parse, taken_out
from shared.notifications.channel_types import ChannelType

# Fields of answers that mean nothing in a request: what a GET brought may be sent back.
ANSWER_ONLY = frozenset(
    {"id", "publicId", "organizationId", "category", "hasSecret", "health", "warnings", "nobodyWouldBeTold"}
    | {"createdAt", "updatedAt"}
)
# The documented API tells of websites and by package; its clients send these as null.
ALWAYS_NULL = frozenset({"websiteId", "sourceChannelId", "allowedPackageTypes"})

# Fields of a channel that a message sent to try it out does not go by.
UNTRIED = frozenset(
    {"priority", "delaySeconds", "conditions", "isActive", "fallbackChannelId", "managedBy", "externalKey"}
)

_DIRECT = frozenset({ChannelType.EMAIL, ChannelType.WEBHOOK})


def category_of(channel_type: ChannelType) -> Literal["direct", "integration"]:
    """The documented API's two kinds of types."""
    return "direct" if channel_type in _DIRECT else "integration"


def _object_or_text(value: Any) -> Any:
    """Documented clients may send an object as JSON within a string."""
    if not isinstance(value, str):
        return value
    try:
        parsed, faults = taken_out(parse(value.encode()))
    except NotJson:
        faults, parsed = [], None
    if faults or not isinstance(parsed, dict | None):
        raise wrong("{field} must be an object")
    return parsed


ConfigSent = Annotated[
    dict[str, Any],
    BeforeValidator(_object_or_text),
    WithJsonSchema({"type": ["object", "string"], "description": "By type; secrets are never shown again."}),
]


class ConditionsSent(RequestModel):
    """What has to be so for anybody to be told."""

    min_incident_duration: Annotated[int, Field(ge=0, le=86_400)] | None = Field(default=None, description="Seconds.")
    only_full_service: bool | None = Field(default=None, description="Kept; means nothing to mailboxes.")


class ChannelFields(OwnedFields):
    """What a channel can be told, whichever way."""

    customer_id: Identifier | None = Field(default=None, description="Null: the organization's default.")
    priority: Annotated[int, Field(ge=0, le=1000)] = Field(default=1, description="The lowest is told first.")
    delay_seconds: Annotated[int, Field(ge=0, le=86_400)] = 0
    conditions: Annotated[ConditionsSent, BeforeValidator(_object_or_text)] | None = None
    is_active: bool = True
    fallback_channel_id: Identifier | None = Field(
        default=None, description="Told instead, while this one does not work."
    )


def _described(schema: dict[str, Any]) -> None:
    ignoring(ANSWER_ONLY | ALWAYS_NULL)(schema)


def _described_patch(schema: dict[str, Any]) -> None:
    _described(schema)
    for described in schema["properties"].values():
        described.pop("default", None)


class ChannelCreate(ChannelFields):
    """A new channel."""

    model_config = ConfigDict(json_schema_extra=_described)

    type: Annotated[ChannelType, Field(strict=False)]
    name: Name
    config: ConfigSent


class ChannelPatch(ChannelFields):
    """Any of a channel's fields. A sent config replaces the stored one, but secrets that are null or left out stay;
    an empty one is removed.
    """

    model_config = ConfigDict(json_schema_extra=_described_patch)

    # A default of these is never read: only fields that were sent count.
    type: Annotated[ChannelType, Field(strict=False)] = ChannelType.EMAIL
    name: Name = ""
    config: ConfigSent = {}


class ChannelTest(RequestModel):
    """A channel to be tried out: a stored one by `channelId`, else one that is described here and not kept."""

    model_config = ConfigDict(json_schema_extra=ignoring(ANSWER_ONLY | ALWAYS_NULL | UNTRIED))

    channel_id: Identifier | None = None
    type: Annotated[ChannelType, Field(strict=False)] | None = None
    name: Name | None = None
    config: ConfigSent | None = None
    customer_id: Identifier | None = None
    dry_run: bool = Field(default=False, description="Only look whether the config is sound.")


def without_answer_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body without what only answers carry, and without null for what is no mailbox."""
    return {
        key: value
        for key, value in body.items()
        if key not in ANSWER_ONLY and not (key in ALWAYS_NULL and value is None)
    }


class ChannelWarning(AnswerModel):
    """Something worth knowing about a channel that was accepted nevertheless."""

    code: str
    text: str


class ChannelHealth(AnswerModel):
    """How it goes with telling people there."""

    last_sent_at: Moment | None
    failures: int = Field(description="In a row.")
    last_error: str | None
    resting_until: Moment | None = Field(description="Nothing is sent there until then.")


class Conditions(AnswerModel):
    """What has to be so for anybody to be told."""

    min_incident_duration: int | None = None
    only_full_service: bool | None = None


class Channel(OwnedAnswer):
    """A notification channel."""

    id: int
    public_id: UUID
    organization_id: int
    customer_id: int | None
    type: ChannelType
    category: Literal["direct", "integration"]
    name: str
    config: dict[str, Any] = Field(description="Secrets are null, with hasSecret beside them.")
    has_secret: bool
    priority: int
    delay_seconds: int
    conditions: Conditions | None
    is_active: bool
    fallback_channel_id: int | None
    allowed_package_types: None = None
    health: ChannelHealth
    warnings: list[ChannelWarning]
    created_at: Moment
    updated_at: Moment


class Channels(RootModel[list[Channel]]):
    """All channels the token may see."""


class ChannelSaved(Channel):
    """A channel, in the answer to a request that made or changed it."""

    nobody_would_be_told: bool = Field(description="There is a customer with active monitors and no channel left.")


class ChannelDeleted(AnswerModel):
    """It is gone."""

    success: Literal[True] = True
    nobody_would_be_told: bool


class ChannelQuery(RequestModel):
    """Which channels a list shows."""

    organization_id: Annotated[int, Field(ge=1, le=2**53)] | None = None
    customer_id: NamedCustomer | None = None


class Validation(AnswerModel):
    """What is to be said of a config."""

    ok: Literal[True] = True
    errors: list[str] = []
    warnings: list[str]


class ChannelTested(AnswerModel):
    """What became of a test."""

    success: bool
    mode: Literal["send", "dryRun"]
    message: str
    error: str | None
    duration_ms: int
    validation: Validation


class UnheardCustomer(AnswerModel):
    """A customer of whose monitors nobody would be told."""

    customer_id: int
    name: str
    monitors: int


class Coverage(AnswerModel):
    """Whether anybody would be told."""

    nobody_would_be_told: bool
    customers: list[UnheardCustomer] = Field(
        description="Whose active monitors have neither a channel nor an e-mail address of their own."
    )
