"""The operations on a monitor's past."""

from services.api_gateway.history import handlers
from services.api_gateway.history.models import (
    AlertHistory,
    DetailsQuery,
    HistoryDetails,
    IncidentHistory,
    PastQuery,
)
from services.api_gateway.monitors.handlers import MONITOR_PATH
from services.api_gateway.operation import ID_REQUIRED, NO_MONITOR, Operation

_PROBLEMS = {
    400: ID_REQUIRED,
    403: "The token's scope does not allow it.",
    404: NO_MONITOR,
}

HISTORY_OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="GET",
        path=f"{MONITOR_PATH}/details",
        name="monitorHistoryDetails",
        summary="Everything a page about a monitor shows: uptime, chart, incidents, messages, maintenance.",
        handler=handlers.show_details,
        query=DetailsQuery,
        answers={200: HistoryDetails},
        problems={**_PROBLEMS, 400: f"{_PROBLEMS[400]}; or: every wrong parameter is named in `errors`."},
    ),
    Operation(
        method="GET",
        path=f"{MONITOR_PATH}/incident-history",
        name="incidentHistory",
        summary="A monitor's incidents, newest first.",
        handler=handlers.show_incident_history,
        query=PastQuery,
        linked=True,
        answers={200: IncidentHistory},
        problems=_PROBLEMS,
    ),
    Operation(
        method="GET",
        path=f"{MONITOR_PATH}/alert-history",
        name="alertHistory",
        summary="What was told of a monitor's incidents, newest first.",
        handler=handlers.show_alert_history,
        query=PastQuery,
        linked=True,
        answers={200: AlertHistory},
        problems=_PROBLEMS,
    ),
)
