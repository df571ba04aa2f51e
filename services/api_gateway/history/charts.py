"""Time spent, as statistics and points of a chart show it. Pure."""

from typing import Literal

from services.api_gateway.field_types import moment_of_ms
from services.api_gateway.history.models import ChartPoint, TimeSpent, UptimeStats
from services.api_gateway.history.spending import Told
from services.api_gateway.history.uptime_store import Spent


def uptime_stats(day: Spent, week: Spent, month: Spent, quarter: Spent, year: Spent) -> UptimeStats:
    """Uptime and mean response times."""
    return UptimeStats(
        day=day.uptime,
        week=week.uptime,
        month=month.uptime,
        quarter=quarter.uptime,
        year=year.uptime,
        day_avg_response=day.mean_ms,
        month_avg_response=month.mean_ms,
        year_avg_response=year.mean_ms,
    )


def spent_time(told: Told) -> TimeSpent:
    """What an uptime is made of."""
    spent = told.spent
    return TimeSpent(
        since=moment_of_ms(told.span.from_ms),
        until=moment_of_ms(told.span.until_ms),
        up_ms=spent.up_ms,
        degraded_ms=spent.degraded_ms,
        down_ms=spent.down_ms,
        unknown_ms=spent.unknown_ms,
        maintenance_ms=spent.maintenance_ms,
        checks=spent.checks,
        failures=spent.failures,
        uptime=spent.uptime,
        response_times=told.times,
    )


def chart_point(spent: Spent) -> ChartPoint:
    """An hour or a day."""
    status: Literal["success", "failure"] | None = None
    if spent.checks:
        status = "failure" if spent.failures else "success"
    return ChartPoint(
        checked_at=moment_of_ms(spent.starts_at),
        status=status,
        timing_imap_pop=spent.mean_ms,
        checks=spent.checks,
        failures=spent.failures,
        min_timing=spent.total_ms_min,
        max_timing=spent.total_ms_max,
        uptime=spent.uptime,
        up_ms=spent.up_ms,
        degraded_ms=spent.degraded_ms,
        down_ms=spent.down_ms,
        unknown_ms=spent.unknown_ms,
        maintenance_ms=spent.maintenance_ms,
    )
