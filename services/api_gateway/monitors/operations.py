"""The routes of monitors."""

from services.api_gateway.manners.entity_tags import Tagged
from services.api_gateway.manners.holding_store import monitor_held
from services.api_gateway.monitors import handlers
from services.api_gateway.monitors.models import (
    Deleted,
    MonitorAnswer,
    MonitorCreate,
    MonitorDetails,
    MonitorPage,
    MonitorPatch,
    MonitorQuery,
)
from services.api_gateway.operation import ID_REQUIRED, NO_CUSTOMER, NO_MONITOR, NOT_ALLOWED, WRONG_FIELDS, Operation

MONITOR_OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="GET",
        path=handlers.PATH,
        name="listMonitors",
        summary="The monitors a token may see.",
        handler=handlers.show_monitors,
        query=MonitorQuery,
        answers={200: MonitorPage},
        problems={400: WRONG_FIELDS, 403: NOT_ALLOWED, 404: "The customer or organization is unknown."},
    ),
    Operation(
        method="POST",
        path=handlers.PATH,
        name="createMonitor",
        summary="Create a monitor; its first checks begin at once.",
        handler=handlers.create_monitor,
        dry_run=True,
        body=MonitorCreate,
        answers={201: MonitorAnswer},
        problems={400: WRONG_FIELDS, 403: NOT_ALLOWED, 404: NO_CUSTOMER},
    ),
    Operation(
        method="GET",
        path=handlers.MONITOR_PATH,
        name="getMonitor",
        summary="One monitor with its customer.",
        handler=handlers.show_monitor,
        tagged=Tagged(
            state=frozenset({"health", "healthSince", "healthMessage", "everPassed"}),
            unsaid=frozenset({"lastCheckedAt"}),
            hold=monitor_held,
        ),
        answers={200: MonitorDetails},
        problems={400: ID_REQUIRED, 403: NOT_ALLOWED, 404: NO_MONITOR},
    ),
    Operation(
        method="PATCH",
        path=handlers.MONITOR_PATH,
        name="changeMonitor",
        summary="Change any of a monitor's fields; a readonly token only its status.",
        handler=handlers.change_monitor,
        dry_run=True,
        body=MonitorPatch,
        answers={200: MonitorAnswer},
        problems={
            400: f"{ID_REQUIRED}; or: {WRONG_FIELDS}",
            403: NOT_ALLOWED,
            404: f"{NO_MONITOR}, {NO_CUSTOMER}",
        },
    ),
    Operation(
        method="DELETE",
        path=handlers.MONITOR_PATH,
        name="deleteMonitor",
        summary="Remove a monitor, its sealed password with it.",
        handler=handlers.remove_monitor,
        dry_run=True,
        answers={200: Deleted},
        problems={400: ID_REQUIRED, 403: NOT_ALLOWED, 404: NO_MONITOR},
    ),
)
