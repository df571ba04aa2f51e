"""Everything in a few numbers."""

from typing import Literal

from pydantic import Field

from services.api_gateway.field_types import AnswerModel, Moment


class Summary(AnswerModel):
    """Flat, so that a dashboard can show each value by its name. Of the monitors in scope."""

    monitors: int = Field(description="All of them; each is one of up, degraded, down, unknown, or paused.")
    up: int
    degraded: int
    down: int
    unknown: int
    paused: int = Field(description="Disabled: not checked.")
    maintenance: int = Field(description="Of those that are checked, the ones that do not alert by their status.")
    open_incidents: int
    unacknowledged_incidents: int
    worst: Literal["up", "degraded", "down", "unknown", "none"] = Field(
        description="Of monitors that are checked; `none`: there is none of them."
    )
    worst_monitor: str | None = Field(description="The name of the one that is so for longest; null where all are up.")
    worst_since: Moment | None
    worst_message: str | None
    last_checked_at: Moment | None
