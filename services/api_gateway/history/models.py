"""A monitor's past as answers show it."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, WithJsonSchema

from services.api_gateway.checks.models import CheckAnswer
from services.api_gateway.cursors import DESCRIPTION, LONGEST
from services.api_gateway.field_types import AnswerModel, Moment, RequestModel, wrong
from services.api_gateway.history.spans import Granularity, read_date
from services.api_gateway.monitors.models import MonitorDetails


def _readable(value: str) -> str:
    try:
        read_date(value)
    except ValueError:
        raise wrong("{field} must be a date or an ISO 8601 time, such as 2026-02-26 or 2026-02-26T12:00:00Z") from None
    return value


AskedDate = Annotated[
    str,
    Field(max_length=40),
    AfterValidator(_readable),
    WithJsonSchema({"type": "string", "anyOf": [{"format": "date"}, {"format": "date-time"}]}),
]


class PastIncident(AnswerModel):
    """An incident of a monitor, with times in words and as ISO 8601."""

    id: int
    public_id: UUID
    type: Literal["downtime"] = "downtime"
    status: Literal["active", "resolved"]
    started_at: str = Field(examples=["Feb 26, 2026, 12:10:00"], description="When it was confirmed; UTC.")
    ended_at: str | None
    duration: str = Field(examples=["2m 30s"], description="So far, while it is active.")
    started_at_iso: Moment
    ended_at_iso: Moment | None
    duration_ms: int
    outage_started_at_iso: Moment = Field(description="The first failed check.")
    is_ongoing: bool
    cause: str = Field(description="The kind of failure.")
    details: str


class PastQuery(RequestModel):
    """How much of a monitor's past to show."""

    limit: Annotated[int, Field(ge=1, le=100)] = 100
    cursor: str | None = Field(default=None, max_length=LONGEST, description=DESCRIPTION)


class IncidentHistory(AnswerModel):
    """Incidents of a monitor, newest first."""

    incidents: list[PastIncident]
    total: int
    next_cursor: str | None = Field(description="Where the next page begins; null on the last one.")


class PastAlert(AnswerModel):
    """A message about an incident to one channel, sent or given up."""

    id: int
    incident_id: int
    incident_public_id: UUID
    type: str = Field(description="The channel's.")
    status: Literal["sent", "failed"]
    channel_name: str
    sent_at: Moment | None
    error_message: str | None = Field(description="Null as well where the channel is not yours to see.")
    event: str


class AlertHistory(AnswerModel):
    """Messages about a monitor's incidents, newest first."""

    alerts: list[PastAlert]
    total: int
    next_cursor: str | None = Field(description="Where the next page begins; null on the last one.")


class DetailsQuery(RequestModel):
    """Which time the chart shows."""

    range: Literal["day", "week", "month", "year"] = "day"
    date: AskedDate | None = Field(default=None, description="Its end, default now; without a time: that day's end.")
    start_date: AskedDate | None = Field(default=None, description="Its beginning, instead of a range before its end.")
    end_date: AskedDate | None = Field(default=None, description="Its end, before `date`.")
    granularity: str | None = Field(
        default=None, max_length=20, description="raw: checks; hour, day; anything else: as fits the time."
    )


class LatestCheck(AnswerModel):
    """The newest check."""

    id: UUID
    status: Literal["success", "failure"]
    checked_at: Moment
    timing_imap_pop: float = Field(description="Milliseconds.")
    location_code: str
    location_name: str


class UptimeStats(AnswerModel):
    """Percent of the time that was up or degraded, of the time that was up, degraded or down; null: none of it was."""

    day: float | None
    week: float | None
    month: float | None
    quarter: float | None = Field(description="Of the last 90 days.")
    year: float | None
    day_avg_response: float | None = Field(description="Milliseconds, of checks that passed.")
    month_avg_response: float | None
    year_avg_response: float | None


class ResponseTimes(AnswerModel):
    """How long the checks that passed took, in milliseconds: so many of a hundred took no longer."""

    p50: float
    p95: float
    p99: float
    exact: bool = Field(description="Of the checks themselves; else within 2.5 percent, from hours and days added up.")


class TimeSpent(AnswerModel):
    """How a time was spent. Unknown and maintenance are left out of the uptime."""

    since: Moment
    until: Moment
    up_ms: int
    degraded_ms: int
    down_ms: int
    unknown_ms: int
    maintenance_ms: int
    checks: int = Field(description="That told something of the mail server.")
    failures: int
    uptime: float | None = Field(description="Percent; null: nothing was known.")
    response_times: ResponseTimes | None = Field(description="Null: no check passed.")


class UptimeStatsMeta(AnswerModel):
    """What the uptime is made of: the last 24 hours, 7, 30, 90 and 365 days, begun at a full hour or day (UTC)."""

    day: TimeSpent
    week: TimeSpent
    month: TimeSpent
    quarter: TimeSpent
    year: TimeSpent


class ChartPoint(AnswerModel):
    """A check, an hour or a day; what only the added up ones have is null of a check, and the other way round."""

    checked_at: Moment = Field(description="Of an hour or a day: its beginning.")
    status: Literal["success", "failure"] | None = Field(description="Failure: something failed.")
    timing_imap_pop: float | None = Field(description="Milliseconds; of an hour or a day: the mean of what passed.")
    error_message: str | None = None
    cause: str | None = None
    location_code: str | None = None
    location_name: str | None = None
    phases_ms: dict[str, float] | None = Field(default=None, description="Of a check: how long each phase took.")
    certificate: str | None = Field(default=None, description="Of a check: the fingerprint of the certificate it met.")
    checks: int | None = None
    failures: int | None = None
    min_timing: float | None = None
    max_timing: float | None = None
    uptime: float | None = None
    up_ms: int | None = None
    degraded_ms: int | None = None
    down_ms: int | None = None
    unknown_ms: int | None = None
    maintenance_ms: int | None = None


class MonitoringDataMeta(AnswerModel):
    """Which time the chart shows, and how."""

    since: Moment
    until: Moment
    granularity: Granularity
    truncated: bool = Field(description="There were more checks; the newest are shown.")
    spent: TimeSpent = Field(description="Of just this time; begun and ended at full hours where its checks are gone.")


class ShownWindow(AnswerModel):
    """A time in which a maintenance window is open."""

    id: int
    public_id: UUID
    name: str
    description: str | None
    start_time: Moment
    end_time: Moment
    is_recurring: bool


class MaintenanceShown(AnswerModel):
    """Maintenance, planned and past."""

    in_maintenance: bool = Field(description="By a window, or by the monitor's status.")
    active_windows: list[ShownWindow]
    all_windows: list[ShownWindow] = Field(description="Those of the time shown, and those to come.")


class HistoryDetails(AnswerModel):
    """Everything a page about a monitor shows."""

    imap_pop_monitor_id: int
    monitor: MonitorDetails
    latest_check: LatestCheck | None
    uptime_stats: UptimeStats
    uptime_stats_meta: UptimeStatsMeta
    monitoring_data: list[ChartPoint]
    monitoring_data_meta: MonitoringDataMeta
    incidents: list[PastIncident]
    alerts: list[PastAlert]
    test_result_log: list[CheckAnswer]
    maintenance: MaintenanceShown
