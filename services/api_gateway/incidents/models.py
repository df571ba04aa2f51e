"""Incidents as answers show them: the list in the documented snake_case, a single one in camelCase as documented."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, RootModel

from services.api_gateway.cursors import DESCRIPTION, LONGEST
from services.api_gateway.field_types import (
    AnswerModel,
    Moment,
    NamedCustomer,
    RequestModel,
    said,
)
from shared.checks.vocabulary import MailProtocol, MonitorStatus

Status = Literal["open", "resolved"]
CHECKS_SHOWN = 100


class MonitorOfIncident(AnswerModel):
    """The monitor an incident is of; name and hostname as they were where it is deleted."""

    id: int
    public_id: UUID
    name: str
    hostname: str
    status: MonitorStatus | None = Field(description="Null: deleted.")


class CustomerOfIncident(AnswerModel):
    """The customer an incident is of."""

    id: int
    public_id: UUID | None
    email: str | None
    company: str | None


class IncidentItem(BaseModel):
    """An incident in the organization's list. Those of websites have websiteId; ours have imapPopMonitorId."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    id: int
    public_id: UUID
    website_id: None = Field(default=None, alias="websiteId")
    imap_pop_monitor_id: int = Field(alias="imapPopMonitorId")
    status: Status
    severity: Literal["downtime"] = "downtime"
    started_at: Moment = Field(description="When it was confirmed.")
    outage_started_at: Moment = Field(description="The first failed check.")
    resolved_at: Moment | None
    last_notified_at: Moment | None
    error_message: str
    status_code: None = None
    response_time_ms: None = None
    website: None = None
    imap_pop_monitor: MonitorOfIncident = Field(alias="imapPopMonitor")
    customer: CustomerOfIncident
    cause: str = Field(description="The kind of failure.")
    phase: str
    hint: str | None
    server_words: str | None
    resolution: Literal["recovered", "disabled", "deleted"] | None
    acknowledged_at: Moment | None
    acknowledged_by: str | None
    snoozed_until: Moment | None
    quiet: bool = Field(description="Opened while flapping: nobody was told of it by itself.")


class IncidentPage(AnswerModel):
    """The list, where `includeTotal` asks for it."""

    incidents: list[IncidentItem]
    total: int
    limit: int
    offset: int
    next_cursor: str | None = Field(description="Where the next page begins; null on the last one.")


class Incidents(RootModel[list[IncidentItem] | IncidentPage]):
    """Newest first: a bare array, or with `includeTotal` a page. The header Link leads to the next one either way."""


class IncidentQuery(RequestModel):
    """Which incidents a list shows."""

    organization_id: Annotated[int, Field(ge=1, le=2**53)] | None = None
    customer_id: NamedCustomer | None = None
    status: Status | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    offset: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    cursor: str | None = Field(default=None, max_length=LONGEST, description=f"Instead of offset: {DESCRIPTION}")
    include_total: Literal["0", "1", "false", "true"] = "0"


class GroupOfIncident(AnswerModel):
    """The outage of a host at one layer that an incident is part of."""

    public_id: UUID
    host: str
    layer: Literal["network", "tls", "login"]
    open_members: int = Field(description="Mailboxes in scope that are down for it now.")


class Incident(AnswerModel):
    """One incident."""

    id: int
    public_id: UUID
    website_id: None = None
    imap_pop_monitor_id: int
    imap_pop_monitor: MonitorOfIncident
    customer: CustomerOfIncident
    type: Literal["downtime"] = "downtime"
    status: Status
    started_at: Moment = Field(description="When it was confirmed.")
    outage_started_at: Moment = Field(description="The first failed check.")
    resolved_at: Moment | None
    recovered_at: Moment | None = Field(description="The first of the checks that passed again.")
    resolution: Literal["recovered", "disabled", "deleted"] | None
    status_code: None = None
    response_time_ms: None = None
    error_message: str
    cause: str
    phase: str
    hint: str | None
    server_words: str | None
    protocol: MailProtocol
    hostname: str
    user: str | None
    location_codes: list[str] = Field(description="Which found it down when it was confirmed.")
    group: GroupOfIncident | None
    last_notified_at: Moment | None
    acknowledged_at: Moment | None
    acknowledged_by: str | None
    snoozed_until: Moment | None
    quiet: bool


class PlaceOfCheck(AnswerModel):
    """Where a check was made."""

    id: int
    code: str
    name: str


class TimelineCheck(AnswerModel):
    """A check in an incident's timeline."""

    id: UUID
    checked_at: Moment
    status: Literal["success", "failure"]
    status_code: None = None
    error_message: str | None
    response_time_ms: int
    location: PlaceOfCheck
    cause: str = Field(description="How it ended: `ok`, or the kind of failure.")
    phase: str


class EvidenceCheck(TimelineCheck):
    """The check that proves an incident, with everything it saw."""

    diagnostics: dict[str, Any] | None
    has_screenshot: Literal[False] = False
    screenshot_url: None = None


class AlertEvent(AnswerModel):
    """A message about an incident to one channel."""

    id: int
    public_id: UUID = Field(description="The key under which its receiver knows every try of it.")
    sent_at: Moment | None
    type: str = Field(description="The channel's.")
    status: Literal["pending", "sent", "failed"]
    channel_name: str
    error_message: str | None = Field(description="Null as well where the channel is not yours to see.")
    event: str
    attempts: int
    created_at: Moment


class IncidentEvent(AnswerModel):
    """Something that happened to an incident: by itself, or by somebody."""

    at: Moment
    kind: str
    actor: str | None = Field(description="Null: mailprobe itself.")
    text: str | None


class Timeline(AnswerModel):
    """What happened, in order."""

    outage_started_at: Moment
    outage_started_check: TimelineCheck | None
    confirmation_at: Moment
    failed_checks: list[TimelineCheck] = Field(description=f"The first {CHECKS_SHOWN}.")
    failed_checks_total: int
    alert_events: list[AlertEvent]
    recovery_checks: list[TimelineCheck] = Field(description=f"The first {CHECKS_SHOWN}.")
    recovery_checks_total: int
    events: list[IncidentEvent]


class IncidentDetails(AnswerModel):
    """One incident with its timeline."""

    incident: Incident
    timeline: Timeline
    evidence_check: EvidenceCheck | None


class IncidentChanged(AnswerModel):
    """What somebody did about an incident was kept."""

    success: Literal[True] = True
    incident: Incident


class Note(RequestModel):
    """A note for whoever looks at the incident."""

    text: Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(said)]


class Snooze(RequestModel):
    """For how long nobody shall be reminded; 0 ends it."""

    minutes: Annotated[int, Field(ge=0, le=43_200)]
