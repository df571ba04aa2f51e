"""Checks as answers show them: asked for, tried out, and looked back on."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from services.api_gateway.field_types import AnswerModel, Moment, RequestModel
from services.api_gateway.monitors.models import MonitorWarning
from shared.checks.vocabulary import Health


class ChecksTriggered(AnswerModel):
    """Which locations were asked, and in which queues their jobs will wait."""

    success: Literal[True] = True
    message: str
    imap_pop_monitor_id: int
    location_codes: list[str]
    queue_names: list[str]


class CheckAnswer(AnswerModel):
    """One check and everything it saw."""

    id: UUID
    status: Literal["success", "failure"]
    error_message: str | None
    warning_message: str | None
    timing_imap_pop: float = Field(description="Milliseconds.")
    diagnostics: dict[str, Any] = Field(
        description="Outcome class, phase, timings, server words, certificate, transcript of a failure."
    )
    checked_at: Moment
    location_id: int | None
    location_name: str
    location_code: str


class CheckHistory(AnswerModel):
    """Checks, newest first."""

    data: list[CheckAnswer]
    next_cursor: str | None = Field(description="Where the next page begins; null on the last one.")


class HistoryQuery(RequestModel):
    """How much of a history to show."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    status: Literal["success", "failure"] | None = Field(default=None, description="Only those that ended so.")
    cursor: str | None = Field(default=None, max_length=200, description="`nextCursor` of the page before.")


class TestAnswer(AnswerModel):
    """What came of trying out a monitor that is not stored."""

    __test__ = False  # no test case, whatever pytest makes of the name

    success: bool
    health: Health = Field(description="What a monitor would be believed to be after this check.")
    result: CheckAnswer
    warnings: list[MonitorWarning]
