"""The routes of checks: tried, asked for, read."""

from services.api_gateway.checks import handlers, trial_handlers
from services.api_gateway.checks.models import CheckHistory, ChecksTriggered, HistoryQuery, TestAnswer
from services.api_gateway.monitors.handlers import MONITOR_PATH, PATH
from services.api_gateway.monitors.models import MonitorCreate
from services.api_gateway.operation import ID_REQUIRED, NO_CUSTOMER, NO_MONITOR, NOT_ALLOWED, WRONG_FIELDS, Operation

CHECK_OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="POST",
        path=f"{PATH}/test",
        name="testMonitor",
        summary="Run one check of a monitor without storing it, within the rules for logins.",
        handler=trial_handlers.try_monitor,
        outside=True,
        body=MonitorCreate,
        answers={200: TestAnswer},
        problems={
            400: WRONG_FIELDS,
            403: NOT_ALLOWED,
            404: NO_CUSTOMER,
            429: "Asked too often, or the rules for logins allow no login to this account now.",
            504: "No worker answered in time.",
        },
    ),
    Operation(
        method="POST",
        path=f"{MONITOR_PATH}/trigger-check",
        name="triggerCheck",
        summary="Check now, from every eligible location.",
        handler=handlers.trigger_check,
        answers={200: ChecksTriggered},
        problems={
            400: f"{ID_REQUIRED}; or: `No eligible monitoring locations for the selected allowed countries`",
            403: NOT_ALLOWED,
            404: NO_MONITOR,
            409: "The monitor is disabled: it is not checked at all.",
            429: "Asked too often, or another login to this account is under way.",
            503: "`No active monitoring locations available`; or a back end does not answer.",
        },
    ),
    Operation(
        method="GET",
        path=f"{MONITOR_PATH}/check-history",
        name="checkHistory",
        summary="What became of a monitor's checks, newest first.",
        handler=handlers.show_history,
        linked=True,
        query=HistoryQuery,
        answers={200: CheckHistory},
        problems={400: f"{ID_REQUIRED}; or: {WRONG_FIELDS}", 403: NOT_ALLOWED, 404: NO_MONITOR},
    ),
)
