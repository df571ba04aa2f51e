"""What a list shows of a monitor at a glance."""

from pydantic import Field

from services.api_gateway.field_types import AnswerModel
from shared.checks.vocabulary import Health


class Overview(AnswerModel):
    """The last checks and the uptime of one monitor."""

    recent: list[Health] = Field(
        description="What each of the last 60 checks told, oldest first; unknown: nothing about the mail server."
    )
    p50_ms: float | None = Field(description="Of those of the last 60 checks that passed, half were faster.")
    p95_ms: float | None
    uptime_day: float | None = Field(description="Percent, of the last 24 hours; null: nothing was known of them.")
    uptime_month: float | None = Field(description="Of the last 30 days.")
    certificate_days_left: int | None = Field(description="Negative once it has expired.")
