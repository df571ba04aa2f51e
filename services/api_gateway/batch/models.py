"""A batch of changes of monitors, and what became of each."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field, SkipValidation, WithJsonSchema

from services.api_gateway.field_types import AnswerModel, RequestModel, wrong
from services.api_gateway.identifiers import read_uuid
from services.api_gateway.monitors.models import MonitorAnswer, MonitorCreate, MonitorPatch
from services.api_gateway.problems import ProblemBody

MOST_ITEMS = 500

Method = Literal["create", "update", "delete"]


def _uuid(value: Any) -> UUID:
    found = read_uuid(value) if isinstance(value, str) else None
    if found is None:
        raise wrong("IMAP/POP monitor public ID (UUID) required")
    return found


SentUuid = Annotated[UUID, BeforeValidator(_uuid), WithJsonSchema({"type": "string", "format": "uuid"})]


class BatchItem(RequestModel):
    """One change."""

    method: Method
    public_id: SentUuid | None = Field(default=None, description="Of update and delete: the monitor.")
    body: Annotated[dict[str, Any], WithJsonSchema({"type": "object"})] | None = Field(
        default=None, description="Of create and update: the same as alone."
    )


class ShownItem(BatchItem):
    """One change."""

    body: MonitorCreate | MonitorPatch | None = Field(  # type: ignore[assignment]
        default=None, description="Of create and update: the same as alone."
    )


class Batch(RequestModel):
    """Changes, made in this order."""

    # Each item is read by itself, so that one that is wrong does not keep the others from being made.
    items: Annotated[list[SkipValidation[ShownItem]], Field(min_length=1, max_length=MOST_ITEMS)]


class BatchResult(AnswerModel):
    """What became of one change."""

    index: int = Field(description="Which item it was, from 0.")
    method: Method | None = Field(description="Null: the item names none.")
    status: int = Field(description="The status it would have been answered with alone.")
    public_id: UUID | None
    monitor: MonitorAnswer | None = Field(description="What was made or changed; null: removed, or refused.")
    problem: ProblemBody | None = Field(description="Why it was refused; its pointers lead into this request's body.")


class BatchAnswer(AnswerModel):
    """What became of each change, in the order they were sent."""

    succeeded: int
    failed: int
    results: list[BatchResult]
