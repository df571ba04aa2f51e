"""The operation of the audit log."""

from services.api_gateway.audit import handlers
from services.api_gateway.audit.models import AuditPage, AuditQuery
from services.api_gateway.operation import NOT_ALLOWED, WRONG_FIELDS, Operation

AUDIT_OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="GET",
        path=handlers.PATH,
        name="listAudit",
        summary="Who did what, when, from where, the newest first; for administrators.",
        handler=handlers.show_audit,
        query=AuditQuery,
        linked=True,
        answers={200: AuditPage},
        problems={400: WRONG_FIELDS, 403: NOT_ALLOWED, 404: "The organization is unknown."},
    ),
)
