"""A monitor's past over HTTP: its incidents, what was told of them, and everything a page about it shows."""

from functools import partial
from uuid import UUID

from aiohttp import web

from services.api_gateway.calls import Call, json_answer
from services.api_gateway.checks.history_store import check_history
from services.api_gateway.cursors import read_cursor, with_next, write_cursor
from services.api_gateway.customers.customer_store import find_customer
from services.api_gateway.diagnostics import check_of_row
from services.api_gateway.field_types import moment_of_ms
from services.api_gateway.history import past_store as past
from services.api_gateway.history.charts import chart_point, spent_time, uptime_stats
from services.api_gateway.history.models import (
    AlertHistory,
    ChartPoint,
    DetailsQuery,
    HistoryDetails,
    IncidentHistory,
    MaintenanceShown,
    MonitoringDataMeta,
    PastQuery,
    UptimeStatsMeta,
)
from services.api_gateway.history.spans import (
    DAY_MS,
    HOUR_MS,
    RANGES_MS,
    Granularity,
    Span,
    WrongSpan,
    granularity_of,
    pieces_of,
    since,
    wanted_span,
)
from services.api_gateway.history.spending import told_of
from services.api_gateway.history.uptime_store import in_buckets, read_now, read_spent
from services.api_gateway.monitors.handlers import in_scope, monitor_id
from services.api_gateway.monitors.monitor_store import find_monitor
from services.api_gateway.monitors.view import monitor_details
from services.api_gateway.problems import Fault, not_found, wrong_fields
from services.api_gateway.reading import read_query
from shared.checks.vocabulary import MonitorStatus
from shared.database.pool import Connection

_LOG_LENGTH = 50
_BEFORE_ALL = UUID(int=0)


async def show_incident_history(call: Call) -> web.Response:
    """`GET /api/imap-pop-monitors/{publicId}/incident-history`."""
    public_id = monitor_id(call.request)
    query = read_query(call.request, PastQuery)
    place = read_cursor(call, name := f"incidents {public_id}", query.cursor)
    before = None if place is None else int(place[0])
    async with call.transaction() as connection:
        stored = in_scope(call, await find_monitor(connection, call.organization_id, public_id))
        of = (call.organization_id, stored.id)
        now_ms = (await read_now(connection)).now_ms
        found = await past.past_incidents(connection, *of, now_ms=now_ms, before=before, limit=query.limit + 1)
        total = await past.count_past_incidents(connection, *of)
    shown = found[: query.limit]
    cursor = write_cursor(call, name, shown[-1].id) if len(found) > query.limit else None
    return with_next(call, json_answer(IncidentHistory(incidents=shown, total=total, next_cursor=cursor)), cursor)


async def show_alert_history(call: Call) -> web.Response:
    """`GET /api/imap-pop-monitors/{publicId}/alert-history`."""
    public_id = monitor_id(call.request)
    query = read_query(call.request, PastQuery)
    place = read_cursor(call, name := f"alerts {public_id}", query.cursor)
    before = None if place is None else (int(place[0]), int(place[1]))
    async with call.transaction() as connection:
        stored = in_scope(call, await find_monitor(connection, call.organization_id, public_id))
        of = (call.organization_id, stored.id)
        scope = call.principal.customers_wanted()
        found = await past.past_alerts(connection, *of, scope=scope, before=before, limit=query.limit + 1)
        total = await past.count_past_alerts(connection, *of)
    shown = found[: query.limit]
    cursor = write_cursor(call, name, shown[-1].id, shown[-1].incident_id) if len(found) > query.limit else None
    return with_next(call, json_answer(AlertHistory(alerts=shown, total=total, next_cursor=cursor)), cursor)


async def show_details(call: Call) -> web.Response:
    """`GET /api/imap-pop-monitors/{publicId}/details`."""
    public_id = monitor_id(call.request)
    query = read_query(call.request, DetailsQuery)
    async with call.transaction() as connection:
        stored = in_scope(call, await find_monitor(connection, call.organization_id, public_id))
        customer = await find_customer(connection, call.organization_id, stored.description.customer_id)
        if customer is None:
            raise not_found("Customer")
        of = (call.organization_id, stored.id)
        stand = await read_now(connection)
        now_ms = stand.now_ms
        span = _span(query, now_ms)
        granularity = granularity_of(query.granularity, span)
        told = partial(
            told_of, connection, stored.id, stand=stand, hours_kept_days=call.resources.settings.hours_retention_days
        )
        stats = {name: await told(since(now_ms, RANGES_MS[name])) for name in RANGES_MS}
        points, truncated = await _points(connection, *of, span, granularity, stand.hours_until)
        log = await check_history(connection, *of, limit=_LOG_LENGTH, before=(span.until_ms, _BEFORE_ALL))
        windows = await past.maintenance_since(connection, *of, min(span.from_ms, now_ms))
        now = moment_of_ms(now_ms)
        active = [window for window in windows if window.start_time <= now < window.end_time]
        by_status = stored.description.status is MonitorStatus.MAINTENANCE
        return json_answer(
            HistoryDetails(
                imap_pop_monitor_id=stored.id,
                monitor=monitor_details(stored, customer, call.resources.address_policy),
                latest_check=await past.latest_check(connection, *of),
                uptime_stats=uptime_stats(**{name: each.spent for name, each in stats.items()}),
                uptime_stats_meta=UptimeStatsMeta(**{name: spent_time(each) for name, each in stats.items()}),
                monitoring_data=points,
                monitoring_data_meta=MonitoringDataMeta(
                    since=moment_of_ms(span.from_ms),
                    until=moment_of_ms(span.until_ms),
                    granularity=granularity,
                    truncated=truncated,
                    spent=spent_time(await told(span)),
                ),
                incidents=await past.past_incidents(connection, *of, now_ms=now_ms, span=span),
                alerts=await past.past_alerts(connection, *of, scope=call.principal.customers_wanted()),
                test_result_log=[check_of_row(row) for row in log],
                maintenance=MaintenanceShown(
                    in_maintenance=by_status or bool(active), active_windows=active, all_windows=windows
                ),
            )
        )


def _span(query: DetailsQuery, now_ms: int) -> Span:
    try:
        return wanted_span(query.range, date=query.date, start=query.start_date, end=query.end_date, now_ms=now_ms)
    except WrongSpan as wrong:
        raise wrong_fields([Fault(pointer=f"/{wrong.field}", detail=str(wrong))]) from None


async def _points(
    connection: Connection, organization_id: int, monitor: int, span: Span, granularity: Granularity, hours_until: int
) -> tuple[list[ChartPoint], bool]:
    """Points of the chart, and whether there were more."""
    if granularity is Granularity.RAW:
        return await past.check_points(connection, organization_id, monitor, span)
    length_ms = HOUR_MS if granularity is Granularity.HOUR else DAY_MS
    whole = Span(span.from_ms // length_ms * length_ms, span.until_ms)
    pieces = pieces_of(whole, hours_until=hours_until, by_hours=granularity is Granularity.HOUR)
    return [chart_point(each) for each in in_buckets(await read_spent(connection, monitor, pieces), length_ms)], False
