"""The audit log over HTTP."""

from aiohttp import web

from services.api_gateway.audit.audit_store import list_entries
from services.api_gateway.audit.models import AuditPage, AuditQuery
from services.api_gateway.calls import Call, json_answer
from services.api_gateway.cursors import read_cursor, with_next, write_cursor
from services.api_gateway.problems import not_found
from services.api_gateway.reading import read_query

PATH = "/api/audit"
_LIST = "audit"


async def show_audit(call: Call) -> web.Response:
    """`GET /api/audit`: for administrators of the whole organization."""
    call.principal.require_admin()
    call.principal.require_organization_wide()
    query = read_query(call.request, AuditQuery)
    if query.organization_id not in (None, call.organization_id):
        raise not_found("Organization")
    place = read_cursor(call, _LIST, query.cursor)
    before = None if place is None else int(place[0])
    async with call.transaction() as connection:
        found = await list_entries(connection, call.organization_id, query, before=before, limit=query.limit + 1)
    shown = found[: query.limit]
    cursor = write_cursor(call, _LIST, shown[-1].id) if len(found) > query.limit else None
    return with_next(call, json_answer(AuditPage(items=shown, next_cursor=cursor)), cursor)
