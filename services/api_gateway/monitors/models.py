"""Monitors as requests describe them and as answers show them: the models that validate and that OpenAPI shows."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema

from services.api_gateway.field_types import (
    AnswerModel,
    Countries,
    Email,
    Hostname,
    IntervalMinutes,
    Moment,
    Name,
    NamedCustomer,
    PhoneNumber,
    Port,
    RequestModel,
    TimeoutSeconds,
    ignoring,
    wrong,
)
from services.api_gateway.identifiers import read_customer_identifier, read_uuid
from services.api_gateway.monitors.config_model import ImapPopConfig
from services.api_gateway.overview.models import Overview
from services.api_gateway.ownership.models import OwnedAnswer, OwnedFields
from services.api_gateway.tags.models import TagBrief
from shared.checks.vocabulary import Health, MonitorStatus

# Fields of answers that mean nothing in a request: what a GET brought may be sent back.
ANSWER_ONLY = frozenset(
    {"id", "publicId", "organizationId", "lastCheckedAt", "createdAt", "updatedAt"}
    | {
        "health",
        "healthSince",
        "healthMessage",
        "everPassed",
        "customer",
        "customerName",
        "warnings",
        "tags",
        "overview",
    }
)

SentStatus = Literal["active", "maintenance", "disabled", "paused", "inactive"]


def status_of(sent: SentStatus) -> MonitorStatus:
    """`paused` and `inactive` are other words for disabled."""
    return MonitorStatus.DISABLED if sent in ("paused", "inactive") else MonitorStatus(sent)


def _customer_identifier(value: Any) -> int | UUID:
    identifier = read_uuid(value) if isinstance(value, str) else read_customer_identifier(value)
    if identifier is None:
        raise wrong("Invalid Customer identifier")
    return identifier


CustomerIdentifier = Annotated[
    int | UUID,
    BeforeValidator(_customer_identifier),
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "format": "uuid"}],
            "description": "The customer's number or public UUID.",
        }
    ),
]


def without_answer_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body without what only answers carry, and with `config` under its documented name."""
    sent = {key: value for key, value in body.items() if key not in ANSWER_ONLY}
    if "config" in sent and "imapPopConfig" not in sent:
        sent["imapPopConfig"] = sent["config"]
    sent.pop("config", None)
    return sent


def _described_body(schema: dict[str, Any]) -> None:
    ignoring(ANSWER_ONLY)(schema)
    config = {key: value for key, value in schema["properties"]["imapPopConfig"].items() if key == "$ref"}
    schema["properties"]["config"] = {**config, "description": "`imapPopConfig` by its other name."}


def _described_patch(schema: dict[str, Any]) -> None:
    _described_body(schema)
    for described in schema["properties"].values():
        described.pop("default", None)


class MonitorFields(OwnedFields):
    """What a monitor can be told, whichever way."""

    port: Port | None = Field(default=None, description="Null: the default of protocol and security.")
    status: SentStatus = Field(default="active", description="paused and inactive are stored as disabled.")
    check_interval: IntervalMinutes = 30
    timeout_seconds: TimeoutSeconds = Field(default=30, description="Never longer than the interval.")
    allowed_check_country_codes: Countries | None = None
    notification_email: Email | None = None
    notification_phone_number: PhoneNumber | None = None
    imap_pop_config: ImapPopConfig = Field(
        default_factory=ImapPopConfig, description="`config` is another name for it."
    )


class MonitorCreate(MonitorFields):
    """A new monitor. Fields that only answers carry are ignored; other unknown ones are an error."""

    model_config = ConfigDict(json_schema_extra=_described_body)

    customer_id: CustomerIdentifier
    name: Name
    hostname: Hostname


class MonitorPatch(MonitorFields):
    """Any of a monitor's fields. A sent config replaces the stored one, its password apart."""

    model_config = ConfigDict(json_schema_extra=_described_patch)

    # A default of these is never read: only fields that were sent count.
    customer_id: CustomerIdentifier = 0
    name: Name = ""
    hostname: Hostname = ""


class MonitorWarning(AnswerModel):
    """Something worth knowing about a monitor that was accepted nevertheless."""

    code: str
    text: str


class MonitorBasics(OwnedAnswer):
    """What every answer about a monitor carries."""

    id: int
    public_id: UUID
    organization_id: int
    customer_id: int
    name: str
    hostname: str
    port: int | None
    check_interval: int | float = Field(description="Minutes.")
    timeout_seconds: int
    status: MonitorStatus
    notification_phone_number: str | None
    notification_email: str | None
    last_checked_at: Moment | None
    ever_passed: bool = Field(description="Some check has passed. Until then nobody is alerted but whoever made it.")
    created_at: Moment
    updated_at: Moment
    config: dict[str, Any] = Field(description="`imapPopConfig` by its other name; the password masked.")
    allowed_check_country_codes: list[str] | None
    health: Health
    health_since: Moment | None
    health_message: str | None = Field(description="What is wrong, in a sentence, while it is not `up`.")
    tags: list[TagBrief] = Field(description="Put on and taken off by /api/monitor-tags.")


class MonitorAnswer(MonitorBasics):
    """A monitor, in the answer to a request that made or changed it."""

    imap_pop_config: dict[str, Any]
    warnings: list[MonitorWarning]


class CustomerOfMonitor(AnswerModel):
    """The customer a monitor belongs to."""

    id: int
    public_id: UUID
    organization_id: int
    name: str
    email: str | None
    allowed_check_country_codes: list[str] | None
    custom_fields: dict[str, Any]
    alert_location_threshold_count: int | None
    created_at: Moment
    updated_at: Moment


class MonitorDetails(MonitorAnswer):
    """A monitor with its customer."""

    customer: CustomerOfMonitor


class MonitorItem(MonitorBasics):
    """A monitor in a list."""

    customer_name: str
    overview: Overview | None = Field(description="With view=overview; else null.")


class MonitorPage(AnswerModel):
    """One page of monitors."""

    items: list[MonitorItem]
    total: int
    page: int
    per_page: int


SORT_KEYS = ("id", "name", "hostname", "status", "health", "checkInterval", "createdAt", "updatedAt", "lastCheckedAt")


class MonitorQuery(RequestModel):
    """Which monitors a list shows."""

    organization_id: Annotated[int, Field(ge=1, le=2**53)] | None = None
    customer_id: NamedCustomer | None = None
    search: str | None = Field(default=None, max_length=255, description="In name, hostname or customer's name.")
    status: SentStatus | None = None
    health: Health | None = None
    tag: str | None = Field(default=None, max_length=50, description="A tag's number, public UUID or name.")
    sort: str = Field(
        default="id",
        pattern=f"^(worst|-?({'|'.join((*SORT_KEYS, 'customerName'))}))$",
        description="A field's name; with a minus before it, downwards. `worst`: what is down first, newest first, "
        "and what is not checked last.",
    )
    view: Literal["overview"] | None = Field(default=None, description="Whether items carry `overview`.")
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    per_page: Annotated[int, Field(ge=1, le=200)] = 50


class Deleted(AnswerModel):
    """It is gone."""

    success: Literal[True] = True
