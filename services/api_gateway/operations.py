"""Every route, once: what it is called with, what it answers, and who handles it.

The application is built from this list, and so is the OpenAPI document: neither can know a route the other does not.
"""

from services.api_gateway import probe_handlers
from services.api_gateway.audit.operations import AUDIT_OPERATIONS
from services.api_gateway.batch.operations import BATCH_OPERATIONS
from services.api_gateway.channels.operations import CHANNEL_OPERATIONS
from services.api_gateway.checks.operations import CHECK_OPERATIONS
from services.api_gateway.customers.operations import CUSTOMER_OPERATIONS
from services.api_gateway.discovery.operations import DISCOVERY_OPERATIONS
from services.api_gateway.events.operations import EVENT_OPERATIONS
from services.api_gateway.history.operations import HISTORY_OPERATIONS
from services.api_gateway.incidents.operations import INCIDENT_OPERATIONS
from services.api_gateway.locations.operations import LOCATION_OPERATIONS
from services.api_gateway.maintenance.operations import MAINTENANCE_OPERATIONS
from services.api_gateway.monitors.operations import MONITOR_OPERATIONS
from services.api_gateway.operation import Operation
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

_PROBE_OPERATIONS: tuple[Operation, ...] = (
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
    *MONITOR_OPERATIONS,
    *CHECK_OPERATIONS,
    *CUSTOMER_OPERATIONS,
    *_PROBE_OPERATIONS,
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
