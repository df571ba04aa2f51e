"""Maintenance windows over HTTP. Whoever may read may plan, a supporter apart; each change is one transaction."""

from datetime import UTC, datetime
from http import HTTPStatus
from uuid import UUID

from aiohttp import web

from services.api_gateway.calls import Call, json_answer
from services.api_gateway.field_types import moment_of_ms
from services.api_gateway.identifiers import read_identifier
from services.api_gateway.maintenance.models import (
    MaintenanceWindow,
    MaintenanceWindows,
    Occurrence,
    Target,
    WindowCreate,
    WindowFields,
    WindowPatch,
    WindowQuery,
    without_answer_fields,
)
from services.api_gateway.maintenance.rules import (
    Plan,
    Selection,
    Wanted,
    planned,
    selected,
    upcoming,
    wanted,
    way_faults,
)
from services.api_gateway.maintenance.window_store import (
    KnownMonitor,
    StoredWindow,
    delete_window,
    find_window,
    hold_window,
    insert_window,
    known_monitors,
    known_tags,
    list_windows,
    update_window,
)
from services.api_gateway.monitors.handlers import customer_in_scope, wanted_customers
from services.api_gateway.monitors.models import Deleted
from services.api_gateway.ownership.ownership_store import Owned
from services.api_gateway.ownership.rules import own
from services.api_gateway.problems import Fault, Problem, forbidden, not_found, wrong_fields
from services.api_gateway.reading import read_object, read_query, validated
from services.api_gateway.tags.models import TagBrief
from shared.database.pool import Connection

PATH = "/api/maintenance-windows"
_WHAT = "Maintenance window"


async def show_windows(call: Call) -> web.Response:
    """`GET /api/maintenance-windows`: a bare array."""
    query = read_query(call.request, WindowQuery)
    if query.organization_id not in (None, call.organization_id):
        raise not_found("Organization")
    async with call.transaction() as connection:
        customer_ids = await wanted_customers(connection, call, query.customer_id)
        found = await list_windows(connection, call.organization_id, customer_ids=customer_ids)
    return json_answer(MaintenanceWindows([_answer(stored) for stored in found]))


async def show_window(call: Call) -> web.Response:
    """`GET /api/maintenance-windows/{id}`."""
    identifier = _identifier(call)
    async with call.transaction() as connection:
        stored = await find_window(connection, call.organization_id, identifier)
    if stored is None:
        raise not_found(_WHAT)
    if stored.selection.customer_id is not None:
        call.principal.require_customer(stored.selection.customer_id)
    return json_answer(_answer(stored))


async def create_window(call: Call) -> web.Response:
    """`POST /api/maintenance-windows`."""
    call.principal.require_maintenance()
    body, unkeepable = await read_object(call.request)
    sent, faults = validated(WindowCreate, without_answer_fields(body), known=unkeepable)
    if sent is None:
        raise wrong_fields(faults)
    asked = wanted(sent)
    plan, faults = planned(sent, stored=None)
    faults += way_faults(asked, stored=None)
    if plan is None or faults:
        raise wrong_fields(faults)
    async with call.transaction() as connection:
        selection = await _selected(connection, call, asked, stored=None)
        made = await insert_window(connection, call.organization_id, plan, selection)
        if made is not None and await own(connection, call.organization_id, Owned.WINDOW, made.id, sent):
            made = await find_window(connection, call.organization_id, made.id)
    assert made is not None  # noqa: S101 - of this very transaction
    return json_answer(_answer(made), status=HTTPStatus.CREATED, location=f"{PATH}/{made.public_id}")


async def change_window(call: Call) -> web.Response:
    """`PATCH /api/maintenance-windows/{id}`: judged against the row as it is, which is held meanwhile."""
    identifier = _identifier(call)
    call.principal.require_maintenance()
    body, unkeepable = await read_object(call.request)
    sent, faults = validated(WindowPatch, without_answer_fields(body), known=unkeepable)
    async with call.transaction() as connection:
        stored = _changeable(call, await hold_window(connection, call.organization_id, identifier))
        if sent is None:
            raise wrong_fields(faults)
        plan, selection = await _changed(connection, call, stored, sent)
        changed = await update_window(connection, stored, plan, selection)
        if await own(connection, call.organization_id, Owned.WINDOW, stored.id, sent, stored.ownership):
            changed = await find_window(connection, call.organization_id, stored.id)
    assert changed is not None  # noqa: S101 - of this very transaction
    return json_answer(_answer(changed))


async def remove_window(call: Call) -> web.Response:
    """`DELETE /api/maintenance-windows/{id}`: one that is open ends now; what was stays in history."""
    identifier = _identifier(call)
    call.principal.require_maintenance()
    async with call.transaction() as connection:
        stored = _changeable(call, await hold_window(connection, call.organization_id, identifier))
        await delete_window(connection, stored)
    return json_answer(Deleted())


def _identifier(call: Call) -> int | UUID:
    identifier = read_identifier(call.request.match_info["id"])
    if identifier is None:
        raise Problem(HTTPStatus.BAD_REQUEST, "Invalid maintenance window ID")
    return identifier


def _changeable(call: Call, stored: StoredWindow | None) -> StoredWindow:
    if stored is None:
        raise not_found(_WHAT)
    _require_scope(call, stored.selection)
    return stored


def _require_scope(call: Call, selection: Selection) -> None:
    """Raises Problem 403 where this token may not plan for these monitors."""
    if selection.customer_id is not None:
        call.principal.require_customer(selection.customer_id)
        return
    call.principal.require_write()
    if call.principal.customer_ids is not None:
        raise forbidden("this window is for every customer of the organization")


async def _changed(
    connection: Connection, call: Call, stored: StoredWindow, sent: WindowFields
) -> tuple[Plan, Selection]:
    shown = stored.selection
    asked = wanted(
        sent,
        shown={
            "imap_pop_monitor_id": _single_monitor(shown),
            "targets": list(shown.monitor_ids),
            "tag_ids": list(shown.tag_ids),
            "customer_id": shown.customer_id,
        },
    )
    plan, faults = planned(sent, stored=stored.plan)
    if not asked.says_nothing:
        faults += way_faults(asked, stored=shown)
    if plan is None or faults:
        raise wrong_fields(faults)
    if asked.says_nothing:
        return plan, shown
    return plan, await _selected(connection, call, asked, stored=shown)


async def _selected(connection: Connection, call: Call, asked: Wanted, *, stored: Selection | None) -> Selection:
    """Whom it is for, looked up; raises Problem 400 naming who is unknown, 403, or 404 for the customer."""
    names = [asked.monitor] if asked.monitor is not None else list(asked.targets or ())
    monitors = await known_monitors(connection, call.organization_id, names)
    tags = await known_tags(connection, call.organization_id, asked.tags or ())
    unknown = [
        Fault(pointer=_pointer(asked, place), detail="IMAP/POP monitor not found")
        for place, name in enumerate(names)
        if name not in monitors
    ]
    unknown += [
        Fault(pointer=f"/tagIds/{place}", detail="Tag not found")
        for place, name in enumerate(asked.tags or ())
        if name not in tags
    ]
    if unknown:
        raise wrong_fields(unknown)
    chosen = [monitors[name] for name in names]
    for monitor in chosen:
        call.principal.require_customer(monitor.customer_id)
    customer_id = call.principal.single_customer_id
    if asked.customer is not None:
        customer_id = (await customer_in_scope(connection, call, asked.customer)).id
    selection = selected(
        asked,
        stored=stored or Selection(customer_id=call.principal.single_customer_id),
        monitors={name: monitor.id for name, monitor in monitors.items()},
        tags=tags,
        customer_of_monitors=_only_customer(chosen),
        customer_id=customer_id,
    )
    _require_scope(call, selection)
    return selection


def _pointer(asked: Wanted, place: int) -> str:
    return "/imapPopMonitorId" if asked.monitor is not None else f"/targets/{place}/id"


def _only_customer(monitors: list[KnownMonitor]) -> int | None:
    customers = {monitor.customer_id for monitor in monitors}
    if len(customers) > 1:
        said = "the targets of a window must all belong to the same customer"
        raise wrong_fields([Fault(pointer="/targets", detail=said)], code="mixedCustomers")
    return next(iter(customers), None)


def _single_monitor(selection: Selection) -> int | None:
    single = len(selection.monitor_ids) == 1 and not selection.tag_ids
    return selection.monitor_ids[0] if single else None


def _answer(stored: StoredWindow) -> MaintenanceWindow:
    plan, selection, occurrence = stored.plan, stored.selection, stored.occurrence
    shown = None
    if occurrence is not None:
        shown = Occurrence(start_time=moment_of_ms(occurrence[0]), end_time=moment_of_ms(occurrence[1]))
    return MaintenanceWindow(
        id=stored.id,
        public_id=stored.public_id,
        organization_id=stored.organization_id,
        customer_id=selection.customer_id,
        name=plan.name,
        description=plan.description,
        start_time=plan.starts_at,
        end_time=plan.ends_at,
        time_zone=plan.time_zone,
        is_recurring=plan.pattern is not None,
        recurrence_pattern=None if plan.pattern is None else dict(plan.pattern),
        is_active=plan.is_active,
        is_open=occurrence is not None and occurrence[2],
        occurrence=shown,
        upcoming=[
            Occurrence(start_time=moment_of_ms(begins), end_time=moment_of_ms(ends))
            for begins, ends in upcoming(plan, now=datetime.now(UTC))
        ],
        imap_pop_monitor_id=_single_monitor(selection),
        targets=[Target(id=monitor_id) for monitor_id in selection.monitor_ids],
        tags=[TagBrief(**tag) for tag in stored.tags],
        tag_ids=list(selection.tag_ids),
        managed_by=stored.ownership.managed_by,
        external_key=stored.ownership.external_key,
        created_at=stored.created_at,
        updated_at=stored.updated_at,
    )
