"""Status pages as requests describe them and answers show them."""

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, RootModel, model_validator

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

# Fields of answers that mean nothing in a request: what a GET brought may be sent back.
ANSWER_ONLY = frozenset({"id", "publicId", "organizationId", "address", "createdAt", "updatedAt"})
MOST_COMPONENTS = 1000
SLUG_PATTERN = "^[a-z2-7]{26}$"
_SLUG_SENT_PATTERN = "^(new|[a-z2-7]{26})$"


def _blank_is_none(value: str) -> str | None:
    return value if value.strip() else None


def _no_controls(value: str) -> str:
    if any(ord(each) < 32 and each not in "\n\r\t" for each in value):
        raise wrong("{field} must not hold control characters other than line ends and tabs")
    return value


PageText = Annotated[str, Field(max_length=5000), AfterValidator(_no_controls), AfterValidator(_blank_is_none)]
SentSlug = Annotated[str, Field(pattern=_SLUG_SENT_PATTERN)]


class ComponentSent(RequestModel):
    """One line of a page: a monitor, or all of the customer's that carry a tag."""

    model_config = ConfigDict(json_schema_extra=ignoring({"monitorPublicId"}))

    monitor_id: Identifier | None = None
    tag_id: Identifier | None = None
    name: Name | None = Field(
        default=None,
        description="What the page calls it. Null: the name it has here, unless that tells a host or user name.",
    )
    combined: bool = Field(
        default=True, description="The monitors of a tag as one line, not one below the other under its name."
    )

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if (self.monitor_id is None) == (self.tag_id is None):
            raise wrong("{field} must name a monitor by monitorId or a tag by tagId, and not both")
        return self


Components = Annotated[list[ComponentSent], Field(max_length=MOST_COMPONENTS)]


class PageFields(RequestModel):
    """What a page can be told, whichever way."""

    text: PageText | None = Field(default=None, description="What stands below the title; plain text.")
    components: Components | None = Field(
        default=None, description="What is shown, in this order. Null: every monitor of the customer by its name."
    )
    is_published: bool = Field(default=True, description="Whether anybody can see it.")
    shows_hostnames: bool = Field(default=False, description="Names that tell a host name may be shown.")
    shows_users: bool = Field(default=False, description="Names that tell a user name may be shown.")
    shows_messages: bool = Field(
        default=False,
        description="What exactly was wrong in an incident; it may hold host names and the server's own words.",
    )


def _described(schema: dict[str, Any]) -> None:
    ignoring(ANSWER_ONLY | {"slug"})(schema)


def _described_patch(schema: dict[str, Any]) -> None:
    ignoring(ANSWER_ONLY)(schema)
    for described in schema["properties"].values():
        described.pop("default", None)


class PageCreate(PageFields):
    """A new status page of a customer."""

    model_config = ConfigDict(json_schema_extra=_described)

    title: Name
    customer_id: Identifier


class PagePatch(PageFields):
    """Any of a page's fields. `components` replaces what was shown before; a page stays with its customer."""

    model_config = ConfigDict(json_schema_extra=_described_patch)

    # A default of these is never read: only fields that were sent count.
    title: Name = ""
    customer_id: Identifier = 0
    slug: SentSlug | None = Field(
        default=None,
        description="The end of its address: null revokes it, `new` makes another, the present one changes nothing.",
    )


class ComponentAnswer(AnswerModel):
    """One line of a page."""

    monitor_id: int | None
    monitor_public_id: UUID | None
    tag_id: int | None
    name: str | None
    combined: bool


class StatusPage(AnswerModel):
    """A status page."""

    id: int
    public_id: UUID
    organization_id: int
    customer_id: int
    title: str
    text: str | None
    components: list[ComponentAnswer] | None = Field(description="Null: every monitor of the customer.")
    is_published: bool
    shows_hostnames: bool
    shows_users: bool
    shows_messages: bool
    slug: str | None = Field(description="The unguessable end of its address; null: revoked.")
    address: str | None = Field(description="Where it is seen, by whoever knows this address; null: nowhere.")
    created_at: Moment
    updated_at: Moment


class StatusPages(RootModel[list[StatusPage]]):
    """All pages the token may see."""


class PageQuery(RequestModel):
    """Which pages a list shows."""

    organization_id: Annotated[int, Field(ge=1, le=2**53)] | None = None
    customer_id: NamedCustomer | None = None


# What follows is Statuspage's schema, whose names are in snake_case, for programs that read such pages already.

ComponentStatus = Literal["operational", "degraded_performance", "partial_outage", "major_outage", "under_maintenance"]
Indicator = Literal["none", "minor", "major", "critical", "maintenance"]


class SummaryModel(AnswerModel):
    """A part of the summary."""

    model_config = ConfigDict(alias_generator=None)


class SummaryPage(SummaryModel):
    """Which page it is."""

    id: str
    name: str
    url: str
    time_zone: Literal["Etc/UTC"] = "Etc/UTC"
    updated_at: Moment


class SummaryStatus(SummaryModel):
    """All of it in a word and in words."""

    indicator: Indicator
    description: str


class SummaryComponent(SummaryModel):
    """One line, or a group of lines (`group`), which name it by `group_id`."""

    id: str
    page_id: str
    name: str
    status: ComponentStatus
    description: None = None
    position: int
    created_at: Moment
    updated_at: Moment
    showcase: Literal[False] = False
    start_date: None = None
    group: bool
    group_id: str | None
    components: list[str] | None = Field(description="Of a group: those in it.")
    only_show_if_degraded: Literal[False] = False


class SummaryUpdate(SummaryModel):
    """Something that was said of an incident or of maintenance."""

    id: str
    incident_id: str
    status: str
    body: str
    created_at: Moment
    updated_at: Moment
    display_at: Moment
    affected_components: None = None


class SummaryIncident(SummaryModel):
    """An open incident."""

    id: str
    page_id: str
    name: str
    status: Literal["investigating", "identified"]
    impact: Literal["minor", "major", "critical"]
    shortlink: str
    created_at: Moment
    updated_at: Moment
    started_at: Moment
    monitoring_at: None = None
    resolved_at: None = None
    incident_updates: list[SummaryUpdate]
    components: list[SummaryComponent]


class SummaryMaintenance(SummaryModel):
    """Planned work that is under way or to come."""

    id: str
    page_id: str
    name: str
    status: Literal["scheduled", "in_progress"]
    impact: Literal["maintenance"] = "maintenance"
    shortlink: str
    created_at: Moment
    updated_at: Moment
    started_at: Moment
    monitoring_at: None = None
    resolved_at: None = None
    scheduled_for: Moment
    scheduled_until: Moment
    incident_updates: list[SummaryUpdate]
    components: list[SummaryComponent]


class StatusSummary(SummaryModel):
    """The page in Statuspage's schema."""

    page: SummaryPage
    status: SummaryStatus
    components: list[SummaryComponent]
    incidents: list[SummaryIncident]
    scheduled_maintenances: list[SummaryMaintenance]
