"""Entries of the audit log as answers show them, and which of them are asked for."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from services.api_gateway.field_types import AnswerModel, Moment, RequestModel, wrong

ActorKind = Literal["token", "user", "operator", "mailprobe", "anybody"]


def _moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) and len(value) <= 40 else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise wrong("{field} must be a time with its offset, such as 2026-02-26T12:00:00Z")
    return moment.astimezone(UTC)


_Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]
_Word = Annotated[str, Field(min_length=1, max_length=100)]


class AuditActor(AnswerModel):
    """Who did it: a token, a user, an operator by the command, mailprobe by itself, or anybody at the door."""

    kind: ActorKind
    id: int | None
    name: str | None


class AuditObject(AnswerModel):
    """What it was done to, by the name it had then."""

    kind: str
    id: str | None = Field(description="Its public id; of a package its type.")
    name: str | None


class AuditChange(AnswerModel):
    """A field before and after. Secrets are masked."""

    old: Any = None
    new: Any = None


class AuditEntry(AnswerModel):
    """One thing that was done."""

    id: int
    at: Moment
    actor: AuditActor
    address: str | None = Field(description="Where it came from.")
    request_id: str | None
    action: str = Field(description="`created`, `changed`, `deleted`, `signed_in`, `acknowledged`, …")
    object: AuditObject
    customer_id: int | None
    changes: dict[str, AuditChange]


class AuditPage(AnswerModel):
    """Entries, the newest first."""

    items: list[AuditEntry]
    next_cursor: str | None = Field(description="Where the next page begins; null on the last one.")


class AuditQuery(RequestModel):
    """Which entries."""

    organization_id: Annotated[int, Field(ge=1, le=2**53)] | None = None
    actor_kind: ActorKind | None = None
    actor_id: Annotated[int, Field(ge=1, le=2**53)] | None = Field(
        default=None, description="The number of a token or a user; with `actorKind`."
    )
    action: _Word | None = None
    object_kind: _Word | None = None
    object_id: _Word | None = Field(default=None, description="The public id of what it was done to.")
    since: _Moment | None = Field(default=None, description="Not before.")
    until: _Moment | None = Field(default=None, description="Before.")
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: _Word | None = Field(default=None, description="`nextCursor` of the page before.")
