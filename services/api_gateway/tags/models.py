"""Tags as requests describe them and answers show them."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, RootModel

from services.api_gateway.field_types import (
    AnswerModel,
    Identifier,
    Moment,
    RequestModel,
    ignoring,
    one_line,
    said,
)
from services.api_gateway.ownership.models import OwnedAnswer, OwnedFields

# Fields of answers that mean nothing in a request.
ANSWER_ONLY = frozenset({"id", "publicId", "organizationId", "createdBy", "createdAt", "updatedAt"})

TagColor = Literal["slate", "red", "amber", "green", "teal", "blue", "indigo", "violet", "pink", "gray"]
TagName = Annotated[str, Field(min_length=1, max_length=50), AfterValidator(said), AfterValidator(one_line)]


def _without_defaults(schema: dict[str, Any]) -> None:
    ignoring(ANSWER_ONLY)(schema)
    for described in schema["properties"].values():
        described.pop("default", None)


class TagCreate(OwnedFields):
    """A new tag."""

    model_config = ConfigDict(json_schema_extra=ignoring(ANSWER_ONLY))

    name: TagName
    color: TagColor = "gray"


class TagPatch(OwnedFields):
    """Any of a tag's fields."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    # A default of these is never read: only fields that were sent count.
    name: TagName = ""
    color: TagColor = "gray"


class TagBrief(AnswerModel):
    """A tag on something else."""

    id: int
    name: str
    color: str | None


class Tag(TagBrief, OwnedAnswer):
    """A tag."""

    public_id: UUID
    organization_id: int
    created_by: int | None = Field(default=None, description="Always null: tokens make tags, not people.")
    created_at: Moment
    updated_at: Moment


class Tags(RootModel[list[Tag]]):
    """All tags of the organization."""


class MonitorTag(RequestModel):
    """A tag on a monitor."""

    model_config = ConfigDict(json_schema_extra=ignoring({"createdAt"}))

    monitor_type: Literal["imap_pop"]
    monitor_id: Identifier
    tag_id: Identifier


class MonitorTagged(AnswerModel):
    """The tag is on the monitor."""

    monitor_type: Literal["imap_pop"] = "imap_pop"
    monitor_id: int
    tag_id: int
    created_at: Moment
