"""Percentiles of response times: of the checks themselves where they are few and there, else of steps of 5 %. Pure."""

import math
from collections.abc import Mapping, Sequence

from services.api_gateway.history.models import ResponseTimes
from services.api_gateway.history.spans import DAY_MS, Span

FRACTIONS = (0.5, 0.95, 0.99)
# A step's middle is so far from its ends, at most: what a percentile taken from steps may be wrong by.
RELATIVE_ERROR = math.sqrt(1.05) - 1
_SHORTEST_MS = 0.1
_STEP = 1.05
_EXACT_UP_TO_MS = 8 * DAY_MS


def can_be_exact(span: Span, *, results_since: int) -> bool:
    """Whether all its checks are there, and few enough to be sorted for an answer."""
    return span.from_ms >= results_since and span.until_ms - span.from_ms <= _EXACT_UP_TO_MS


def percentile_of_steps(steps: Mapping[int, int], fraction: float) -> float | None:
    """The check at this place of all in order, as the middle of its step; None where there is none."""
    place = math.ceil(fraction * sum(steps.values()))
    seen = 0
    for step, times in sorted(steps.items()):
        seen += times
        if seen >= max(1, place):
            return _SHORTEST_MS if step <= 0 else _SHORTEST_MS * _STEP ** (step - 0.5)
    return None


def response_times(values: Sequence[float | None] | None, *, exact: bool) -> ResponseTimes | None:
    """As answers show them; None where no check passed, or none was kept this way."""
    if values is None or any(value is None for value in values):
        return None
    p50, p95, p99 = (round(value, 2) for value in values if value is not None)
    return ResponseTimes(p50=p50, p95=p95, p99=p99, exact=exact)
