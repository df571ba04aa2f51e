"""Monitors over HTTP: made, shown, changed, removed. Each change is one transaction, or nothing."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID, uuid4

from aiohttp import web

from services.api_gateway.calls import Call, json_answer
from services.api_gateway.checks.eligibility import eligible
from services.api_gateway.checks.request_store import FIRST_GIVE_UP_MS, live_locations, request_checks
from services.api_gateway.customers.customer_store import find_customer
from services.api_gateway.customers.models import Customer
from services.api_gateway.identifiers import read_customer_identifier, read_identifier, read_uuid
from services.api_gateway.monitors import rules
from services.api_gateway.monitors.description import Description, StoredMonitor
from services.api_gateway.monitors.models import (
    Deleted,
    MonitorAnswer,
    MonitorCreate,
    MonitorPage,
    MonitorPatch,
    MonitorQuery,
    status_of,
    without_answer_fields,
)
from services.api_gateway.monitors.monitor_store import (
    MonitorFilter,
    delete_monitor,
    find_monitor,
    insert_monitor,
    list_monitors,
    lock_monitor,
    update_monitor,
)
from services.api_gateway.monitors.sealing import with_password
from services.api_gateway.monitors.view import monitor_answer, monitor_details, monitor_item
from services.api_gateway.overview.overview_store import overviews
from services.api_gateway.ownership.ownership_store import Owned
from services.api_gateway.ownership.rules import own
from services.api_gateway.package_configs.handlers import require_package_interval
from services.api_gateway.problems import Fault, Problem, not_found, wrong_fields
from services.api_gateway.reading import Body, read_object, read_query, validated
from services.api_gateway.tags.tag_store import find_tag
from shared.checks.vocabulary import CheckKind
from shared.database.pool import Connection

PATH = "/api/imap-pop-monitors"
MONITOR_PATH = f"{PATH}/{{publicId}}"


async def create_monitor(call: Call) -> web.Response:
    """`POST /api/imap-pop-monitors`."""
    call.principal.require_write()
    made = await monitor_made(call, await read_object(call.request))
    return json_answer(made, status=HTTPStatus.CREATED, location=f"{PATH}/{made.public_id}")


async def monitor_made(call: Call, body: Body) -> MonitorAnswer:
    """A new monitor from a body; raises Problem."""
    call.principal.require_write()
    sent = read_new_monitor(*body, floors=floors_of(call))
    public_id = uuid4()
    async with call.transaction() as connection:
        customer = await customer_in_scope(connection, call, sent.customer_id)
        await require_package_interval(connection, customer, sent.check_interval)
        password = rules.sent_password(sent.imap_pop_config)
        description = with_password(rules.described(sent, customer_id=customer.id), password, call, public_id=public_id)
        stored = await insert_monitor(connection, call.organization_id, public_id, description)
        if await own(connection, call.organization_id, Owned.MONITOR, stored.id, sent):
            stored = in_scope(call, await find_monitor(connection, call.organization_id, public_id))
        await _request_first_checks(connection, stored, before=None)
    return monitor_answer(stored, call.resources.address_policy, echo=password)


async def show_monitor(call: Call) -> web.Response:
    """`GET /api/imap-pop-monitors/{publicId}`."""
    public_id = monitor_id(call.request)
    async with call.transaction() as connection:
        stored = in_scope(call, await find_monitor(connection, call.organization_id, public_id))
        customer = await find_customer(connection, call.organization_id, stored.description.customer_id)
    if customer is None:
        raise not_found("Customer")
    return json_answer(monitor_details(stored, customer, call.resources.address_policy))


async def show_monitors(call: Call) -> web.Response:
    """`GET /api/imap-pop-monitors`."""
    query = read_query(call.request, MonitorQuery)
    if query.organization_id not in (None, call.organization_id):
        raise not_found("Organization")
    async with call.transaction() as connection:
        wanted = MonitorFilter(
            customer_ids=await wanted_customers(connection, call, query.customer_id),
            search=query.search or None,
            status=status_of(query.status) if query.status else None,
            health=query.health,
            tag_id=await _wanted_tag(connection, call, query.tag),
        )
        found, total = await list_monitors(
            connection,
            call.organization_id,
            wanted,
            sort=query.sort,
            limit=query.per_page,
            offset=(query.page - 1) * query.per_page,
        )
        shown = {stored.id: stored.description.interval_ms for stored in found if query.view is not None}
        seen = await overviews(connection, call.organization_id, shown)
    items = [monitor_item(stored, seen.get(stored.id)) for stored in found]
    return json_answer(MonitorPage(items=items, total=total, page=query.page, per_page=query.per_page))


async def change_monitor(call: Call) -> web.Response:
    """`PATCH /api/imap-pop-monitors/{publicId}`: judged against the row as it is, which is held meanwhile."""
    public_id = monitor_id(call.request)
    call.principal.require_change_of(())
    return json_answer(await monitor_changed(call, public_id, await read_object(call.request)))


async def monitor_changed(call: Call, public_id: UUID, sent_body: Body) -> MonitorAnswer:
    """The monitor with what a body says; raises Problem."""
    body, unkeepable = sent_body
    sent_fields = without_answer_fields(body)
    call.principal.require_change_of(sent_fields)
    sent, faults = validated(MonitorPatch, sent_fields, known=unkeepable)
    async with call.transaction() as connection:
        stored = in_scope(call, await lock_monitor(connection, call.organization_id, public_id))
        before = stored.description
        faults += rules.alias_faults(body)
        faults += rules.time_faults(sent_fields, faults, floors_of(call), stored=before)
        faults += rules.mask_faults(sent_fields, stored=before)
        if sent is None or faults:
            raise _renamed(wrong_fields(faults), body)
        customer = await customer_in_scope(
            connection, call, sent.customer_id if "customer_id" in sent.model_fields_set else before.customer_id
        )
        after = rules.changed(before, sent, customer_id=customer.id)
        if (after.interval_ms, after.customer_id) != (before.interval_ms, before.customer_id):
            await require_package_interval(connection, customer, after.interval_minutes)
        config = sent.imap_pop_config if "imap_pop_config" in sent.model_fields_set else None
        password = rules.sent_password(config)
        if password is None and after.sealed_password is not None:
            _require_same_binding(call, stored, after, body)
        after = with_password(after, password, call, public_id=public_id)
        if after != before:
            raise_revision = rules.changes_check(before, after)
            stored = await update_monitor(connection, stored, after, raise_revision=raise_revision)
            await _request_first_checks(connection, stored, before=before)
        if await own(connection, call.organization_id, Owned.MONITOR, stored.id, sent, stored.ownership):
            stored = in_scope(call, await find_monitor(connection, call.organization_id, public_id))
    return monitor_answer(stored, call.resources.address_policy, echo=password)


async def remove_monitor(call: Call) -> web.Response:
    """`DELETE /api/imap-pop-monitors/{publicId}`: the sealed password is gone at once."""
    await monitor_removed(call, monitor_id(call.request))
    return json_answer(Deleted())


async def monitor_removed(call: Call, public_id: UUID) -> None:
    """Raises Problem."""
    call.principal.require_write()
    async with call.transaction() as connection:
        stored = in_scope(call, await lock_monitor(connection, call.organization_id, public_id))
        await delete_monitor(connection, stored)


def read_new_monitor(
    body: Mapping[str, Any], unkeepable: Sequence[Fault] = (), *, floors: rules.Floors
) -> MonitorCreate:
    """A new monitor from a body and what is known to be wrong with it; raises Problem 400 naming every wrong field."""
    sent_fields = without_answer_fields(body)
    sent, faults = validated(MonitorCreate, sent_fields, known=unkeepable)
    faults += rules.alias_faults(body)
    faults += rules.time_faults(sent_fields, faults, floors, stored=None)
    faults += rules.mask_faults(sent_fields, stored=None)
    if sent is None or faults:
        raise _renamed(wrong_fields(faults), body)
    return sent


def monitor_id(request: web.Request) -> UUID:
    """The monitor an address names; raises Problem 400."""
    public_id = read_uuid(request.match_info["publicId"])
    if public_id is None:
        raise Problem(HTTPStatus.BAD_REQUEST, "IMAP/POP monitor public ID (UUID) required")
    return public_id


def in_scope(call: Call, stored: StoredMonitor | None) -> StoredMonitor:
    """The monitor, where this token may see it; raises Problem 403 or 404."""
    if stored is None:
        raise not_found("IMAP/POP monitor")
    call.principal.require_customer(stored.description.customer_id)
    return stored


async def customer_in_scope(connection: Connection, call: Call, identifier: int | UUID) -> Customer:
    """The customer, where this token may use it; raises Problem 403 or 404."""
    customer = await find_customer(connection, call.organization_id, identifier)
    if customer is None:
        raise not_found("Customer")
    call.principal.require_customer(customer.id)
    return customer


async def wanted_customers(connection: Connection, call: Call, text: str | None) -> Sequence[int] | None:
    """The customer a list is asked for, else all in scope (None: every one); raises Problem 400, 403 or 404."""
    if text is None:
        return call.principal.customers_wanted()
    identifier = read_customer_identifier(text)
    if identifier is None:
        raise wrong_fields([Fault(pointer="/customerId", detail="Invalid Customer identifier")])
    return [(await customer_in_scope(connection, call, identifier)).id]


async def _wanted_tag(connection: Connection, call: Call, text: str | None) -> int | None:
    if not text:
        return None
    identifier = read_identifier(text)
    tag = None if identifier is None else await find_tag(connection, call.organization_id, identifier)
    tag = tag or await find_tag(connection, call.organization_id, text)  # a name may look like a number
    if tag is None:
        raise not_found("Tag")
    return tag.id


def _require_same_binding(call: Call, stored: StoredMonitor, after: Description, body: Mapping[str, Any]) -> None:
    faults = rules.moved_password_faults(
        stored.description.binding(call.organization_id, stored.public_id),
        after.binding(call.organization_id, stored.public_id),
    )
    if faults:
        raise _renamed(wrong_fields(faults), body)


async def _request_first_checks(connection: Connection, stored: StoredMonitor, *, before: Description | None) -> None:
    if not rules.wants_first_check(before, stored.description):
        return
    live = await live_locations(connection, stored.description.protocol)
    await request_checks(
        connection,
        stored,
        eligible(live, stored.countries),
        kind=CheckKind.FIRST,
        give_up_after_ms=FIRST_GIVE_UP_MS,
    )


def floors_of(call: Call) -> rules.Floors:
    """The shortest intervals this installation allows."""
    settings = call.resources.settings
    return rules.Floors(any_protocol=settings.check_interval_floor_minutes, pop3=settings.pop3_interval_floor_minutes)


def _renamed(problem: Problem, body: Mapping[str, Any]) -> Problem:
    """Pointers into the body as it was sent: under `config`, where that name was used."""
    if "config" not in body or rules.CONFIG in body:
        return problem
    return wrong_fields(
        [
            Fault(pointer=fault.pointer.replace(f"/{rules.CONFIG}", "/config", 1), detail=fault.detail)
            for fault in problem.faults
        ]
    )
