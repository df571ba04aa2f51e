"""The operations of metrics and summary."""

from services.api_gateway.operation import Operation
from services.api_gateway.standing import handlers
from services.api_gateway.standing.exposition import CONTENT_TYPE
from services.api_gateway.standing.models import Summary

STANDING_OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="GET",
        path=handlers.METRICS_PATH,
        name="metrics",
        summary="The monitors in scope as metrics, in Prometheus' text format.",
        handler=handlers.show_metrics,
        answers={200: None},
        media_type=CONTENT_TYPE,
    ),
    Operation(
        method="GET",
        path=handlers.SUMMARY_PATH,
        name="summary",
        summary="The monitors in scope in a few numbers, flat, for a home dashboard.",
        handler=handlers.show_summary,
        answers={200: Summary},
    ),
)
