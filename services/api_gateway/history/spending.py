"""How any time was spent, whatever hours it begins and ends in: uptime, counts, response times, from what is kept."""

from dataclasses import dataclass

from services.api_gateway.history.models import ResponseTimes
from services.api_gateway.history.spans import DAY_MS, Span, answerable, pieces_of
from services.api_gateway.history.timings import FRACTIONS, can_be_exact, percentile_of_steps, response_times
from services.api_gateway.history.uptime_store import (
    Spent,
    Stand,
    added_up,
    read_percentiles,
    read_spent,
    read_timings,
)
from shared.database.pool import Connection


@dataclass(frozen=True, slots=True)
class Told:
    """A span, which may be wider than what was asked for, and what there is to say of it."""

    span: Span
    spent: Spent
    times: ResponseTimes | None


async def told_of(connection: Connection, monitor_id: int, asked: Span, stand: Stand, *, hours_kept_days: int) -> Told:
    """What there is to say of a time; it is widened to full hours or days where its checks or hours are gone."""
    hours_since = (stand.now_ms - hours_kept_days * DAY_MS) // DAY_MS * DAY_MS
    span = answerable(asked, results_since=stand.results_since, hours_since=hours_since)
    pieces = pieces_of(span, hours_until=stand.hours_until)
    spent = added_up(await read_spent(connection, monitor_id, pieces), span.from_ms)
    if can_be_exact(span, results_since=stand.results_since):
        found = await read_percentiles(connection, monitor_id, span, FRACTIONS)
        return Told(span, spent, response_times(found, exact=True))
    steps = await read_timings(connection, monitor_id, pieces)
    return Told(
        span,
        spent,
        response_times([percentile_of_steps(steps, fraction) for fraction in FRACTIONS], exact=False),
    )
