"""Incidents over HTTP: read, acknowledged, annotated, snoozed."""

from http import HTTPStatus

from aiohttp import web

from services.api_gateway.calls import Call, json_answer
from services.api_gateway.cursors import read_cursor, with_next, write_cursor
from services.api_gateway.identifiers import read_uuid
from services.api_gateway.incidents.incident_store import (
    IncidentRow,
    acknowledge,
    add_event,
    count_incidents,
    find_incident,
    incident_of,
    list_incidents,
    snooze,
)
from services.api_gateway.incidents.models import (
    IncidentChanged,
    IncidentDetails,
    IncidentPage,
    IncidentQuery,
    Incidents,
    Note,
    Snooze,
)
from services.api_gateway.incidents.timeline_store import read_evidence, read_timeline
from services.api_gateway.monitors.handlers import wanted_customers
from services.api_gateway.problems import Fault, Problem, not_found, wrong_fields
from services.api_gateway.reading import read_model, read_query
from shared.database.pool import Connection

PATH = "/api/incidents"
_LIST = "incidents"


async def show_incidents(call: Call) -> web.Response:
    """`GET /api/incidents`."""
    query = read_query(call.request, IncidentQuery)
    if query.organization_id not in (None, call.organization_id):
        raise not_found("Organization")
    place = read_cursor(call, _LIST, query.cursor)
    if place is not None and query.offset:
        raise wrong_fields([Fault(pointer="/offset", detail="offset does not go with cursor")])
    async with call.transaction() as connection:
        customer_ids = await wanted_customers(connection, call, query.customer_id)
        found = await list_incidents(
            connection,
            call.organization_id,
            customer_ids=customer_ids,
            status=query.status,
            limit=query.limit + 1,
            offset=query.offset,
            before=None if place is None else int(place[0]),
            scope=call.principal.customers_wanted(),
        )
        shown = found[: query.limit]
        cursor = write_cursor(call, _LIST, shown[-1].id) if len(found) > query.limit else None
        if query.include_total in ("0", "false"):
            return with_next(call, json_answer(Incidents(shown)), cursor)
        total = await count_incidents(connection, call.organization_id, customer_ids=customer_ids, status=query.status)
    page = IncidentPage(incidents=shown, total=total, limit=query.limit, offset=query.offset, next_cursor=cursor)
    return with_next(call, json_answer(Incidents(page)), cursor)


async def show_incident(call: Call) -> web.Response:
    """`GET /api/incidents/{publicId}`."""
    async with call.transaction() as connection:
        row = await _in_scope(connection, call)
        return json_answer(
            IncidentDetails(
                incident=incident_of(row),
                timeline=await read_timeline(connection, row, scope=call.principal.customers_wanted()),
                evidence_check=await read_evidence(connection, row),
            )
        )


async def acknowledge_incident(call: Call) -> web.Response:
    """`POST /api/incidents/{publicId}/acknowledge`; whoever was first stays the one who did."""
    call.principal.require_write()
    async with call.transaction() as connection:
        row = await _in_scope(connection, call, held=True)
        if row["acknowledged_at"] is None:
            _require_open(row)
            await acknowledge(connection, row, actor=call.principal.actor.name)
        return await _changed(connection, call)


async def note_on_incident(call: Call) -> web.Response:
    """`POST /api/incidents/{publicId}/notes`; a resolved one can be written about as well."""
    call.principal.require_write()
    sent = await read_model(call.request, Note)
    async with call.transaction() as connection:
        row = await _in_scope(connection, call)
        await add_event(connection, row, kind="note", actor=call.principal.actor.name, text=sent.text)
        return await _changed(connection, call)


async def snooze_incident(call: Call) -> web.Response:
    """`POST /api/incidents/{publicId}/snooze`."""
    call.principal.require_write()
    sent = await read_model(call.request, Snooze)
    async with call.transaction() as connection:
        row = await _in_scope(connection, call, held=True)
        _require_open(row)
        await snooze(connection, row, actor=call.principal.actor.name, minutes=sent.minutes)
        return await _changed(connection, call)


async def _in_scope(connection: Connection, call: Call, *, held: bool = False) -> IncidentRow:
    """The incident the address names, where this token may see it; raises Problem 400, 403 or 404."""
    public_id = read_uuid(call.request.match_info["publicId"])
    if public_id is None:
        raise Problem(HTTPStatus.BAD_REQUEST, "Incident public ID (UUID) required")
    scope = call.principal.customers_wanted()
    row = await find_incident(connection, call.organization_id, public_id, scope=scope, held=held)
    if row is None:
        raise not_found("Incident")
    call.principal.require_customer(row["customer_id"])
    return row


async def _changed(connection: Connection, call: Call) -> web.Response:
    return json_answer(IncidentChanged(incident=incident_of(await _in_scope(connection, call))))


def _require_open(row: IncidentRow) -> None:
    if row["resolved_at"] is not None:
        raise Problem(HTTPStatus.CONFLICT, "The incident is resolved")
