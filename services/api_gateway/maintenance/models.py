"""Maintenance windows as requests describe them and answers show them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

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
from services.api_gateway.tags.models import TagBrief
from shared.checks.maintenance import Frequency, known_zones, last_day

# Fields of answers that mean nothing in a request: what a GET brought may be sent back.
ANSWER_ONLY = frozenset(
    {
        "id",
        "publicId",
        "organizationId",
        "tags",
        "isOpen",
        "occurrence",
        "upcoming",
        "createdBy",
        "createdAt",
        "updatedAt",
    }
)
# The documented API watches more than mailboxes; clients send these as null.
OTHER_TARGETS = frozenset(
    {"websiteId", "icmpMonitorId", "smtpMonitorId", "sshMonitorId", "ftpMonitorId", "dnsMonitorId"}
    | {"customerIpId", "customerDomainId"}
)
MOST_TARGETS = 1000
MOST_TAGS = 100
_YEARS = range(2000, 2101)


def _moment(value: Any) -> datetime:
    example = "2026-02-26T12:00:00.000Z"
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) and len(value) <= 40 else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise wrong(f"{{field}} must be an ISO 8601 time with its offset, such as {example}")
    if moment.year not in _YEARS:
        raise wrong(f"{{field}} must lie between the years {_YEARS[0]} and {_YEARS[-1]}")
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _zone(value: str) -> str:
    if value not in known_zones():
        raise wrong("{field} must be an IANA time zone, such as Europe/Berlin")
    return value


def _a_day(value: str) -> str:
    try:
        last_day(value, "UTC")
    except ValueError:
        raise wrong("{field} must be a date, such as 2026-12-31") from None
    return value


def _none_if_blank(value: str) -> str | None:
    return value if value.strip() else None


SentMoment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]
TimeZone = Annotated[str, Field(max_length=64), AfterValidator(_zone)]
Description = Annotated[str, Field(max_length=2000), AfterValidator(_none_if_blank)]
Day = Annotated[int, Field(ge=0, le=7)]


class RecurrencePattern(RequestModel):
    """How a window recurs, by the clock of its time zone."""

    frequency: Annotated[Frequency, Field(strict=False)]
    interval: Annotated[int, Field(ge=1, le=366)] | None = Field(default=None, description="Default 1.")
    days_of_week: Annotated[list[Day], Field(max_length=8)] | None = Field(
        default=None, description="Of a weekly one: 0 is Sunday, and so is 7. Default: the day of startTime."
    )
    day_of_month: Annotated[int, Field(ge=1, le=31)] | None = Field(
        default=None,
        description="Of a monthly one; in a shorter month its last day stands for it. Default: the day of startTime.",
    )
    end_recurrence_date: Annotated[str, Field(max_length=40), AfterValidator(_a_day)] | None = Field(
        default=None, description="The last day on which it may begin, such as 2026-12-31."
    )

    @field_validator("days_of_week")
    @classmethod
    def _of_weekly(cls, value: list[int] | None, info: ValidationInfo) -> list[int] | None:
        if value and info.data.get("frequency") not in (None, Frequency.WEEKLY):
            raise wrong("{field} is for a weekly window alone")
        return value or None

    @field_validator("day_of_month")
    @classmethod
    def _of_monthly(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is not None and info.data.get("frequency") not in (None, Frequency.MONTHLY):
            raise wrong("{field} is for a monthly window alone")
        return value

    def stored(self) -> dict[str, Any]:
        """What the database keeps."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class TargetSent(RequestModel):
    """One monitor that a window is for."""

    type: Literal["imap_pop"]
    id: Identifier


class WindowFields(OwnedFields):
    """What a window can be told, whichever way."""

    description: Description | None = None
    time_zone: TimeZone = Field(default="UTC", description="IANA; a recurring window keeps its local time of day.")
    is_recurring: bool = False
    recurrence_pattern: RecurrencePattern | None = None
    is_active: bool = True
    imap_pop_monitor_id: Identifier | None = None
    targets: Annotated[list[TargetSent], Field(max_length=MOST_TARGETS)] | None = Field(
        default=None, description="All of one customer."
    )
    tag_ids: Annotated[list[Identifier], Field(max_length=MOST_TAGS)] | None = Field(
        default=None,
        description="Every monitor that carries one of them, now or later: of the targets' customer, else of "
        "customerId, else of the whole organization.",
    )
    customer_id: Identifier | None = Field(default=None, description="Alone: every monitor of the customer.")


def _described(schema: dict[str, Any]) -> None:
    ignoring(ANSWER_ONLY | OTHER_TARGETS)(schema)


def _described_patch(schema: dict[str, Any]) -> None:
    _described(schema)
    for described in schema["properties"].values():
        described.pop("default", None)


class WindowCreate(WindowFields):
    """A new window, for monitors (`imapPopMonitorId`, `targets`), for tags, or for a whole customer."""

    model_config = ConfigDict(json_schema_extra=_described)

    name: Name
    start_time: SentMoment
    end_time: SentMoment = Field(description="After startTime.")


class WindowPatch(WindowFields):
    """Any of a window's fields. `targets` and `tagIds` replace what was selected before."""

    model_config = ConfigDict(json_schema_extra=_described_patch)

    # A default of these is never read: only fields that were sent count.
    name: Name = ""
    start_time: SentMoment = datetime.min.replace(tzinfo=UTC)
    end_time: SentMoment = datetime.min.replace(tzinfo=UTC)


def without_answer_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body without what only answers carry, and without null for what is no mailbox."""
    return {
        key: value
        for key, value in body.items()
        if key not in ANSWER_ONLY and not (key in OTHER_TARGETS and value is None)
    }


class Target(AnswerModel):
    """One monitor that a window is for."""

    type: Literal["imap_pop"] = "imap_pop"
    id: int


class Occurrence(AnswerModel):
    """One time that a window is open."""

    start_time: Moment
    end_time: Moment


class MaintenanceWindow(OwnedAnswer):
    """A maintenance window."""

    id: int
    public_id: UUID
    organization_id: int
    customer_id: int | None = Field(description="Whose monitors it is for; null: everybody's with one of its tags.")
    name: str
    description: str | None
    start_time: Moment
    end_time: Moment
    time_zone: str
    is_recurring: bool
    recurrence_pattern: dict[str, Any] | None
    is_active: bool
    is_open: bool = Field(description="Whether it is open now.")
    occurrence: Occurrence | None = Field(description="The one that is open now, else the next of the coming weeks.")
    upcoming: list[Occurrence] = Field(description="The next five, the open one first; none while it is not active.")
    imap_pop_monitor_id: int | None = Field(description="The monitor, where it is for a single one and no tag.")
    targets: list[Target]
    tags: list[TagBrief]
    tag_ids: list[int]
    created_at: Moment
    updated_at: Moment


class MaintenanceWindows(RootModel[list[MaintenanceWindow]]):
    """All windows the token may see."""


class WindowQuery(RequestModel):
    """Which windows a list shows."""

    organization_id: Annotated[int, Field(ge=1, le=2**53)] | None = None
    customer_id: NamedCustomer | None = None
