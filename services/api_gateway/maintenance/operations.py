"""The operations on maintenance windows."""

from services.api_gateway.maintenance import handlers
from services.api_gateway.maintenance.models import (
    MaintenanceWindow,
    MaintenanceWindows,
    WindowCreate,
    WindowPatch,
    WindowQuery,
)
from services.api_gateway.manners.entity_tags import Tagged
from services.api_gateway.manners.holding_store import window_held
from services.api_gateway.monitors.models import Deleted
from services.api_gateway.operation import NO_CUSTOMER, NOT_ALLOWED, Operation

_WINDOW = f"{handlers.PATH}/{{id}}"
_WRONG_FIELDS = "Every wrong field is named in `errors`; `data.code` is mixedCustomers where targets are of several."
_INVALID = "`Invalid maintenance window ID`"
_NO_WINDOW = "`Maintenance window not found`"

MAINTENANCE_OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="GET",
        path=handlers.PATH,
        name="listMaintenanceWindows",
        summary="The maintenance windows a token may see.",
        handler=handlers.show_windows,
        query=WindowQuery,
        answers={200: MaintenanceWindows},
        problems={400: _WRONG_FIELDS, 403: NOT_ALLOWED, 404: "The customer or organization is unknown."},
    ),
    Operation(
        method="POST",
        path=handlers.PATH,
        name="createMaintenanceWindow",
        summary="Plan a maintenance window; a readonly token may as well.",
        handler=handlers.create_window,
        dry_run=True,
        body=WindowCreate,
        answers={201: MaintenanceWindow},
        problems={400: _WRONG_FIELDS, 403: NOT_ALLOWED, 404: NO_CUSTOMER},
    ),
    Operation(
        method="GET",
        path=_WINDOW,
        name="getMaintenanceWindow",
        summary="One maintenance window.",
        handler=handlers.show_window,
        tagged=Tagged(state=frozenset({"isOpen", "occurrence"}), hold=window_held),
        answers={200: MaintenanceWindow},
        problems={400: _INVALID, 403: NOT_ALLOWED, 404: _NO_WINDOW},
    ),
    Operation(
        method="PATCH",
        path=_WINDOW,
        name="changeMaintenanceWindow",
        summary="Change any of a window's fields, from now on; what was stays.",
        handler=handlers.change_window,
        dry_run=True,
        body=WindowPatch,
        answers={200: MaintenanceWindow},
        problems={400: f"{_INVALID}; or: {_WRONG_FIELDS}", 403: NOT_ALLOWED, 404: f"{_NO_WINDOW}, {NO_CUSTOMER}"},
    ),
    Operation(
        method="DELETE",
        path=_WINDOW,
        name="deleteMaintenanceWindow",
        summary="Remove a window; one that is open ends now.",
        handler=handlers.remove_window,
        dry_run=True,
        answers={200: Deleted},
        problems={400: _INVALID, 403: NOT_ALLOWED, 404: _NO_WINDOW},
    ),
)
