"""Package configs as requests change them and answers show them."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, RootModel

from services.api_gateway.field_types import AnswerModel, IntervalMinutes, Moment, Name, RequestModel, ignoring

# Fields of answers that mean nothing in a request.
ANSWER_ONLY = frozenset({"id", "packageType", "createdAt", "updatedAt", "usedByCustomerCount"})

# Settings of websites and of other ways to tell people: kept as they were sent, for clients that show them.
KEPT = (
    "max_urls",
    "enable_ssl_check",
    "enable_https_check",
    "enable_status_check",
    "enable_size_check",
    "enable_response_time_check",
    "enable_keyword_check",
    "enable_sms_alerts",
    "enable_webhook_alerts",
    "enable_integration_alerts",
    "enable_post_request_escalation",
    "enable_maintenance_windows",
    "enable_pdf_reports",
    "notes",
)
_KEPT = "Kept as sent; nothing in mailprobe goes by it."

Threshold = Literal["any", "majority", "all"]


class PackageConfigPatch(RequestModel):
    """Any fields of a package; the others stay as they are, or get their defaults where the package is new."""

    model_config = ConfigDict(json_schema_extra=ignoring(ANSWER_ONLY))

    # A default of these is never read: only fields that were sent count.
    display_name: Name | None = None
    alert_consecutive_checks: Annotated[int, Field(ge=1, le=100)] = Field(
        default=3, description="So many failures in a row, and a location counts as down."
    )
    alert_location_threshold: Threshold = Field(default="majority", description="How many locations have to agree.")
    alert_location_threshold_count: Annotated[int, Field(ge=1, le=100)] = Field(
        default=2, description="With `majority`: so many, or all live ones where there are fewer."
    )
    retry_interval_seconds: Annotated[int, Field(ge=10, le=3600)] = 60
    notification_delay_minutes: Annotated[int, Field(ge=0, le=1440)] = 0
    reminder_delay_minutes: Annotated[int, Field(ge=1, le=10080)] = 10
    alert_reminder_interval: Annotated[int, Field(ge=0, le=10080)] = Field(default=60, description="Minutes.")
    check_interval_minutes: IntervalMinutes | None = Field(
        default=None,
        description="The smallest interval allowed when monitors are made or changed; null: none.",
    )
    check_locations: Annotated[int, Field(ge=1, le=1000)] | None = Field(default=None, description=_KEPT)
    data_retention_months: Annotated[int, Field(ge=1, le=120)] = 12
    enable_email_alerts: bool = Field(default=True, description="Whether a monitor's own notificationEmail is told.")
    max_urls: Annotated[int, Field(ge=0, le=10**9)] | None = Field(default=None, description=_KEPT)
    enable_ssl_check: bool | None = Field(default=None, description=_KEPT)
    enable_https_check: bool | None = Field(default=None, description=_KEPT)
    enable_status_check: bool | None = Field(default=None, description=_KEPT)
    enable_size_check: bool | None = Field(default=None, description=_KEPT)
    enable_response_time_check: bool | None = Field(default=None, description=_KEPT)
    enable_keyword_check: bool | None = Field(default=None, description=_KEPT)
    enable_sms_alerts: bool | None = Field(default=None, description=_KEPT)
    enable_webhook_alerts: bool | None = Field(default=None, description=_KEPT)
    enable_integration_alerts: bool | None = Field(default=None, description=_KEPT)
    enable_post_request_escalation: bool | None = Field(default=None, description=_KEPT)
    enable_maintenance_windows: bool | None = Field(default=None, description=_KEPT)
    enable_pdf_reports: bool | None = Field(default=None, description=_KEPT)
    notes: Annotated[str, Field(max_length=10_000)] | None = Field(default=None, description=_KEPT)


class PackageConfig(AnswerModel):
    """A package."""

    id: int
    package_type: str
    display_name: str | None
    alert_consecutive_checks: int
    alert_location_threshold: Threshold
    alert_location_threshold_count: int
    retry_interval_seconds: int
    notification_delay_minutes: int
    reminder_delay_minutes: int
    alert_reminder_interval: int
    check_interval_minutes: int | float | None
    check_locations: int | None
    data_retention_months: int
    enable_email_alerts: bool
    max_urls: int | None = None
    enable_ssl_check: bool | None = None
    enable_https_check: bool | None = None
    enable_status_check: bool | None = None
    enable_size_check: bool | None = None
    enable_response_time_check: bool | None = None
    enable_keyword_check: bool | None = None
    enable_sms_alerts: bool | None = None
    enable_webhook_alerts: bool | None = None
    enable_integration_alerts: bool | None = None
    enable_post_request_escalation: bool | None = None
    enable_maintenance_windows: bool | None = None
    enable_pdf_reports: bool | None = None
    notes: str | None = None
    used_by_customer_count: int
    created_at: Moment
    updated_at: Moment


class PackageConfigs(RootModel[list[PackageConfig]]):
    """The packages a token may see."""
