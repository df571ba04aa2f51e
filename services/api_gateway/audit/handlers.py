"""The audit log over HTTP."""

from aiohttp import web

from services.api_gateway.audit.audit_store import cursor_of, list_entries, read_cursor
from services.api_gateway.audit.models import AuditPage, AuditQuery
from services.api_gateway.calls import Call, json_answer
from services.api_gateway.problems import Fault, not_found, wrong_fields
from services.api_gateway.reading import read_query

PATH = "/api/audit"


async def show_audit(call: Call) -> web.Response:
    """`GET /api/audit`: for administrators of the whole organization."""
    call.principal.require_admin()
    call.principal.require_organization_wide()
    query = read_query(call.request, AuditQuery)
    if query.organization_id not in (None, call.organization_id):
        raise not_found("Organization")
    before = None
    if query.cursor is not None and (before := read_cursor(query.cursor)) is None:
        raise wrong_fields([Fault(pointer="/cursor", detail="cursor must be the nextCursor of an earlier answer")])
    async with call.transaction() as connection:
        found = await list_entries(connection, call.organization_id, query, before=before, limit=query.limit + 1)
    shown = found[: query.limit]
    more = len(found) > query.limit
    return json_answer(AuditPage(items=shown, next_cursor=cursor_of(shown[-1]) if more else None))
