"""Every route, once: what it is called with, what it answers, and who handles it.

The application is built from this list, and so is the OpenAPI document: neither can know a route the other does not.
"""

from services.api_gateway import (
    check_handlers,
    customer_handlers,
    monitor_handlers,
    probe_handlers,
    trial_handlers,
)
from services.api_gateway.audit.operations import AUDIT_OPERATIONS
from services.api_gateway.batch.operations import BATCH_OPERATIONS
from services.api_gateway.channels.operations import CHANNEL_OPERATIONS
from services.api_gateway.check_models import CheckHistory, ChecksTriggered, HistoryQuery, TestAnswer
from services.api_gateway.customer_models import (
    Customer,
    CustomerCreate,
    CustomerCreated,
    CustomerPatch,
    Customers,
    Organization,
)
from services.api_gateway.discovery.operations import DISCOVERY_OPERATIONS
from services.api_gateway.events.operations import EVENT_OPERATIONS
from services.api_gateway.history.operations import HISTORY_OPERATIONS
from services.api_gateway.incidents.operations import INCIDENT_OPERATIONS
from services.api_gateway.locations.operations import LOCATION_OPERATIONS
from services.api_gateway.maintenance.operations import MAINTENANCE_OPERATIONS
from services.api_gateway.manners.entity_tags import Tagged
from services.api_gateway.manners.holding_store import customer_held, monitor_held, organization_held
from services.api_gateway.monitor_models import (
    Deleted,
    MonitorAnswer,
    MonitorCreate,
    MonitorDetails,
    MonitorPage,
    MonitorPatch,
    MonitorQuery,
)
from services.api_gateway.operation import NO_CUSTOMER, NOT_ALLOWED, WRONG_FIELDS, Operation
from services.api_gateway.organizations.operations import ORGANIZATION_OPERATIONS
from services.api_gateway.package_configs.operations import PACKAGE_OPERATIONS
from services.api_gateway.people.operations import PEOPLE_OPERATIONS
from services.api_gateway.probe_handlers import Alive, Readiness
from services.api_gateway.reference.operations import REFERENCE_OPERATIONS
from services.api_gateway.sessions.operations import SESSION_OPERATIONS
from services.api_gateway.standing.operations import STANDING_OPERATIONS
from services.api_gateway.status_pages.operations import STATUS_PAGE_OPERATIONS
from services.api_gateway.system.operations import SYSTEM_OPERATIONS
from services.api_gateway.tags.operations import TAG_OPERATIONS
from services.api_gateway.tokens.operations import TOKEN_OPERATIONS

_MONITORS = monitor_handlers.PATH
_MONITOR = f"{_MONITORS}/{{publicId}}"
_CUSTOMERS = customer_handlers.PATH

_ID_REQUIRED = "`IMAP/POP monitor public ID (UUID) required`"
_NO_MONITOR = "`IMAP/POP monitor not found`"

_MONITORING: tuple[Operation, ...] = (
    Operation(
        method="GET",
        path=_MONITORS,
        name="listMonitors",
        summary="The monitors a token may see.",
        handler=monitor_handlers.show_monitors,
        query=MonitorQuery,
        answers={200: MonitorPage},
        problems={400: WRONG_FIELDS, 403: NOT_ALLOWED, 404: "The customer or organization is unknown."},
    ),
    Operation(
        method="POST",
        path=_MONITORS,
        name="createMonitor",
        summary="Create a monitor; its first checks begin at once.",
        handler=monitor_handlers.create_monitor,
        dry_run=True,
        body=MonitorCreate,
        answers={201: MonitorAnswer},
        problems={400: WRONG_FIELDS, 403: NOT_ALLOWED, 404: NO_CUSTOMER},
    ),
    Operation(
        method="POST",
        path=f"{_MONITORS}/test",
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
        method="GET",
        path=_MONITOR,
        name="getMonitor",
        summary="One monitor with its customer.",
        handler=monitor_handlers.show_monitor,
        tagged=Tagged(
            state=frozenset({"health", "healthSince", "healthMessage", "everPassed"}),
            unsaid=frozenset({"lastCheckedAt"}),
            hold=monitor_held,
        ),
        answers={200: MonitorDetails},
        problems={400: _ID_REQUIRED, 403: NOT_ALLOWED, 404: _NO_MONITOR},
    ),
    Operation(
        method="PATCH",
        path=_MONITOR,
        name="changeMonitor",
        summary="Change any of a monitor's fields; a readonly token only its status.",
        handler=monitor_handlers.change_monitor,
        dry_run=True,
        body=MonitorPatch,
        answers={200: MonitorAnswer},
        problems={
            400: f"{_ID_REQUIRED}; or: {WRONG_FIELDS}",
            403: NOT_ALLOWED,
            404: f"{_NO_MONITOR}, {NO_CUSTOMER}",
        },
    ),
    Operation(
        method="DELETE",
        path=_MONITOR,
        name="deleteMonitor",
        summary="Remove a monitor, its sealed password with it.",
        handler=monitor_handlers.remove_monitor,
        dry_run=True,
        answers={200: Deleted},
        problems={400: _ID_REQUIRED, 403: NOT_ALLOWED, 404: _NO_MONITOR},
    ),
    Operation(
        method="POST",
        path=f"{_MONITOR}/trigger-check",
        name="triggerCheck",
        summary="Check now, from every eligible location.",
        handler=check_handlers.trigger_check,
        answers={200: ChecksTriggered},
        problems={
            400: f"{_ID_REQUIRED}; or: `No eligible monitoring locations for the selected allowed countries`",
            403: NOT_ALLOWED,
            404: _NO_MONITOR,
            409: "The monitor is disabled: it is not checked at all.",
            429: "Asked too often, or another login to this account is under way.",
            503: "`No active monitoring locations available`; or a back end does not answer.",
        },
    ),
    Operation(
        method="GET",
        path=f"{_MONITOR}/check-history",
        name="checkHistory",
        summary="What became of a monitor's checks, newest first.",
        handler=check_handlers.show_history,
        linked=True,
        query=HistoryQuery,
        answers={200: CheckHistory},
        problems={400: f"{_ID_REQUIRED}; or: {WRONG_FIELDS}", 403: NOT_ALLOWED, 404: _NO_MONITOR},
    ),
    Operation(
        method="GET",
        path=_CUSTOMERS,
        name="listCustomers",
        summary="The customers a token may see.",
        handler=customer_handlers.show_customers,
        answers={200: Customers},
    ),
    Operation(
        method="POST",
        path=_CUSTOMERS,
        name="createCustomer",
        summary="Create a customer.",
        handler=customer_handlers.create_customer,
        dry_run=True,
        body=CustomerCreate,
        answers={201: CustomerCreated},
        problems={400: WRONG_FIELDS, 403: NOT_ALLOWED},
    ),
    Operation(
        method="GET",
        path=f"{_CUSTOMERS}/{{publicId}}",
        name="getCustomer",
        summary="One customer.",
        handler=customer_handlers.show_customer,
        tagged=Tagged(hold=customer_held),
        answers={200: Customer},
        problems={400: "`Customer public ID (UUID) required`", 403: NOT_ALLOWED, 404: NO_CUSTOMER},
    ),
    Operation(
        method="PATCH",
        path=f"{_CUSTOMERS}/{{publicId}}",
        name="changeCustomer",
        summary="Change any of these fields of a customer.",
        handler=customer_handlers.change_customer,
        dry_run=True,
        body=CustomerPatch,
        answers={200: Customer},
        problems={
            400: f"`Customer public ID (UUID) required`; or: {WRONG_FIELDS}",
            403: NOT_ALLOWED,
            404: NO_CUSTOMER,
        },
    ),
    Operation(
        method="GET",
        path="/api/organization",
        name="getOrganization",
        summary="The organization the token belongs to.",
        handler=customer_handlers.show_organization,
        tagged=Tagged(hold=organization_held),
        answers={200: Organization},
        problems={404: "The organization is gone."},
    ),
    Operation(
        method="GET",
        path="/api/openapi.json",
        name="openapi",
        summary="This document.",
        anybody=probe_handlers.show_openapi,
        answers={200: None},
    ),
    Operation(
        method="GET",
        path="/livez",
        name="alive",
        summary="Whether the process answers at all.",
        anybody=probe_handlers.show_alive,
        counted=False,
        answers={200: Alive},
    ),
    Operation(
        method="GET",
        path="/readyz",
        name="ready",
        summary="Whether requests can be served, and what is in the way.",
        anybody=probe_handlers.show_ready,
        counted=False,
        answers={200: Readiness, 503: Readiness},
    ),
)

OPERATIONS: tuple[Operation, ...] = (
    *_MONITORING,
    *HISTORY_OPERATIONS,
    *INCIDENT_OPERATIONS,
    *LOCATION_OPERATIONS,
    *PACKAGE_OPERATIONS,
    *TAG_OPERATIONS,
    *MAINTENANCE_OPERATIONS,
    *CHANNEL_OPERATIONS,
    *BATCH_OPERATIONS,
    *DISCOVERY_OPERATIONS,
    *EVENT_OPERATIONS,
    *STANDING_OPERATIONS,
    *SYSTEM_OPERATIONS,
    *AUDIT_OPERATIONS,
    *PEOPLE_OPERATIONS,
    *SESSION_OPERATIONS,
    *TOKEN_OPERATIONS,
    *ORGANIZATION_OPERATIONS,
    *REFERENCE_OPERATIONS,
    *STATUS_PAGE_OPERATIONS,
)
