"""What the stream tells, by the names of its events; and what it is asked for."""

from collections.abc import Mapping
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, field_validator

from services.api_gateway.checks.models import CheckAnswer
from services.api_gateway.field_types import AnswerModel, Moment, RequestModel, wrong
from services.api_gateway.identifiers import read_uuid
from shared.checks.vocabulary import Health

MOST_WATCHED = 200
_LONGEST_POSITION = 60


class HealthEvent(AnswerModel):
    """`health`: what is believed of a monitor has changed, or the reason for it."""

    monitor_id: UUID
    health: Health
    health_since: Moment
    message: str | None
    kind: str | None = Field(description="How the check ended that this is believed for: `ok`, or a kind of failure.")
    last_checked_at: Moment


class IncidentStateEvent(AnswerModel):
    """`incident`: it was opened, has another cause, was acknowledged, snoozed or resolved."""

    public_id: UUID
    monitor_id: UUID
    monitor_name: str
    hostname: str
    status: Literal["open", "resolved"]
    started_at: Moment = Field(description="When it was confirmed.")
    outage_started_at: Moment = Field(description="The first failed check.")
    resolved_at: Moment | None
    resolution: Literal["recovered", "disabled", "deleted"] | None
    error_message: str
    cause: str
    phase: str
    acknowledged_at: Moment | None
    acknowledged_by: str | None
    snoozed_until: Moment | None
    quiet: bool


class ResultEvent(AnswerModel):
    """`result`: a check of a watched monitor, as its check-history shows it."""

    monitor_id: UUID
    check: CheckAnswer


class MonitorEvent(AnswerModel):
    """`monitor`: it was described anew, or is gone."""

    monitor_id: UUID
    change: Literal["created", "changed", "deleted"]


class ResetEvent(AnswerModel):
    """`reset`: something may be missing before this; load everything anew."""


EVENTS: Mapping[str, type[BaseModel]] = {
    "health": HealthEvent,
    "incident": IncidentStateEvent,
    "result": ResultEvent,
    "monitor": MonitorEvent,
    "reset": ResetEvent,
}


class EventsQuery(RequestModel):
    """What to tell beside health, incidents and monitors, and from when on."""

    organization_id: Annotated[int, Field(ge=1, le=2**53)] | None = None
    watch: str | None = Field(
        default=None,
        max_length=MOST_WATCHED * 40,
        description=f"Public ids of monitors (at most {MOST_WATCHED}, with commas between) whose results are told as "
        "well. Those that are not there, or not in scope, are left out.",
    )
    last_event_id: str | None = Field(
        default=None,
        max_length=_LONGEST_POSITION,
        description="The same as the header Last-Event-ID, which goes before it: tell what happened since.",
    )

    @field_validator("watch")
    @classmethod
    def _are_uuids(cls, value: str | None) -> str | None:
        names = [] if value is None else value.split(",")
        if len(names) > MOST_WATCHED:
            raise wrong(f"{{field}} must have at most {MOST_WATCHED} entries")
        if any(read_uuid(name) is None for name in names if name):
            raise wrong("{field} must be public ids (UUIDs) with commas between")
        return value

    @property
    def watched(self) -> frozenset[UUID]:
        """The monitors whose results are asked for."""
        names = (self.watch or "").split(",")
        return frozenset(found for name in names if (found := read_uuid(name)) is not None)
